"""Calcium in a nodule of the study `calcified`: where it lies in three dimensions, and what of it a frame shows.

A deposit shows only in frames near its elevation. The small ones of a benign-looking nodule lie in one place; those
of a malignant-looking one are many and lie throughout. A frame crosses a few of them in either nodule, a sweep
counts them all: that is what a video knows and a still does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.data.simulate.nodule import ANGLES, Focus, Nodule

SEEN = 0.35  # share of a deposit in the slice from which it counts as shown


@dataclass(frozen=True)
class Deposit:
    """A calcification with its extent across the slices.

    Parameters
    ----------
    focus : Focus
        Place relative to the centre of the nodule, radius, brightness, loss.
    thickness_mm : float
        Standard deviation of its extent in elevation, millimetres.
    micro : bool
        Whether it is a small one.
    """

    focus: Focus
    thickness_mm: float
    micro: bool

    def seen(self, elevation_mm: float | np.ndarray) -> np.ndarray:
        """How much of it lies in a slice at that elevation, in [0, 1].

        Examples
        --------
        >>> grain = Deposit(Focus(0, 0, elevation=2.0, radius=0.2, level_db=0, loss_db_cm=0), 0.5, micro=True)
        >>> grain.seen(np.array([2.0, 2.5, 6.0])).round(2).tolist()
        [1.0, 0.61, 0.0]
        """
        away = (np.asarray(elevation_mm) - self.focus.elevation) / self.thickness_mm
        return np.exp(-(away**2) / 2)


def draw_deposits(rng: np.random.Generator, pattern: str, nodule: Nodule) -> tuple[Deposit, ...]:
    """Draw the calcium of a nodule.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    pattern : str
        One of `calcified_signs.PATTERNS`.
    nodule : Nodule
        Supplies outline and size.

    Returns
    -------
    tuple of Deposit
        All inside the nodule; the pieces of one large calcification are several.

    Examples
    --------
    >>> from helpers.data.simulate.nodule import Signs
    >>> ball = Nodule(Signs(12.0), 20.0, 0.0, np.full(361, 6.0, np.float32), 0.2, (), -10.0)
    >>> rng = np.random.default_rng(0)
    >>> [len(draw_deposits(rng, pattern, ball)) for pattern in ("few micro", "many micro")]
    [4, 16]
    """
    found: list[Deposit] = []
    if "macro" in pattern:
        found += _large(rng, nodule)
    if "few" in pattern:
        found += _gathered(rng, nodule, 3 + int(rng.binomial(2, 0.5)))
    if "many" in pattern:
        found += _throughout(rng, nodule, 8 + int(rng.poisson(0.55 * nodule.signs.size_mm)))
    return tuple(found)


def _place(nodule: Nodule, angle: float, share: float, elevation: float) -> tuple[float, float]:
    """Depth and lateral place at a share of the way to the border of the section at that elevation."""
    section = np.sqrt(max(1 - (elevation / nodule.reach_mm) ** 2, 0.0))
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    far = share * section * float(np.interp(angle, ANGLES, nodule.radius))
    return far * np.sin(angle), far * np.cos(angle)


def _grain(rng: np.random.Generator, nodule: Nodule, angle: float, share: float, elevation: float) -> Deposit:
    z, x = _place(nodule, angle, share, elevation)
    focus = Focus(z, x, elevation, rng.uniform(0.16, 0.24), rng.uniform(0, 6), rng.uniform(0, 40))
    return Deposit(focus, float(rng.uniform(0.40, 0.60)), micro=True)


def _gathered(rng: np.random.Generator, nodule: Nodule, count: int) -> list[Deposit]:
    """A few small ones within a few millimetres of each other, near the largest section."""
    reach = nodule.reach_mm
    angle, share, height = rng.uniform(-np.pi, np.pi), rng.uniform(0.2, 0.6), rng.normal(0, 0.15) * reach
    return [
        _grain(
            rng,
            nodule,
            angle + rng.normal(0, 0.5),
            float(np.clip(share + rng.normal(0, 0.15), 0.05, 0.8)),
            float(np.clip(height + rng.normal(0, 0.10) * reach, -0.8 * reach, 0.8 * reach)),
        )
        for _ in range(count)
    ]


def _throughout(rng: np.random.Generator, nodule: Nodule, count: int) -> list[Deposit]:
    """Many small ones, evenly over the volume."""
    found = []
    while len(found) < count:
        height = rng.uniform(-0.85, 0.85)
        if rng.uniform() < 1 - height**2:  # a section's area
            found.append(
                _grain(
                    rng,
                    nodule,
                    rng.uniform(-np.pi, np.pi),
                    0.85 * float(np.sqrt(rng.uniform())),
                    height * nodule.reach_mm,
                )
            )
    return found


def _large(rng: np.random.Generator, nodule: Nodule) -> list[Deposit]:
    """An arc of calcium on the upper side, so that its shadow falls into the nodule."""
    reach = nodule.reach_mm
    height, thickness = rng.uniform(-0.45, 0.45) * reach, rng.uniform(0.7, 1.0) + 0.06 * reach
    middle, share = rng.uniform(-2.3, -0.9), rng.uniform(0.25, 0.6)
    small = min(1.0, 0.45 + nodule.signs.size_mm / 18)  # in a small nodule it is smaller
    length = small * rng.uniform(1.8, 3.4) / max(share * float(nodule.radius.mean()), 0.8)
    found = []
    for step in np.linspace(-0.5, 0.5, 11):
        z, x = _place(nodule, middle + step * length, share, height)
        away = rng.normal(0, 0.12, 2)
        focus = Focus(z + away[0], x + away[1], height, small * rng.uniform(0.20, 0.32), 3.0, 150.0)
        found.append(Deposit(focus, thickness, micro=False))
    return found


def shown(deposits: tuple[Deposit, ...], elevation_mm: float) -> int:
    """Number of small deposits that a slice shows."""
    return sum(bool(deposit.seen(elevation_mm) >= SEEN) for deposit in deposits if deposit.micro)


def paint_mask(
    mask: np.ndarray,
    deposits: tuple[Deposit, ...],
    *,
    elevation_mm: float,
    centre: tuple[float, float],
    pixel_mm: float,
) -> None:
    """Mark the calcifications that a frame shows, in place.

    Parameters
    ----------
    mask : bool array of shape (height, width)
        Frame, changed in place.
    deposits : tuple of Deposit
        The nodule's calcium.
    elevation_mm : float
        Where the frame cuts.
    centre : (row, column)
        Centre of the nodule on the frame, pixels.
    pixel_mm : float
        Side of a pixel.
    """
    height, width = mask.shape
    for deposit in deposits:
        if deposit.seen(elevation_mm) < SEEN:
            continue
        focus = deposit.focus
        row, column = centre[0] + focus.z / pixel_mm, centre[1] + focus.x / pixel_mm
        radius = max(1.8 * focus.radius / pixel_mm, 1.0)  # never smaller than the pixels that show it
        half = int(np.ceil(radius)) + 1
        top, left = max(int(row) - half, 0), max(int(column) - half, 0)
        rows = np.arange(top, min(int(row) + half + 2, height))[:, None] + 0.5
        columns = np.arange(left, min(int(column) + half + 2, width))[None] + 0.5
        disc = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        mask[top : top + rows.size, left : left + columns.size] |= disc
