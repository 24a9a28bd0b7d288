"""Pictures for the screen: small copies for the front page, light ones of drawings that are made of photographs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import PurePath

HEAVY = 250_000  # bytes; a page shows a picture of a drawing that is heavier
WIDE = 1600  # pixels, twice the width of a page's text
QUALITY = 82


def small(png: bytes, *, width: int) -> bytes:
    """Shrink a picture to a width, in 64 colours; the same picture gives the same bytes."""
    flat = _shrunk(png, width)
    out = io.BytesIO()
    flat.quantize(64, method=2, dither=0).save(out, "PNG", optimize=False)
    return out.getvalue()


def for_screen(files: Mapping[str, bytes], *, heavy: int = HEAVY) -> dict[str, bytes]:
    """`<name>.webp` for each `<name>.svg` that is too heavy for a page and has a `<name>.png`.

    Parameters
    ----------
    files : mapping of file name to bytes
        What a page brings along.
    heavy : int
        Bytes.

    Returns
    -------
    dict of file name to bytes
        The pictures alone; none is added where it would be no lighter than the drawing.

    Examples
    --------
    >>> for_screen({"fig-a.svg": b"<svg/>", "fig-a.png": b""})
    {}
    """
    made = {}
    for name, data in files.items():
        stem = str(PurePath(name).with_suffix(""))
        if name.endswith(".svg") and len(data) > heavy and f"{stem}.png" in files:
            out = io.BytesIO()
            _shrunk(files[f"{stem}.png"], WIDE).save(out, "WEBP", quality=QUALITY, method=4)
            if out.tell() < len(data):
                made[f"{stem}.webp"] = out.getvalue()
    return made


def _shrunk(png: bytes, width: int):
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        flat = image.convert("RGB")
    if flat.width > width:
        flat = flat.resize((width, max(1, round(flat.height * width / flat.width))), reducing_gap=2.0)
    return flat
