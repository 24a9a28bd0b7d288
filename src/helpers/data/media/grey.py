"""Grey values brought to one scale, and noise taken out: two steps on a crop, each of which may be left out.

Zhao et al. (2025), doi:10.3389/fnins.2025.1684104, say that images were normalised in grey value and that noise was
reduced, in that order, and not how. What is here is therefore a choice: a linear map that depends on the image alone,
and the median of 3 x 3 pixels, which takes single bright or dark pixels out and keeps edges.
"""

from __future__ import annotations

import numpy as np

NORMALISE = ("none", "percentiles", "moments")
DENOISE = ("none", "median")
SHARES = (2.0, 98.0)  # percentiles that become black and white: a few pixels may not set the scale
MEAN, SD = 100.0, 45.0  # of a crop after `moments`
SIDE = 3  # of the window of the median, pixels
# pairs of its nine pixels that are put in order, one after the other, until the fifth is their median;
# Paeth, Median finding on a 3 x 3 grid, Graphics Gems (1990): a tenth of the time of a filter for any window
EXCHANGES = ((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3), (5, 8), (4, 7), (3, 6))
EXCHANGES += ((1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2))


def steps(images: np.ndarray, *, normalise: str = "none", denoise: str = "none") -> np.ndarray:
    """Normalise the grey values of crops, then reduce their noise.

    Each image is treated by itself, so nothing is learned from other patients. The channels or frames of one crop
    share one scale, since their order in time is in their brightness.

    Parameters
    ----------
    images : uint8 array of shape (..., height, width)
        One crop: all leading axes share a scale.
    normalise : {"none", "percentiles", "moments"}
        `percentiles` maps the 2nd percentile to 0 and the 98th to 255; `moments` gives a mean of 100 and a standard
        deviation of 45. A crop of one grey value is left as it is.
    denoise : {"none", "median"}
        Median of 3 x 3 pixels, borders repeated.

    Returns
    -------
    uint8 array of the same shape

    Raises
    ------
    ValueError
        If the images are not uint8, or a step is unknown.

    Examples
    --------
    >>> dark = np.tile(np.arange(20, 60, dtype=np.uint8), (40, 1))
    >>> made = steps(dark, normalise="percentiles")
    >>> int(made.min()), int(made.max())
    (0, 255)
    >>> speck = np.full((5, 5), 90, np.uint8)
    >>> speck[2, 2] = 255
    >>> int(steps(speck, denoise="median").max())
    90
    """
    if images.dtype != np.uint8 or images.ndim < 2:
        raise ValueError(f"images: uint8 of shape (..., height, width), not {images.dtype} {images.shape}")
    if normalise not in NORMALISE:
        raise ValueError(f"normalise: {normalise!r} is none of {', '.join(NORMALISE)}")
    if denoise not in DENOISE:
        raise ValueError(f"denoise: {denoise!r} is none of {', '.join(DENOISE)}")
    made = _normalised(images, normalise)
    return _median(made) if denoise == "median" else made


def _median(images: np.ndarray) -> np.ndarray:
    """Median of 3 x 3 pixels, borders repeated."""
    height, width = images.shape[-2:]
    wide = np.pad(images, [*[(0, 0)] * (images.ndim - 2), (1, 1), (1, 1)], mode="edge")
    nine = [wide[..., down : down + height, across : across + width] for down in range(3) for across in range(3)]
    for i, j in EXCHANGES:
        nine[i], nine[j] = np.minimum(nine[i], nine[j]), np.maximum(nine[i], nine[j])
    return nine[4]


def noise(images: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise of each image, in grey levels, from its finest detail.

    Immerkaer (1996), doi:10.1006/cviu.1996.0060: the mean absolute response to a mask that is blind to planes and
    edges along the axes. Speckle is detail too, so that even a perfect image of tissue has some.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width)

    Returns
    -------
    array of shape (n,)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> float(noise(rng.normal(128, 9, (1, 200, 200)).round().astype(np.uint8))[0].round())
    9.0
    """
    grey = np.asarray(images, dtype=np.float32)
    across = grey[:, :, :-2] - 2 * grey[:, :, 1:-1] + grey[:, :, 2:]
    both = across[:, :-2] - 2 * across[:, 1:-1] + across[:, 2:]
    return np.sqrt(np.pi / 2) * np.abs(both).mean(axis=(1, 2)) / 6


def _normalised(images: np.ndarray, how: str) -> np.ndarray:
    if how == "none":
        return images
    if how == "percentiles":
        low, high = np.percentile(images, SHARES)
        scale, offset = (255 / (high - low), -low * 255 / (high - low)) if high > low else (1.0, 0.0)
    else:
        spread = float(images.std())
        scale = SD / spread if spread > 0 else 1.0
        offset = MEAN - scale * float(images.mean()) if spread > 0 else 0.0
    return np.clip(np.round(images * scale + offset), 0, 255).astype(np.uint8)
