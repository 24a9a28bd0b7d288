"""Run Snakemake without its polling: `python -m helpers.book.graph_runner ARGUMENT...`.

Snakemake 9 asks itself anew whether a job may start one second after each time it asked, and begins another such chain
with every job that ends. After a hundred jobs that is a hundred looks at the graph a second, half a core of the two
that the jobs need. The chains serve a limit on jobs a second which a book never reaches; the end of a job asks anyway.
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Run `snakemake` with these arguments; it ends the process."""
    from snakemake.cli import main as snakemake
    from snakemake.scheduling.job_scheduler import JobScheduler

    JobScheduler._schedule_reevalutation = lambda self, delay: None
    snakemake(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
