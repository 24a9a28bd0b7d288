"""Small files and single cells that claim much: refused before memory is filled."""

from __future__ import annotations

import bz2
import gzip
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom import dcmread

from helpers.data import media
from helpers.data.errors import StudyError
from helpers.data.media import dicom_deflated
from test_media_samples import HEIGHT, WIDTH, clip, write_dicom

BOMB = 60_000_000


def peak(call, match: str) -> int:
    """Most bytes in use while a call is refused."""
    tracemalloc.start()
    try:
        with pytest.raises(StudyError, match=match):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def deflated(path: Path, *, more: bytes = b"", before: bytes = b"") -> Path:
    """A deflated DICOM file of 5 frames, with more bytes behind its pixels and between its two parts."""
    content = write_dicom(path, clip(5), syntax=dicom_deflated.DEFLATED).read_bytes()
    start = 132 + 12 + int(dcmread(path).file_meta.FileMetaInformationGroupLength)
    body = zlib.decompress(content[start:], -zlib.MAX_WBITS)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    path.write_bytes(content[:start] + before + packer.compress(body + more) + packer.flush())
    return path


def element(size: int) -> bytes:
    """A private element of zeros behind the pixels."""
    return b"\xf1\x7f\x01\x10OB\0\0" + size.to_bytes(4, "little") + bytes(size)


@pytest.mark.parametrize("before", [b"", b"\0\0\x02\0\x08\0\0\x00" + b"1.2.840\0"], ids=["plain", "command"])
def test_a_deflated_dicom_unpacks_within_a_limit(tmp_path, monkeypatch, before):
    monkeypatch.setattr(dicom_deflated, "MOST", 2**20)
    assert media.info(deflated(tmp_path / "a.dcm", before=b"")).frames == 5
    assert media.read(tmp_path / "a.dcm").shape == (5, HEIGHT, WIDTH)
    path = deflated(tmp_path / "b.dcm", more=element(BOMB), before=before)
    assert path.stat().st_size < 300_000
    for call in (lambda: media.info(path), lambda: media.read(path)):
        assert peak(call, "unpacks to more than 1 MiB. Way out: export it uncompressed") < 20_000_000


def test_a_dicom_without_deflation_is_not_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom_deflated, "MOST", 10)
    assert media.read(write_dicom(tmp_path / "a.dcm", clip(3))).shape == (3, HEIGHT, WIDTH)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("bzip2", bz2.compress)])
@pytest.mark.parametrize("skip", ["byte skip", "line skip"])
def test_an_nrrd_that_begins_later_is_refused(tmp_path, encoding, pack, skip):
    inside = np.zeros((HEIGHT, WIDTH), np.uint8)
    inside[4:9, 5:7] = 1
    small, head = pack(inside.tobytes()), f"NRRD0004\ntype: uint8\ndimension: 2\nsizes: {WIDTH} {HEIGHT}\n"
    path = tmp_path / "m.nrrd"
    path.write_bytes(f"{head}encoding: {encoding}\n\n".encode() + small)
    assert (media.read_mask(path, shape=(HEIGHT, WIDTH)) == inside).all()
    late = f"{head}encoding: {encoding}\n{skip}: {len(small) if skip == 'byte skip' else 1}\n\n".encode()
    path.write_bytes(late + small + pack(bytes(BOMB)))
    assert peak(lambda: media.read_mask(path, shape=(HEIGHT, WIDTH)), "pixels begin later") < 20_000_000


def test_the_nearest_frames_take_no_memory_for_what_a_table_claims():
    tracemalloc.start()
    try:
        found = media.nearest_frames([10, 4_000_000_000 - 3], 4_000_000_000, 6)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert found.tolist() == [9, 10, 11, 3_999_999_996, 3_999_999_997, 3_999_999_998]


def test_the_nearest_frames_are_those_of_looking_at_every_frame():
    """A slow second implementation: all frames, sorted by distance and place."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        n, count = int(rng.integers(1, 40)), int(rng.integers(1, 12))
        labelled = rng.integers(0, n, rng.integers(1, 5))
        distance = [min(abs(frame - one) for one in labelled) for frame in range(n)]
        slow = sorted(sorted(range(n), key=lambda frame: (distance[frame], frame))[:count])
        slow += [n - 1] * (count - len(slow))
        assert media.nearest_frames(labelled, n, count).tolist() == slow


def test_a_clip_of_four_thousand_million_frames_is_a_fault_of_its_row(tmp_path):
    Image.new("L", (WIDTH, HEIGHT), 90).save(tmp_path / "one.png")
    text = "case_id,kind,path,roi,frames,key_frame\nC1,cine,one.png,1 1 9 9,4000000000,0\n"
    (tmp_path / "media.csv").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"media\.csv, row 2, column frames: 4000000000 is out of range"):
        media.table(tmp_path, pd.DataFrame({"case_id": ["C1"]}))
    (tmp_path / "media.csv").write_text(text.replace("4000000000", "9999999"), encoding="utf-8")
    (tmp_path / "frames.csv").write_text("path,frame,roi\none.png,3,1 1 9 9\n", encoding="utf-8")
    table = media.table(tmp_path, pd.DataFrame({"case_id": ["C1"]}))
    labelled = media.labelled_frames(tmp_path, table)
    options = {"cache": tmp_path / "cache", "size": 32, "frames": "nearest", "count": 8, "crop": {"scale": 1.5}}

    def read() -> None:
        media.arrays(tmp_path, table, "cine", labelled=labelled, **options)

    assert peak(read, r"media\.csv, row 2, column path: one\.png: 9999999 frames are wanted") < 20_000_000
