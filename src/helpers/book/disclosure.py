"""The last look before a book is published: nothing in it may name a patient, or the machine that built it.

Every file of the built book is looked at, the parts of spreadsheets and documents too. What cannot be read, or is of no
kind that a page has, is a fault like any other: the gate fails closed. Burnt-in text of pictures it cannot see.

What would name a patient is taken from the study itself: the headers of its DICOM files, and columns of `cohort.csv`
that hold names, addresses or dates of birth. `patient_id`, `case_id` and `center` are meant to be read, so they must be
pseudonyms.
"""

from __future__ import annotations

import csv
import html
import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

PAGES = (".html", ".js", ".json", ".csv", ".tex", ".svg", ".ipynb", ".md", ".txt", ".xml", ".rels")
ZIPPED = (".xlsx", ".docx")
BINARY = (".png", ".webp", ".mp4", ".tiff", ".ico")
THEME = (".css", ".map", ".mo", ".po", ".pot", ".woff", ".woff2", ".ttf", ".eot", ".inv")
NAMED = (".buildinfo", ".nojekyll")
SYSTEM = ("bin", "dev", "etc", "lib", "opt", "proc", "sbin", "sys", "usr")
_PATH = re.compile(r"(?<![\w.:/~<\\-])/(?:[\w.+-]+/)+[\w.+-]+")
HOMES = ("home", "Users", "root")  # folders of a machine that hold somebody's files
_HOME = re.compile(rf"(?<![\w.])(?:/(?:{'|'.join(HOMES)})/|[A-Za-z]:\\{{1,2}}Users\\{{1,2}})[\w.-]+")
_ACTIVE = re.compile(rb"<script|<foreignObject|<iframe|<!ENTITY|javascript:|\son[a-z]+\s*=", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_NAMES = ("name", "names", "surname", "firstname", "lastname", "forename", "vorname", "nachname", "姓名")
_BIRTH = ("birth", "birthdate", "birthday", "dob", "geburtsdatum", "geburtstag", "出生日期")
_REACHED = ("address", "adresse", "phone", "telephone", "telefon", "email", "mail")
_NUMBERS = ("mrn", "ssn", "accession", "身份证号", "住院号")
PRIVATE_COLUMNS = frozenset((*_NAMES, *_BIRTH, *_REACHED, *_NUMBERS))  # a word of a column's name
PRIVATE_TAGS = (
    "PatientName",
    "PatientID",
    "OtherPatientIDs",
    "PatientBirthDate",
    "PatientBirthName",
    "AccessionNumber",
)
PRIVATE_TAGS += ("PatientAddress", "PatientTelephoneNumbers", "ReferringPhysicianName", "OperatorsName")
_NOBODY = ("anonymous", "anonymized", "anonymised", "anonym", "unknown", "none", "removed")
EMPTY = frozenset((*_NOBODY, "patient", "test", "phantom", "demo"))


def machine_paths(text: str) -> list[str]:
    """Paths in a text that lead somewhere on this machine, or into somebody's home.

    Examples
    --------
    >>> home = "/".join(["", HOMES[0], "anna"])
    >>> machine_paths(f"see /olnm/cohort, https://doi.org/10.1/x, and/or; open {home}/x.csv") == [home]
    True
    """
    found = [path for path in set(_PATH.findall(text)) if path.split("/")[1] not in SYSTEM and os.path.exists(path)]
    return sorted({*found, *_HOME.findall(text)})


def shortened(text: str) -> str:
    """Text with a home folder as `~`, and other paths of this machine as their last part.

    Examples
    --------
    >>> shortened("open " + "/".join(["", HOMES[0], "anna", "x.csv"]))
    'open ~/x.csv'
    """
    text = _HOME.sub("~", text)
    for path in machine_paths(text):
        text = text.replace(path, Path(path).name)
    return text


def identifiers(folder: str | Path, *, declared: frozenset[str] = frozenset()) -> dict[str, str]:
    """What would name a patient of a study: words as `faults` looks for them, and where they come from.

    Parameters
    ----------
    folder : path
        The study's folder, with `cohort.csv` and `media.csv` where it has them.
    declared : frozenset of str
        Columns of `cohort.csv` that the study shows.

    Returns
    -------
    dict of str to str
        From words in lower case to the column or the DICOM file and field.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "cohort.csv").write_text("patient_id,patient_name\\nP1,Meyer Anna\\n")
    >>> identifiers(folder)
    {'meyer anna': 'column patient_name of cohort.csv', 'anna meyer': 'column patient_name of cohort.csv'}
    """
    folder = Path(folder)
    rows = _rows(folder / "cohort.csv")
    shown = ("patient_id", "case_id", "center", "split", "label", *declared)
    known = {_joined(row.get(name) or "") for row in rows for name in shown}
    found: dict[str, str] = {}
    for name in rows[0] if rows else ():
        if name and name not in shown and PRIVATE_COLUMNS & set(_WORD.findall(name.casefold())):
            for row in rows:
                found |= dict.fromkeys(_forms(row.get(name) or ""), f"column {name} of cohort.csv")
    for path in dict.fromkeys(row.get("path") or "" for row in _rows(folder / "media.csv")):
        for tag, value in _header(folder / path):
            found |= dict.fromkeys(_forms(value), f"{tag} of {path}")
    return {words: where for words, where in found.items() if words not in known}


def faults(book: str | Path, private: Mapping[str, str] | None = None) -> list[str]:
    """Everything in a built book that names a patient or this machine, or cannot be looked at.

    Parameters
    ----------
    book : path
        Folder of the built book.
    private : mapping of str to str or None
        As `identifiers` gives it.

    Returns
    -------
    list of str
        One line a fault, with the file; what was found is not repeated, only where it comes from.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.html").write_text("<td>Meyer, Anna</td>")
    >>> faults(folder, {"meyer anna": "PatientName of media/1.dcm"})
    ['a.html: the PatientName of media/1.dcm']
    """
    book, found = Path(book), []
    for path in sorted(book.rglob("*")):
        name = path.relative_to(book).as_posix()
        if path.is_symlink():
            found.append(f"{name}: a link")
        elif path.is_file():
            found += [f"{name}: {fault}" for fault in dict.fromkeys(_faults(path, private or {}))]
    return found


def _faults(path: Path, private: Mapping[str, str]) -> Iterator[str]:
    kind, data = path.suffix.lower(), path.read_bytes()
    if kind not in (*PAGES, *ZIPPED, *BINARY, *THEME) and path.name not in NAMED:
        yield "a file of a kind that no page has"
    if data[128:132] == b"DICM":
        yield "a DICOM file"
    if kind == ".svg" and _ACTIVE.search(data):
        yield "a drawing that holds a script"
    texts = [data.decode("utf-8", "replace")] if kind in PAGES else []
    if kind in BINARY and any(home in data for home in _homes()):  # what a picture says of itself stands as it is
        texts = [" ".join(re.findall(r"[\x20-\x7e]{6,}", data.decode("latin-1")))]
    if kind in ZIPPED:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as parts:
                texts = [parts.read(part).decode("utf-8", "replace") for part in parts.namelist()]
        except (zipfile.BadZipFile, OSError, RuntimeError):  # of a password or a coding nobody knows: RuntimeError
            yield "a file that cannot be read"
    for text in texts:
        for place in machine_paths(text):
            yield f"a path of a machine ({place})"
        yield from _named(text, private)


def _homes() -> list[bytes]:
    """What a path of somebody's machine holds, to see quickly that a large picture has none."""
    own = [os.path.expanduser("~"), os.getcwd()]
    some = [*(f"/{name}/" for name in HOMES), ":\\Users\\", *(path for path in own if path.count("/") > 1)]
    return [path.encode() for path in some]


def _named(text: str, private: Mapping[str, str]) -> Iterator[str]:
    if not private:
        return
    words = _WORD.findall(html.unescape(text).casefold())
    there, line = set(words), f" {' '.join(words)} "
    for needle, where in private.items():
        if needle.split(" ", 1)[0] in there and f" {needle} " in line:
            yield f"the {where}"


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
        return list(csv.DictReader(stream))


def _header(path: Path) -> Iterator[tuple[str, str]]:
    """The fields of a DICOM file that name somebody; nothing of other files."""
    with path.open("rb") as stream:
        if stream.read(132)[128:] != b"DICM":
            return
    import pydicom

    data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(PRIVATE_TAGS))
    for tag in PRIVATE_TAGS:
        value = data.get(tag)
        for one in value if isinstance(value, pydicom.multival.MultiValue) else [value]:
            if one:
                yield tag, str(one)


def _joined(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _forms(text: str) -> list[str]:
    """The ways in which a name, a number or a date may stand in a page; none of what names nobody."""
    words = _WORD.findall(text.casefold())
    plain = "".join(words)
    if not words or EMPTY & set(words) or len(plain) < 4:
        return []
    date = re.fullmatch(r"((?:19|20)\d\d)(\d\d)(\d\d)", plain)
    if date:
        year, month, day = date.groups()
        return [plain, f"{year} {month} {day}", f"{day} {month} {year}", f"{month} {day} {year}"]
    if len(words) == 1 and plain.isdigit() and len(plain) < 5:
        return []  # a year, a count
    return list(dict.fromkeys((" ".join(words), " ".join([*words[1:], words[0]]))))
