"""A progress bar for a person, one line an epoch for a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BATCH = "THYROBOOK_BATCH"  # set by whatever runs notebooks in batch


def epoch_line(line: dict[str, Any], epochs: int) -> str:
    """One row of a training history as a line of text.

    Examples
    --------
    >>> row = {"epoch": 3, "train_loss": 0.61, "tune_loss": 0.58, "tune_auc": 0.74, "seconds": 1.26,
    ...        "images_per_second": 178.0}
    >>> epoch_line(row, 15)
    'epoch  3/15  train loss 0.610  tune loss 0.580  tune AUC 0.740  1.3 s  178 images/s'
    """
    return (
        f"epoch {line['epoch']:>{len(str(epochs))}}/{epochs}  train loss {line['train_loss']:.3f}"
        f"  tune loss {line['tune_loss']:.3f}  tune AUC {line['tune_auc']:.3f}"
        f"  {line['seconds']:.1f} s  {line['images_per_second']:.0f} images/s"
    )


def watched() -> bool:
    """Whether a person looks on: a terminal, or a notebook that is not run in batch."""
    if os.environ.get(BATCH):
        return False
    shell = sys.modules.get("IPython")
    if shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell":
        return True
    return sys.stderr.isatty()


@contextmanager
def bar(progress: str | bool, epochs: int, done: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give a function that moves a progress bar by an epoch, or one that does nothing.

    Raises
    ------
    ValueError
        If `progress` is not "auto", True or False.
    """
    if progress not in ("auto", True, False):
        raise ValueError(f"progress must be 'auto', True or False, not {progress!r}")
    if progress is False or (progress == "auto" and not watched()):
        yield lambda line: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=epochs, initial=done, unit="epoch") as shown:

        def show(line: dict[str, Any]) -> None:
            shown.set_postfix(tune_auc=f"{line['tune_auc']:.3f}", tune_loss=f"{line['tune_loss']:.3f}")
            shown.update()

        yield show
