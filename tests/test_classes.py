"""Several classes: what is named, grades, votes, readers, and test sets that might have been."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from sklearn import metrics

from helpers.book import sentences_classes as sentences
from helpers.data.errors import StudyError
from helpers.learn import candidates, resampled, rows
from helpers.stats import between, class_calls, class_readers, multiclass_table, ordinal, paired_size, voting
from helpers.stats import resampled as other_tests
from helpers.stats.auc import auc
from helpers.stats.intervals import proportion
from helpers.stats.multiclass import auc_multiclass

NAMES = ["benign", "non-metastatic", "metastatic"]


def predictions(n: int = 34, *, images: int = 1, seed: int = 0, model: str = "m", few: int = 4) -> pd.DataFrame:
    """A predictions table by image, the middle class with `few` patients."""
    rng = np.random.default_rng(seed)
    code = np.array([1] * few + [0] * 10 + [2] * (n - few - 10))
    patient = np.repeat([f"P{k:02}" for k in range(n)], images)
    label = np.repeat(code, images)
    shared = np.repeat(rng.normal(size=(n, 3)), images, axis=0)  # images of a patient are alike
    logits = shared + 0.3 * rng.normal(size=(len(label), 3)) + 1.5 * np.eye(3)[label]
    risk = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = pd.DataFrame(
        {"study": "s", "model": model, "seed": 0, "split": "test", "center": "A"}, index=range(len(label))
    )
    table["patient_id"], table["case_id"] = patient, [f"C{k}" for k in range(len(label))]
    table["label"] = [NAMES[k] for k in label]
    return table.assign(**{f"risk_{name}": risk[:, k] for k, name in enumerate(NAMES)})


def test_confusion_and_balanced_accuracy_are_those_of_scikit_learn():
    (made,) = class_calls.calls(predictions(), split="test").values()
    assert (made.confusion().to_numpy() == metrics.confusion_matrix(made.truth, made.called)).all()
    assert made.balanced_accuracy().value == pytest.approx(metrics.balanced_accuracy_score(made.truth, made.called))
    table = made.by_class().set_index("class")
    precision, recall, *_ = metrics.precision_recall_fscore_support(made.truth, made.called)
    assert table["ppv"].to_numpy() == pytest.approx(precision) and table["sensitivity"].to_numpy() == pytest.approx(
        recall
    )


def test_a_patient_s_risks_are_the_mean_of_the_images_and_still_sum_to_one():
    images = predictions(images=3)
    voted = voting.by_patient(images)
    risks = [f"risk_{name}" for name in NAMES]
    assert voted[risks].sum(axis=1).to_numpy() == pytest.approx(1)
    one = images[images["patient_id"] == "P05"][risks].mean()
    assert voted.set_index("patient_id").loc["P05", risks].to_numpy(float) == pytest.approx(one.to_numpy())
    units = {"by image": class_calls.calls(images, split="test"), "by patient": class_calls.calls(voted, split="test")}
    table = class_calls.accuracies(units).set_index("unit")
    assert table.loc["by image", "n"] == 102 and table.loc["by patient", "n"] == 34
    wide = table["accuracy_high"] - table["accuracy_low"]
    naive = table["naive_high"] - table["naive_low"]
    assert wide["by image"] > naive["by image"], "images of a patient are no strangers"
    assert wide["by patient"] == pytest.approx(naive["by patient"])


def test_a_class_of_four_patients_says_so_and_an_empty_one_is_no_number():
    table = predictions()
    perfect = table.assign(**{f"risk_{name}": (table["label"] == name).astype(float) for name in NAMES})
    made = class_calls.calls(perfect, split="test")
    assert "Only 4 judged patients are non-metastatic" in class_calls.small(made)
    row = made["m"].by_class().set_index("class").loc["non-metastatic"]
    assert row["sensitivity"] == 1 and row["sensitivity_low"] == pytest.approx(proportion(4, 4).low)
    several = auc_multiclass(table["label"], table[[f"risk_{name}" for name in NAMES]], NAMES)
    drawn = {curve.name: curve.auc for curve in several.curves}
    one = several.one_vs_rest["non-metastatic"]
    assert drawn["non-metastatic"].low == one.low, "the curve and the table give one interval"
    without = class_calls.calls(table[table["label"] != "non-metastatic"], split="test")
    gone = without["m"].by_class().set_index("class").loc["non-metastatic"]
    assert np.isnan(gone["sensitivity"]) and gone["events"] == 0
    assert "No judged patient is non-metastatic" in class_calls.small(without)
    assert class_calls.plot({"by patient": without}) is not None


def test_collapsing_adds_risks_and_refuses_what_is_no_question():
    table = predictions()
    cut = multiclass_table.collapse(table, ["non-metastatic", "metastatic"])
    assert cut["risk"].to_numpy() == pytest.approx(1 - table["risk_benign"].to_numpy())
    assert cut["label"].sum() == 24
    for wrong in ([], NAMES):
        with pytest.raises(ValueError, match="some, not all"):
            multiclass_table.collapse(table, wrong)
    with pytest.raises(ValueError, match="none of the classes"):
        multiclass_table.collapse(table, ["cyst"])


def test_ordinal_concordance_is_that_of_all_pairs():
    rng = np.random.default_rng(2)
    grade, score = rng.integers(0, 3, 40), rng.normal(size=40).round(1)
    values = []
    for a, b in combinations(range(3), 2):
        pairs = [(y > x) + (y == x) / 2 for x, y in product(score[grade == a], score[grade == b])]
        values.append(np.mean(pairs))
    assert ordinal.concordance(grade, score).value == pytest.approx(np.mean(values))
    two = ordinal.concordance(grade[grade < 2], score[grade < 2])
    one = auc(grade[grade < 2] == 1, score[grade < 2])
    assert two.value == pytest.approx(one.value)
    assert two.se == pytest.approx(one.se, rel=0.03), "DeLong's but for the number of patients less one"
    with pytest.raises(ValueError, match="two grades"):
        ordinal.concordance([1, 1], [0.2, 0.3])


def test_reading_classes_as_grades():
    table = predictions(60, few=10)
    made = class_calls.calls(table, split="test")
    found = ordinal.every(table, made, split="test")["m"]
    assert found.milder.value + found.graver.value == pytest.approx(1 - made["m"].accuracy().value)
    kappa = metrics.cohen_kappa_score(made["m"].truth, made["m"].called, weights="quadratic")
    assert found.kappa.value == pytest.approx(kappa)
    assert found.cuts["events"].tolist() == [50, 40]


def test_paired_size_agrees_with_printed_examples_and_with_simulation():
    # https://powerandsamplesize.com, paired proportions, two-sided: p01 0.45, p10 0.05, power 0.80
    assert paired_size.paired_size(0.40, 0.50) == 23
    n = paired_size.paired_size(0.11, 0.15)
    rng = np.random.default_rng(1)
    b, c, _ = rng.multinomial(n, [0.13, 0.02, 0.85], 4000).T
    with np.errstate(invalid="ignore"):
        found = (b - c) ** 2 / (b + c) > 3.841
    assert found.mean() == pytest.approx(paired_size.paired_power(n, 0.11, 0.15), abs=0.05)
    needed = paired_size.sizes(0.95, 0.84, n=34)
    assert needed["needed"].is_monotonic_increasing and needed["needed"].min() > 34
    with pytest.raises(ValueError, match="disagree"):
        paired_size.paired_size(0.3, 0.2)
    with pytest.raises(ValueError, match="difference"):
        paired_size.paired_size(0.0, 0.2)


def test_no_patient_is_tested_by_a_head_that_saw_one_of_its_images():
    rng = np.random.default_rng(0)
    patients = pd.DataFrame({"patient_id": [f"P{k}" for k in range(45)], "label": np.arange(45) % 3, "center": "A"})
    cases = patients.loc[patients.index.repeat(3)].reset_index(drop=True)
    # each patient has a mark of its own: a head that saw one image would name the others
    marks = np.eye(45)[cases.index.to_numpy() // 3] + rng.normal(0, 0.01, (135, 45))
    scheme = resampled.new_patients(cases["label"].to_numpy(), cases["patient_id"].to_numpy(), folds=5, repeats=2)
    assert (pd.DataFrame(scheme.fold.T).groupby(cases["patient_id"].to_numpy()).nunique() == 1).all(axis=None)
    made = resampled.cross_validate(marks, cases, scheme, classes=NAMES, study="s", model="m")
    assert made.groupby("patient_id").size().eq(2).all()
    assert other_tests.accuracy(made).mean() < 0.6
    known = other_tests.performance({"m": made[made["seed"] == 0]}).set_index("class")
    once = made[made["seed"] == 0]
    direct = auc_multiclass(once["label"], once[[f"risk_{name}" for name in NAMES]], NAMES)
    row = known.loc["mean over classes", ["auc", "auc_low", "auc_high"]].to_numpy(float)
    assert row == pytest.approx([direct.macro.value, direct.macro.low, direct.macro.high])
    with pytest.raises(ValueError, match="cannot be drawn"):
        other_tests.luck(made, dict.fromkeys(NAMES, 99))
    gap = other_tests.difference(made, made)
    assert gap.value == 0 and gap.se == 0
    assert set(np.unique(resampled.new_center(np.array(["b", "a", "b"])).fold)) == {0, 1}


def test_heads_of_folds_are_those_of_scikit_learn():
    """Each fold fitted alone on its training cases, scaled by them and weighted by patient and class."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    label = rng.permutation(np.repeat([0, 1, 2], [30, 12, 48]))
    features = 50 + rng.normal(size=(90, 6)) * [1, 5, 20, 1, 1, 0] + label[:, None]
    features[:, 5] = 0.1  # the same for everybody
    weight = rng.choice([1, 1 / 2, 1 / 3], 90) * (np.arange(90) % 3 != np.arange(3)[:, None])
    made = resampled.head_risks(features, label, weight, features, 3)
    for fold, own in enumerate(weight):
        kept = own > 0
        mean, spread = features[kept].mean(axis=0), features[kept].std(axis=0)
        x = (features - mean) / np.where(spread > 1e-9, spread, 1.0)
        share = np.bincount(label[kept], weights=own[kept])
        balanced = own[kept] * (share.sum() / 3 / share)[label[kept]]
        head = LogisticRegression(C=resampled.PENALTY, max_iter=5000, tol=1e-10)
        right = head.fit(x[kept], label[kept], sample_weight=balanced).predict_proba(x)
        assert made[fold] == pytest.approx(right, abs=1e-5)
    with pytest.raises(ValueError, match="no patient outside a fold"):
        resampled.head_risks(features, label, (label > 0)[None].astype(float), features, 3)


