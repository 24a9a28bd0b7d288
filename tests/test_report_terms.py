"""The dictionary of report terms: negation, doubt, history, the longest term, several findings, other languages."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.data import report_terms, reports
from helpers.data.errors import StudyError

ENGLISH = report_terms.term_list("en")


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("Lymphadenopathy at level III.", "malignant"),
        ("Abnormal lymph node.", "malignant"),
        ("Metastasis of thyroid CA.", "malignant"),
        ("Node with suspicious calcification.", "malignant"),
        ("Normal lymph node.", "benign"),
        ("Reactive hyperplasia, no evidence of metastasis.", "benign"),
        ("No abnormal lymph node.", "benign"),
        ("No metastasis.", "benign"),
        ("Metastasis is unlikely.", "benign"),
        ("Metastasis cannot be excluded.", "uncertain"),
        ("Metastasis?", "uncertain"),
        ("Suspicious for metastasis.", "uncertain"),
        ("Possible metastasis, otherwise normal lymph nodes.", "uncertain"),
        ("No calcification, but lymphadenopathy.", "malignant"),
        ("No metastasis on the left. Metastasis on the right.", "malignant"),
        ("Normal lymph nodes; abnormal lymph node at level IV.", "malignant"),
        ("History of thyroid CA. Normal lymph node.", "benign"),
        ("History of thyroid carcinoma.", "none"),
        ("LYMPHADENOPATHY", "malignant"),
        ("Carotid artery and jugular vein.", "none"),
        ("Calcification is cause for follow-up.", "none"),
        ("", "none"),
        ("   \n", "none"),
    ],
)
def test_english(text, call):
    assert report_terms.read_report(text, ENGLISH).call == call


def test_a_cue_does_not_reach_over_its_scope_or_an_end():
    far = "No fatty hilum is seen in this oval node on the left side metastasis."
    assert report_terms.read_report(far, ENGLISH).call == "malignant"
    assert report_terms.read_report("No hilum but metastasis.", ENGLISH).call == "malignant"


def test_the_longest_term_is_taken():
    found = report_terms.read_report("A metastatic lymph node.", ENGLISH).findings
    assert [finding.term for finding in found] == ["metastatic lymph node"]


@pytest.mark.parametrize(
    ("language", "text", "call"),
    [
        ("zh", "左颈部III区淋巴结肿大，考虑转移。", "malignant"),
        ("zh", "未见异常淋巴结。", "benign"),
        ("zh", "淋巴结转移不除外。", "uncertain"),
        ("zh", "甲状腺癌术后，正常淋巴结。", "benign"),
        ("de", "Metastase nicht auszuschließen.", "uncertain"),
        ("de", "Kein Hinweis auf Metastasen.", "benign"),
        ("de", "Suspekter Lymphknoten links.", "malignant"),
    ],
)
def test_other_languages_are_lists_of_terms(language, text, call):
    assert report_terms.read_report(text, report_terms.term_list(language)).call == call


def test_every_printed_keyword_is_in_the_list():
    table = report_terms.published("data/published/B_table1.csv")
    assert table["definition"].tolist() == ["malignant"] * 6 + ["benign"] * 3


def test_an_unknown_language_names_those_that_are_there():
    with pytest.raises(StudyError, match=r"'fr'; there are de, en, zh"):
        report_terms.term_list("fr")


def test_a_name_is_no_path(tmp_path):
    (tmp_path / "secret.yaml").write_text("language: en\n", encoding="utf-8")
    with pytest.raises(StudyError, match="no list of terms"):
        report_terms.term_list(str(tmp_path / "secret"))


def test_a_list_that_contradicts_itself_is_refused(tmp_path):
    text = "script: latin\nscope: 5\nmalignant: [node]\nbenign: [node]\nnegated: {}\nuncertain: {}\nhistory: {}\nends: []\n"
    (tmp_path / "xx.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="'node' is malignant and benign"):
        report_terms.term_list("xx", folder=tmp_path)
    (tmp_path / "yy.yaml").write_text("script: latin\n", encoding="utf-8")
    with pytest.raises(StudyError, match="key malignant: this part is missing"):
        report_terms.term_list("yy", folder=tmp_path)


def write(folder, text):
    (folder / reports.FILE).write_text(text, encoding="utf-8")
    return pd.DataFrame({"case_id": ["N1", "N2", "N3"]})


def test_a_table_in_several_languages(tmp_path):
    cohort = write(tmp_path, 'case_id,language,text\nN2,zh,未见异常淋巴结。\nN1,en,"Metastasis, no doubt."\n')
    made = reports.read(tmp_path, cohort)
    assert made["call"].tolist() == ["malignant", "benign", "none"]
    assert made["text"].tolist()[2] == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case_id,words\nN1,a\n", "column text: there is no such column"),
        ("case_id,text\nN9,a\n", "row 2, column case_id: case 'N9' is not in cohort.csv"),
        ("case_id,text\nN1,a\nN1,b\n", "row 3, column case_id: case 'N1' has a report already"),
        ("case_id,language,text\nN1,fr,a\n", "row 2, column language: there is no list of terms"),
        ("case_id,text\nN1,未见异常淋巴结\n", "row 2, column text: most letters of the report are not of the script"),
    ],
)
def test_faults_name_the_row(tmp_path, text, said):
    cohort = write(tmp_path, text)
    with pytest.raises(StudyError, match=said):
        reports.read(tmp_path, cohort)


def test_doubt_counts_as_said():
    calls = pd.Series(["malignant", "uncertain", "benign", "none"])
    assert reports.positive(calls).tolist() == [True, True, False, False]
    assert reports.positive(calls, uncertain="negative").tolist() == [True, False, False, False]
    with pytest.raises(ValueError, match="positive or negative"):
        reports.positive(calls, uncertain="maybe")
