"""Work shared among processes: in order, one thread each, and nothing of the caller changed."""

from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool

import pytest

from helpers.data.processes import ONE_THREAD, spread


def _where(_: int) -> tuple[int, dict[str, str | None]]:
    return os.getpid(), {name: os.environ.get(name) for name in ONE_THREAD}


def _fail(item: int) -> int:
    if item == 3:
        raise ValueError(f"item {item}")
    return item


def _die(item: int) -> None:
    os._exit(item)


def test_in_order_whatever_the_number_of_processes():
    items = list(range(37))
    assert spread(str, items, 1) == spread(str, items, 2) == spread(str, items, 3, together=5) == [*map(str, items)]
    assert spread(str, [], 2) == []


def test_several_processes_have_one_thread_each_and_the_caller_keeps_its_own(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = dict(os.environ)
    found = spread(_where, list(range(8)), 2, together=1)
    assert os.getpid() not in {process for process, _ in found}
    assert all(threads == ONE_THREAD for _, threads in found)
    assert dict(os.environ) == before


def test_one_process_or_one_item_is_done_here():
    assert {process for process, _ in spread(_where, [1, 2, 3], 1) + spread(_where, [1], 4)} == {os.getpid()}


def test_a_fault_reaches_the_caller():
    before = dict(os.environ)
    for workers in (1, 2):
        with pytest.raises(ValueError, match="item 3"):
            spread(_fail, list(range(6)), workers)
    with pytest.raises(BrokenProcessPool):
        spread(_die, [1, 2], 2)
    assert dict(os.environ) == before