def test_intervals_between_folds_by_hand():
    """The AUC of every fold, and the corrected variance of their mean; differences fold by fold."""
    rng = np.random.default_rng(5)
    label = np.repeat([0, 1, 2], 20)
    features = rng.normal(size=(60, 4)) + label[:, None] * 0.8
    cases = pd.DataFrame({"patient_id": [f"P{k:02d}" for k in range(60)], "label": label, "center": "A"})
    scheme = resampled.new_patients(label, cases["patient_id"].to_numpy(), folds=4, repeats=3)
    options = {"classes": NAMES, "study": "s"}
    made = resampled.cross_validate(features, cases, scheme, model="m", **options)
    other = resampled.cross_validate(rng.permutation(features), cases, scheme, model="n", **options)
    assert made["fold"].to_numpy().reshape(3, 60).tolist() == scheme.fold.tolist()

    def by_hand(table):
        rows = []
        for repeat in range(3):
            for fold in range(4):
                part = table[(table["seed"] == repeat) & (table["fold"] == fold)]
                pairs = [(part["label"] == name, part[f"risk_{name}"]) for name in NAMES]
                rows.append([
                    np.mean([(a > b) + (a == b) / 2 for a in risk[own] for b in risk[~own]]) for own, risk in pairs
                ])  # fmt: skip
        return np.column_stack([rows, np.mean(rows, axis=1)])

    for found, values in (
        (other_tests.between_folds(made), by_hand(made)),
        (other_tests.between_folds(made, other), by_hand(made) - by_hand(other)),
    ):
        se = values.std(axis=0, ddof=1) * np.sqrt(1 / 12 + 1 / 3)
        assert found["value"].to_numpy() == pytest.approx(values.mean(axis=0))
        assert found["low"].to_numpy() == pytest.approx(values.mean(axis=0) - student.ppf(0.975, 11) * se)
        assert (found["high"] <= 1).all() and found["folds"].eq(12).all()
    whole = other_tests.between_folds(made.assign(fold=0))
    assert whole["value"].notna().all() and whole["low"].isna().all(), "one fold a repeat says nothing of training"
    lacking = made[~((made["label"] == NAMES[0]) & (made["fold"] == 1) & (made["seed"] == 2))]
    assert other_tests.between_folds(lacking).set_index("class")["low"].isna().tolist() == [True, False, False, True]


