"""Figures of benchmarks: kept in the place of older ones, judged against what was asked, and shown on their page."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import chapters
from helpers.book import performance
from helpers.book.execute import execute
from helpers.book.performance import Measured, answer, compared, devices, limited, read, record
from helpers.data.errors import StudyError

READING = Measured("reading.py", "32 frames", 20.0, "ms", "OpenCV", 900.0, asked=10)
LARGE = Measured("reading.py", "a clip", 1234.4, "ms", "OpenCV", 56789.0)
TRAINING = Measured("training.py a", "training of a", 85.0, "cases/s", "tensors on the device", 100.0, 0.9, "H200")
PAGE = Measured("pages.py", "slowest page", 0.9, "s", asked=1.0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(performance.VARIABLE, str(tmp_path / "made" / performance.TABLE))
    return tmp_path / "made"


def test_faster_is_less_time_or_a_higher_rate():
    assert READING.times == 45 and READING.kept is True
    assert TRAINING.times == 0.85 and TRAINING.kept is False
    assert PAGE.times is None and PAGE.kept is True
    assert Measured("p", "page", 1.1, "s", asked=1.0).kept is False
    assert Measured("p", "rate", 1.1, "pages/s", asked=1.0).kept is True
    assert Measured("p", "page", 1.1, "s").kept is None


def test_without_the_variable_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(performance.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    record([READING])
    assert list(tmp_path.iterdir()) == []


def test_a_figure_replaces_an_older_one_of_the_same_task_and_device(folder):
    record([READING, PAGE, TRAINING])
    other = Measured("training.py a", "training of a", 2.0, "cases/s", "tensors on the device", 2.1, 0.9)
    record([Measured("reading.py", "32 frames", 30.0, "ms", "OpenCV", 900.0, asked=10), other])
    table = read(folder)
    assert table[["benchmark", "device", "value"]].values.tolist() == [
        ["pages.py", "CPU", 0.9],
        ["reading.py", "CPU", 30.0],
        ["training.py a", "CPU", 2.0],
        ["training.py a", "H200", 85.0],
    ]
    assert table["times"].round(3).tolist()[1:] == [30.0, 0.952, 0.85]
    assert table["kept"].tolist() == [True, True, True, False]
    assert [path.name for path in folder.iterdir()] == [performance.TABLE]  # nothing half-written


def test_tables_and_sentences(folder):
    record([READING, LARGE, TRAINING, PAGE, Measured("p", "memory, <b>", 512.0, "MB")])
    table = read(folder)
    rows = compared(table).set_index("task")
    assert rows.loc["32 frames", ["ours", "theirs", "asked", "kept"]].tolist() == [
        "20 ms", "OpenCV: 900 ms", "at least 10 times", "yes"
    ]  # fmt: skip
    assert rows.loc["a clip", ["ours", "theirs", "asked"]].tolist() == ["1,234 ms", "OpenCV: 56,790 ms", ""]
    assert rows.loc["training of a", "device"] == "H200"
    assert rows.loc["training of a", "repeat"] == "python benchmarks/training.py a"
    alone = limited(table).set_index("task")
    assert alone.loc["slowest page", ["ours", "asked", "kept"]].tolist() == ["0.9 s", "at most 1 s", "yes"]
    assert alone.loc["memory, <b>", ["asked", "kept"]].tolist() == ["", ""]
    assert answer(table).startswith("2 of 3 limits are kept") and "Not kept: training of a." in answer(table)
    assert "GPU: H200." in devices(table) and performance.NO_GPU in devices(table[table["device"] == "CPU"])
    drawn = performance.draw(table)
    assert [tick.get_text() for tick in drawn.get_yticklabels()] == [
        "training of a | tensors on the device", "32 frames | OpenCV", "a clip | OpenCV"
    ]  # fmt: skip
    assert drawn.get_xscale() == "log"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="peer"), "no column 'peer'"),
        (lambda table: table.assign(value=["0.9", "fast"]), "row 3, column value: 'fast' is not a positive number"),
        (lambda table: table.assign(value=["0.9", ""]), "row 3, column value: '' is not a positive number"),
        (lambda table: table.assign(peer_value=["", "-1"]), "row 3, column peer_value"),
    ],
)
def test_a_faulty_table_is_named(folder, change, said):
    record([READING, PAGE])
    path = folder / performance.TABLE
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)
    with pytest.raises(StudyError) as caught:
        read(folder)
    assert said in str(caught.value) and "Way out" in str(caught.value)


def test_the_page_shows_the_figures_on_record(tmp_path):
    made = tmp_path / "performance"
    execute("notebooks/performance.py", made, {"results": str(tmp_path)})
    assert chapters.executed(tmp_path) == chapters.EXECUTED["test_performance"]
    numbers = json.loads((made / "numbers.json").read_text(encoding="utf-8"))
    table = read("data/performance")
    assert numbers["answer"] == answer(table)
    shown = pd.read_csv(made / "tables" / "tab-times.csv")
    assert shown["task"].tolist() == table.loc[table["peer"] != "", "task"].tolist()
    assert shown["times"].min() > 0 and {"reading.py --quick"} <= set(table["benchmark"])
