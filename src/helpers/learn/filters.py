"""Features that no label ever touched: what a fixed bank of filters says about a crop, in its middle and around it."""

from __future__ import annotations

import numpy as np

SCALES = (1.0, 2.0, 4.0)  # standard deviations of the Gaussians, pixels of the view
MIDDLE = 0.30  # radius of the middle, of the side; the rest within 0.5 is the ring
SHARES = (2, 10, 50, 90, 98)  # percentiles over a zone
SIDE = 64  # of the view, pixels
TOGETHER = 64  # images filtered at once


def bank(images: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Percentiles of grey, blobs and edges at three scales, in the middle of a crop and in the ring around it.

    The blob filter is the scale-normalised Laplacian of a Gaussian (Lindeberg 1998, doi:10.1023/A:1008045108935), which
    answers to bright specks and dark holes. The edge filters are the Gaussian derivatives down and across; their ratio
    tells a nodule that is taller than wide from one that is wider than tall.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width)
        Crops with the lesion in the middle.

    Returns
    -------
    features : float array of shape (n, width)
    names : list of str
        One a feature.

    Raises
    ------
    ValueError
        If the images are not uint8 of shape (n, height, width).

    Examples
    --------
    >>> features, names = bank(np.full((2, 64, 64), 90, np.uint8))
    >>> features.shape == (2, len(names)), names[0]
    (True, 'grey, middle, 2 %')
    """
    from PIL import Image
    from scipy import ndimage

    if images.dtype != np.uint8 or images.ndim != 3:
        raise ValueError(f"images: uint8 of shape (n, height, width), not {images.dtype} {images.shape}")
    zones, parts, names = _zones(), [], []
    for start in range(0, len(images), TOGETHER):
        small = [
            Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX) for image in images[start:][:TOGETHER]
        ]
        grey = np.stack(small).astype(np.float32) / 255
        maps = {"grey": ndimage.gaussian_filter(grey, (0, 1, 1))}
        ratio = {}
        for scale in SCALES:
            blobs, plane = np.empty_like(grey), (0, scale, scale)
            for image, out in zip(grey, blobs):
                ndimage.gaussian_laplace(image, scale, output=out)
            maps[f"blobs at {scale:g}"] = scale**2 * blobs
            down = scale * ndimage.gaussian_filter(grey, plane, order=(0, 1, 0))
            across = scale * ndimage.gaussian_filter(grey, plane, order=(0, 0, 1))
            maps[f"edges at {scale:g}"] = np.hypot(down, across)
            ratio[f"upright edges at {scale:g}"] = down**2, across**2
        values, names = [], []
        for name, made in maps.items():
            for zone, inside in zones.items():
                values += list(np.percentile(made[:, inside], SHARES, axis=1))
                names += [f"{name}, {zone}, {share} %" for share in SHARES]
        for name, (down, across) in ratio.items():
            for zone, inside in zones.items():
                up = across[:, inside].mean(axis=1) + 1e-6
                values.append(np.log(up / (down[:, inside].mean(axis=1) + 1e-6)))
                names.append(f"{name}, {zone}")
        parts.append(np.column_stack(values))
    return np.concatenate(parts), names


def _zones() -> dict[str, np.ndarray]:
    place = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    away = np.hypot(place[:, None], place[None])
    return {"middle": away < MIDDLE, "ring": (away >= MIDDLE) & (away < 0.5)}
