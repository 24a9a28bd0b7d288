"""The data dictionary names every key of `study.yaml`, with its defaults, and every outside set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from helpers.data import registry
from helpers.data.fingerprint import FILES
from helpers.data.profiles import FULL, QUICK, Profile, Training
from helpers.data.study import Study, _types

TEXT = Path("data/README.md").read_text(encoding="utf-8")


def rows(first: str) -> list[str]:
    """Rows of the tables whose first cell names a key."""
    found = [line for line in TEXT.splitlines() if line.startswith("| `")]
    return [line for line in found if f"`{first}`" in line.split("|")[1]]


def inside(annotation: object) -> Iterator[type[BaseModel]]:
    """Sections within a type, and those within them."""
    for one in _types(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
            for field in one.model_fields.values():
                yield from inside(field.annotation)


@pytest.mark.parametrize("key", Study.model_fields)
def test_every_key_of_a_study_is_explained_with_all_that_is_below_it(key):
    (row,) = rows(key)
    for section in inside(Study.model_fields[key].annotation):
        for name in section.model_fields:
            assert re.search(rf"`[^`]*\b{name}\b[^`]*`", row.partition("|")[2].partition("|")[2]), (key, name)


@pytest.mark.parametrize("key", [*(f"training.{name}" for name in Training.model_fields), *Profile.model_fields])
def test_every_key_of_a_profile_is_explained_with_its_two_defaults(key):
    if key == "training":
        return
    (row,) = rows(key)
    for cell, given in zip(row.strip(" |").split("|")[-2:], (QUICK, FULL), strict=True):
        first, _, second = key.partition(".")
        asked = getattr(Profile.model_validate(given), first)
        value = getattr(asked, second) if second else asked
        value = list(value) if isinstance(value, tuple) else value
        shown = f"{value:g}" if isinstance(value, float) else "as resamples" if value is None else str(value)
        assert cell.strip() == (shown.lower() if isinstance(value, bool) else shown), key


def test_every_value_that_a_source_may_have_is_named():
    (row,) = rows("source")
    for name in ("generator", "adapter", "kind"):
        for value in re.findall(r"'(\w+)'", str(Study.model_fields["source"].annotation.model_fields[name].annotation)):
            assert f"`{value}`" in row


def test_every_table_that_counts_as_data_is_explained():
    for name in FILES:
        if not name.startswith("simulation") and name != "predictions.parquet":
            assert f"`{name}`" in TEXT, name


def test_every_outside_set_is_listed_with_its_licence():
    table = TEXT.partition("| name | what | licence |")[2].partition("\n\n")[0]
    listed = {line.split("|")[1].strip(" `"): line.split("|")[3].strip() for line in table.splitlines()[2:]}
    assert set(listed) == set(registry.sets())
    for name, licence in listed.items():
        declared = registry.declared(name).licence
        assert licence.split(",")[0].split(" or ")[0] in declared, name
