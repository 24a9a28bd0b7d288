"""Figures as TIFF for a journal, at 300 and 600 dots per inch: `make tiff`, or by hand for chosen figures.

    python -m helpers.book.tiff                          every figure of results/
    python -m helpers.book.tiff results/olnm fig-roc     some of one study

They are drawn anew from the SVG at each resolution, not enlarged, and compressed without loss (deflate). It takes
seconds a figure, which is why a build does not wait for it; the book links what is there.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from helpers.book.files import write_bytes

RESOLUTIONS = (300, 600)  # dots per inch: for halftones, and for lines with halftones


def names(name: str) -> list[str]:
    """File names of a figure's TIFFs.

    Examples
    --------
    >>> names("fig-roc")
    ['fig-roc-300dpi.tiff', 'fig-roc-600dpi.tiff']
    """
    return [f"{name}-{resolution}dpi.tiff" for resolution in RESOLUTIONS]


def write_tiffs(svg: str | Path) -> list[Path]:
    """Write a figure's TIFFs beside its SVG; those that are newer than the SVG stay.

    Parameters
    ----------
    svg : str or Path
        A figure of `helpers.book.figures.write_figure`: sizes in points, letters as outlines.

    Returns
    -------
    list of Path
        The files, RGB on white, with their resolution; the figure is as large as the SVG says.

    Raises
    ------
    FileNotFoundError
        If there is no such drawing.
    ValueError
        If it cannot be drawn.
    """
    svg = Path(svg)
    if not svg.is_file():
        raise FileNotFoundError(f"{svg} is missing; run the notebook that draws it")
    files = [svg.with_name(name) for name in names(svg.stem)]
    made = svg.stat().st_mtime_ns
    for path, resolution in zip(files, RESOLUTIONS):
        if not path.is_file() or path.stat().st_mtime_ns < made:
            write_bytes(path, _drawn(svg, resolution))
    return files


def _drawn(svg: Path, resolution: int) -> bytes:
    import resvg_py
    from PIL import Image

    text = svg.read_text(encoding="utf-8")
    png = resvg_py.svg_to_bytes(svg_string=text, dpi=resolution, background="white", skip_system_fonts=True)
    out = io.BytesIO()
    with Image.open(io.BytesIO(bytes(png))) as image:
        image.convert("RGB").save(out, "TIFF", compression="tiff_adobe_deflate", dpi=(resolution, resolution))
    return out.getvalue()


def figures(folder: str | Path, chosen: list[str]) -> list[Path]:
    """Drawings below a folder, by name when some are chosen.

    Raises
    ------
    FileNotFoundError
        If there is none of a name.
    """
    found = sorted(path for path in Path(folder).rglob("*.svg") if path.parent.name == "figures")
    missing = [name for name in chosen or ["fig-*"] if not any(path.match(f"{name}.svg") for path in found)]
    if missing:
        raise FileNotFoundError(f"no figure {', '.join(missing)} below {folder}; `make book` draws them")
    return [path for path in found if not chosen or path.stem in chosen]


def main(arguments: list[str]) -> int:
    """Write the TIFFs of all or of chosen figures, on all cores; returns the exit status."""
    from concurrent.futures import ProcessPoolExecutor

    folder, *chosen = arguments or ["results"]
    try:
        with ProcessPoolExecutor() as pool:
            written = [path for files in pool.map(write_tiffs, figures(folder, chosen)) for path in files]
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} TIFF files, {sum(path.stat().st_size for path in written) / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