def test_share_between_centres_has_its_ends():
    rng = np.random.default_rng(0)
    group, whose = np.repeat(list("abcd"), 40), np.arange(160)
    apart = between.share_between(np.repeat([0, 10, 20, 30], 40) + rng.normal(size=160), group, whose)
    alike = between.share_between(rng.normal(size=160), group, whose)
    assert apart.value > 0.95 and alike.value < 0.1 and alike.low <= alike.value <= alike.high
    with pytest.raises(ValueError, match="two groups"):
        between.share_between([1.0, 2.0], ["a", "a"], [1, 2])


def test_networks_of_several_classes_are_scored_by_the_mean_over_classes():
    cases = pd.DataFrame(
        {"split": "test", "center": "A", "patient_id": list("abc"), "case_id": list("abc"), "label": [0, 1, 2]}
    )
    risk = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    table = rows.table(risk, cases, study="s", model="still-resnet18", seed=0, classes=NAMES)
    assert table["label"].tolist() == NAMES and list(table.filter(like="risk")) == [f"risk_{name}" for name in NAMES]
    with pytest.raises(ValueError, match="shape"):
        rows.table(risk[:, :2], cases, study="s", model="m", seed=0, classes=NAMES)
    both = pd.concat([table.assign(split="tune"), table])

    class Model:
        input, runs = "still", ("resnet18",)

    scores = candidates.compare(both, {"balanced": Model}).scores
    assert scores["auc"].tolist() == [1.0, 1.0]


