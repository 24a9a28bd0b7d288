"""Read the diagnosis in a free-text report with a dictionary of terms: negation, doubt, history, the longest term.

The dictionary of Zhao et al. (2024), doi:10.3389/fonc.2024.1204987, Table 1, with cues around a term as in NegEx
(Chapman et al. 2001, doi:10.1006/jbin.2001.1029) and ConText (Harkema et al. 2009, doi:10.1016/j.jbi.2009.05.002).
Term lists are data: one YAML file a language in `data/terms`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd
import yaml

from helpers.data.errors import StudyError

TERMS = Path("data/terms")
CALLS = ("malignant", "uncertain", "benign", "none")
CLASSES = ("malignant", "benign")
CUES = ("history", "negated", "uncertain")  # the first that applies says what a term is worth
SCRIPTS = {"latin": "LATIN", "han": "CJK"}
_SENTENCE = re.compile(r"[.!;\n。！；]+(?=\s|$|[^\x00-\x7f])")
_WORD = re.compile(r"[?:]|\w+")
_HAN = re.compile(r"[?:,]|[a-z0-9]+|[^\W_a-z0-9]")

Phrase = tuple[str, ...]


@dataclass(frozen=True)
class TermList:
    """Terms and cues of one language, cut into words (or signs).

    Attributes
    ----------
    language, script : str
    scope : int
        Words between a cue and the term it bears on.
    terms : dict of phrase to class
        `malignant` or `benign`.
    before, after : dict of phrase to cue
        Cues that stand before or after the term: `negated`, `uncertain`, `history`.
    ends : frozenset of phrases
        Words across which no cue reaches.
    """

    language: str
    script: str
    scope: int
    terms: dict[Phrase, str]
    before: dict[Phrase, str]
    after: dict[Phrase, str]
    ends: frozenset[Phrase]

    def words(self, text: str) -> list[str]:
        """Words of a text, or its signs where a language is written without spaces."""
        plain = unicodedata.normalize("NFKC", text).casefold()
        return (_HAN if self.script == "han" else _WORD).findall(plain)


@dataclass(frozen=True)
class Finding:
    """A term that a report names.

    Attributes
    ----------
    term : str
    meaning : str
        `malignant` or `benign`.
    status : str
        `affirmed`, `uncertain`, `negated` or `history`.
    """

    term: str
    meaning: str
    status: str


@dataclass(frozen=True)
class Reading:
    """What a report says.

    Attributes
    ----------
    call : str
        `malignant`: a malignant term is affirmed. `uncertain`: one is named in doubt, and none affirmed. `benign`: a
        benign term is named, or malignant ones only to deny them. `none`: nothing of the dictionary, as in an empty
        report.
    findings : tuple of Finding
        In the order of the text.
    """

    call: str
    findings: tuple[Finding, ...]


@lru_cache(maxsize=16)
def term_list(language: str, *, folder: Path = TERMS) -> TermList:
    """Read the term list of a language.

    Parameters
    ----------
    language : str
        Two letters, the name of the file.
    folder : Path
        Folder of the lists.

    Returns
    -------
    TermList

    Raises
    ------
    StudyError
        If there is no list of the language, or a list lacks a part, names a term in both classes or an unknown script.

    Examples
    --------
    >>> term_list("en").terms["normal", "lymph", "node"]
    'benign'
    """
    known = sorted(path.stem for path in Path(folder).glob("*.yaml"))
    if language not in known:
        raise StudyError(
            f"there is no list of terms for the language {language!r}; there are {', '.join(known) or 'none'}",
            file="reports.csv",
            column="language",
            fix=f"use one of these, or write data/terms/{language[:8]}.yaml after the example of en.yaml",
        )
    name = f"terms/{language}.yaml"
    raw = yaml.safe_load((Path(folder) / f"{language}.yaml").read_text(encoding="utf-8"))
    lists = ("malignant", "benign", "negated", "uncertain", "history", "ends", "script", "scope")
    for part in lists:
        if not isinstance(raw, dict) or part not in raw:
            raise StudyError("this part is missing", file=name, key=part, fix=f"give {', '.join(lists)}")
    if raw["script"] not in SCRIPTS:
        raise StudyError(f"unknown script {raw['script']!r}", file=name, key="script", fix=f"use {', '.join(SCRIPTS)}")
    empty = TermList(language, raw["script"], int(raw["scope"]), {}, {}, {}, frozenset())

    def phrases(given: Iterable[object]) -> list[Phrase]:
        return [tuple(empty.words(str(one))) for one in given]

    terms: dict[Phrase, str] = {}
    for meaning in CLASSES:
        for phrase in phrases(raw[meaning]):
            if terms.setdefault(phrase, meaning) != meaning:
                raise StudyError(f"{' '.join(phrase)!r} is malignant and benign", file=name, key=meaning)
    sides = {
        side: {phrase: cue for cue in reversed(CUES) for phrase in phrases(raw[cue].get(side, ()))}
        for side in ("before", "after")
    }
    return TermList(language, raw["script"], int(raw["scope"]), terms, **sides, ends=frozenset(phrases(raw["ends"])))


def read_report(text: str, terms: TermList) -> Reading:
    """Read one report.

    Parameters
    ----------
    text : str
        May be empty: the call is then `none`.
    terms : TermList

    Returns
    -------
    Reading

    Raises
    ------
    StudyError
        If most letters of the text are of another script than the list's.

    Examples
    --------
    >>> english = term_list("en")
    >>> read_report("Reactive hyperplasia, no evidence of metastasis.", english).call
    'benign'
    >>> read_report("Level III: metastasis cannot be excluded.", english).call
    'uncertain'
    >>> [finding.status for finding in read_report("History of thyroid CA. Lymphadenopathy.", english).findings]
    ['history', 'affirmed']
    """
    _check_script(text, terms)
    findings = [found for part in _SENTENCE.split(text) for found in _sentence(terms.words(part), terms)]
    worth = {(finding.meaning, finding.status) for finding in findings}
    if ("malignant", "affirmed") in worth:
        call = "malignant"
    elif ("malignant", "uncertain") in worth:
        call = "uncertain"
    elif worth & {("benign", "affirmed"), ("benign", "uncertain"), ("malignant", "negated")}:
        call = "benign"
    else:
        call = "none"
    return Reading(call, tuple(findings))


def keyword_call(text: str, terms: TermList) -> str:
    """The call of a plain search for the terms, which knows neither negation nor doubt: what a first version does.

    Examples
    --------
    >>> keyword_call("No evidence of metastasis.", term_list("en"))
    'malignant'
    """
    found = {finding.meaning for finding in read_report(text, terms).findings}
    return "malignant" if "malignant" in found else "benign" if "benign" in found else "none"


def _sentence(words: list[str], terms: TermList) -> list[Finding]:
    """Findings of one sentence: the longest phrase at each place, then the cues that reach a term."""
    marks = _marks(words, terms)
    found = []
    for place, (start, stop, kind, phrase) in enumerate(marks):
        if kind != "term":
            continue
        reached = set()
        for other in reversed(marks[:place]):
            if other[2] == "end" or start - other[1] > terms.scope:
                break
            if other[3] in terms.before and other[2] == "cue":
                reached.add(terms.before[other[3]])
        for other in marks[place + 1 :]:
            if other[2] == "end" or other[0] - stop > terms.scope:
                break
            if other[3] in terms.after and other[2] == "cue":
                reached.add(terms.after[other[3]])
        status = next((cue for cue in CUES if cue in reached), "affirmed")
        joint = "" if terms.script == "han" else " "
        found.append(Finding(joint.join(phrase), terms.terms[phrase], status))
    return found


def _marks(words: list[str], terms: TermList) -> list[tuple[int, int, str, Phrase]]:
    """Terms, cues and ends of a sentence as (start, stop, kind, phrase), the longest first where they overlap."""
    known = {phrase: "end" for phrase in terms.ends}
    known |= dict.fromkeys([*terms.before, *terms.after], "cue")
    known |= dict.fromkeys(terms.terms, "term")
    longest = max(map(len, known))
    hits = []
    for start in range(len(words)):
        for length in range(1, min(longest, len(words) - start) + 1):
            phrase = tuple(words[start : start + length])
            if phrase in known:
                hits.append((start, start + length, known[phrase], phrase))
    taken, kept = set(), []
    for hit in sorted(hits, key=lambda one: (one[0] - one[1], one[0])):
        if not taken & set(range(hit[0], hit[1])):
            taken |= set(range(hit[0], hit[1]))
            kept.append(hit)
    return sorted(kept)


def _check_script(text: str, terms: TermList) -> None:
    letters = [sign for sign in text if sign.isalpha()]
    own = sum(SCRIPTS[terms.script] in unicodedata.name(sign, "") for sign in letters)
    if letters and own < len(letters) / 2:
        raise StudyError(
            f"most letters of the report are not of the script of the language {terms.language!r}",
            file="reports.csv",
            column="text",
            fix="correct the language of this row",
        )


def published(path: str | Path | None, *, language: str = "en", folder: Path = TERMS) -> pd.DataFrame | None:
    """The dictionary that paper B prints, with the entry of the list that stands for each keyword.

    Parameters
    ----------
    path : path or None
        `B_table1.csv`, from `helpers.data.printed.of`; None for a study that follows no paper.
    language : str
    folder : Path

    Returns
    -------
    DataFrame or None
        `definition, keyword, entry`; None of None, and of a list in another language than the paper's.

    Raises
    ------
    StudyError
        If a printed keyword is not in the list under its meaning.
    """
    if path is None or language != "en":
        return None
    terms = term_list(language, folder=folder)
    rows = []
    for line in pd.read_csv(path).itertuples():
        meaning = {"malignancy": "malignant", "benignancy": "benign"}[line.row]
        entry = next(
            (t for t in (tuple(terms.words(part)) for part in line.value.split("/")) if t in terms.terms), None
        )
        if entry is None or terms.terms[entry] != meaning:
            raise StudyError(f"{line.value!r} is not a {meaning} term", file=f"terms/{language}.yaml", key=meaning)
        rows.append((meaning, line.value, " ".join(entry)))
    return pd.DataFrame(rows, columns=["definition", "keyword", "entry"])
