"""Reader studies: every analysis in one place.

`obuchowski_rockette` compares modalities when every reader read every case, `u_statistics` when not,
`compare_at_matched` sets readers against a model, `agreement` against each other, and `change_of_mind` counts
what help changed. `describe` states the design first.
"""

from __future__ import annotations

from helpers.stats.agreement import Agreement, agreement
from helpers.stats.change_of_mind import ChangeOfMind, change_of_mind
from helpers.stats.matched import MatchedComparison, compare_at_matched
from helpers.stats.mrmc import ObuchowskiRockette, obuchowski_rockette
from helpers.stats.mrmc_ustatistics import UStatistics, u_statistics
from helpers.stats.readings import ReaderDesign, describe

__all__ = [
    "Agreement",
    "ChangeOfMind",
    "MatchedComparison",
    "ObuchowskiRockette",
    "ReaderDesign",
    "UStatistics",
    "agreement",
    "change_of_mind",
    "compare_at_matched",
    "describe",
    "obuchowski_rockette",
    "u_statistics",
]
