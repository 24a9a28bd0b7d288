"""The names that programs outside the book may call: each is where it is said to be, and says what it does."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

STATISTICS = {
    "helpers.stats.discrimination": (
        *("auc", "compare_auc", "roc", "operating_point", "choose_threshold", "auc_multiclass"),
        *("partial_auc", "bootstrap_auc"),
    ),
    "helpers.stats.calibration": ("calibration", "recalibrate"),
    "helpers.stats.decision": ("decision_curve",),
    "helpers.stats.readers": ("obuchowski_rockette", "agreement", "change_of_mind"),
    "helpers.stats.claims": ("confusion_tables",),
    "helpers.data.cohort": ("table_one",),
}
OTHERS = {
    "helpers.stats.claims": ("audit",),
    "helpers.data.cohort": ("read", "flow"),
    "helpers.data.study": ("read",),
    "helpers.stats.predictions": ("read", "write"),
    "helpers.data.outlines": ("read",),
    "helpers.data.errors": ("StudyError",),
}
EVERY = [(room, name) for rooms in (STATISTICS, OTHERS) for room, names in rooms.items() for name in names]
SECTIONS = ("Parameters\n", "Returns\n", "Raises\n", "Examples\n")


@pytest.mark.parametrize(("room", "name"), EVERY, ids=[f"{room}.{name}" for room, name in EVERY])
def test_a_public_name_says_what_it_takes_gives_and_refuses(room, name):
    made = getattr(importlib.import_module(room), name)
    text = inspect.getdoc(made) or ""
    wanted = SECTIONS if inspect.isfunction(made) else ("Parameters\n", "Examples\n")
    assert [section.strip() for section in wanted if section not in text] == []
    assert ">>> " in text.partition("Examples\n")[2], "an example that runs"
    if inspect.isfunction(made):
        takes = list(inspect.signature(made).parameters)
        described = text.partition("Parameters\n")[2].partition("Returns\n")[0]
        named = {
            word for line in re.findall(r"^\*{0,2}(\w[\w, ]*?) :", described, re.MULTILINE) for word in line.split(", ")
        }
        assert [one for one in takes if one not in named] == [], "every argument is described"


@pytest.mark.parametrize(
    ("room", "name"),
    [(r, n) for r, names in STATISTICS.items() for n in names],
    ids=lambda part: str(part).split(".")[-1],
)
def test_a_statistic_names_its_source(room, name):
    text = inspect.getdoc(getattr(importlib.import_module(room), name)) or ""
    assert re.search(r"doi:10\.\d{4,}/|https://", text.partition("Examples\n")[0])