def readings(tmp_path: Path) -> tuple[Path, pd.DataFrame]:
    """Two readers on the patients of `predictions`, on disk."""
    truth = predictions().drop_duplicates("patient_id")
    parts = [truth.assign(reader=who, experience=who, rating=truth["label"]) for who in ("junior", "senior")]
    table = pd.concat(parts, ignore_index=True)[["reader", "experience", "patient_id", "label", "rating"]]
    table.loc[:4, "rating"] = "metastatic"
    path = tmp_path / "readings.csv"
    table.to_csv(path, index=False)
    return path, table


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("rating", "cyst", "'cyst' is none of the classes"),
        ("patient_id", "P01", "twice"),
        ("label", "benign", "two labels"),
    ],
)
def test_faulty_readings_are_named(tmp_path, column, value, match):
    path, table = readings(tmp_path)
    assert len(class_readers.read(path, NAMES)) == 68
    table.loc[0, column] = value
    table.to_csv(path, index=False)
    with pytest.raises(StudyError, match=match):
        class_readers.read(path, NAMES)


def test_readers_and_models_are_compared_on_the_same_patients():
    truth = np.array([0] * 10 + [1] * 4 + [2] * 20)
    whose = np.arange(34)
    right = class_calls.Calls(tuple(NAMES), truth, truth, whose, "m")
    commonest = class_calls.Calls(tuple(NAMES), truth, np.full(34, 2), whose, "r")
    read = class_readers.ClassReaders({"r": commonest}, {"m": right}, tuple(NAMES))
    table = class_readers.compare(read).set_index("among")
    assert table.loc["all patients", ["only_model", "only_reader"]].tolist() == [14, 0]
    assert table.loc["all patients", "difference"] == pytest.approx(14 / 34)
    assert table.loc["non-metastatic", "difference_high"] == pytest.approx(1)
    assert table.loc["non-metastatic", "difference_low"] < 0.5, "four patients say little"
    assert np.isnan(table.loc["metastatic", "p_holm"]) and table.loc["all patients", "p_holm"] < 0.001
    agreed = class_readers.agreements(read).set_index(["first", "second"])
    assert agreed.loc[("histology", "m"), "kappa"] == 1 and agreed.loc[("histology", "r"), "kappa"] == 0
    printed = class_readers.printed_accuracies("data/published/C_text.csv")
    assert printed == {"AI model": 0.95, "junior radiologist": 0.73, "senior radiologist": 0.84}
    assert class_readers.needed({"a": 0.9, "b": 0.9}, against=["a"], n=10, source="x").empty
    (here,) = class_readers.needed_here(read).to_dict("records")
    assert here["disagree"] == pytest.approx(14 / 34), "the model is right in all, the reader in 20 of 34"
    assert here["needed"] == paired_size.paired_size(14 / 34, 14 / 34) and np.isnan(here["power"])
    equal = class_readers.needed_here(class_readers.ClassReaders({"r": right}, {"m": right}, tuple(NAMES)))
    assert sentences.needed(equal, n=34) == (
        "To show the accuracies that the study prints here as different (80 % power): m (100%) against r (100%): right "
        "equally often, so no number of patients would tell them apart."
    )
    paper = class_readers.needed(printed, against=["AI model"], n=34, source="printed")
    said = sentences.needed(paper, n=34)
    assert said.startswith("To show the accuracies that the paper that the study follows prints as different")
    assert (
        "AI model (95%) against junior radiologist (73%): 34 to 46 patients, and with 34 a power of 67% to 81%" in said
    )
