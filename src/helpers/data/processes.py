"""Work shared among processes: fresh interpreters with one thread each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# read by the libraries when they are loaded: threads of one process wait in busy loops for those of the others, and
# two processes of two threads each took three times as long on two cores as two of one
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def spread(
    job: Callable[[Item], Result], items: Sequence[Item], workers: int, *, together: int | None = None
) -> list[Result]:
    """Run a job on every item, in order.

    Parameters
    ----------
    job : function
        Picklable when there are several workers.
    items : sequence
    workers : int
        Processes; with 1, or a single item, the work is done in this one. A script that asks for more needs the
        usual `if __name__ == "__main__":`.
    together : int, optional
        Items that are handed over at a time; default: a quarter of a worker's share, at most 8.

    Returns
    -------
    list
        What the job returned for each item.

    Raises
    ------
    concurrent.futures.process.BrokenProcessPool
        If a process was killed.

    Examples
    --------
    >>> spread(str.upper, ["a", "b"], 2)
    ['A', 'B']
    """
    if workers == 1 or len(items) < 2:
        return [job(item) for item in items]
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # spawn, not fork: the caller may hold threads (a notebook kernel, a video decoder, torch)
    context = multiprocessing.get_context("spawn")
    together = together or max(1, min(8, len(items) // (4 * workers)))
    with _one_thread_each(), ProcessPoolExecutor(min(workers, len(items)), mp_context=context) as pool:
        return list(pool.map(job, items, chunksize=together))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start in the block have one thread; this one has loaded its libraries already."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
