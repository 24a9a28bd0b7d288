"""Paths, formats and still images of `helpers.data.media`."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from helpers.data import media
from helpers.data.errors import StudyError
from test_media_samples import HEIGHT, VIDEOS, WIDTH, clip, jpeg, write_dicom, write_video


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    (folder / "media").mkdir(parents=True)
    Image.fromarray(clip()[0]).save(folder / "media" / "a.png")
    Image.fromarray(clip()[0]).save(tmp_path / "outside.png")
    return folder


def test_resolve_gives_the_file(study):
    assert media.resolve(study, "media/a.png") == (study / "media" / "a.png").resolve()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("", "no path"),
        ("/elsewhere/a.png", "absolute path"),
        ("C:\\images\\a.png", "absolute path"),
        ("../outside.png", "leads out"),
        ("media/../media/a.png", "leads out"),
        ("media\\..\\..\\outside.png", "leads out"),
        ("media/b.png", "is not there"),
        ("media\\a.png", "write / between folders"),
        ("media", "is not a file"),
        ("a\0b", "zero byte"),
    ],
)
def test_resolve_refuses(study, path, says):
    with pytest.raises(StudyError, match=says) as caught:
        media.resolve(study, path, row=7)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("media.csv", 7, "path")
    assert caught.value.fix


def test_resolve_refuses_links_that_leave_and_empty_files(study, tmp_path):
    os.symlink(tmp_path / "outside.png", study / "link.png")
    os.symlink(study / "loop", study / "loop")
    os.symlink(study / "media" / "a.png", study / "inside.png")
    (study / "empty.avi").touch()
    os.mkfifo(study / "pipe")
    with pytest.raises(StudyError, match="link that leads out"):
        media.resolve(study, "link.png")
    with pytest.raises(StudyError, match="is not there"):
        media.resolve(study, "loop")
    with pytest.raises(StudyError, match=r"empty \(0 bytes\)"):
        media.resolve(study, "empty.avi")
    with pytest.raises(StudyError, match="not a file"):
        media.resolve(study, "pipe")
    assert media.resolve(study, "inside.png").name == "a.png"


def test_formats_are_told_by_content(tmp_path):
    write_video(tmp_path / "mjpeg.avi", clip()).rename(tmp_path / "clip.mp4")
    write_dicom(tmp_path / "noname", clip())
    assert media.sniff(tmp_path / "clip.mp4") == "avi"
    assert media.sniff(tmp_path / "noname") == "dicom"
    assert media.read(tmp_path / "clip.mp4").shape == media.read(tmp_path / "noname").shape
    (tmp_path / "text.avi").write_text("#EXTM3U\nfile:///elsewhere/a.avi\n")
    with pytest.raises(StudyError, match="unknown format"):
        media.read(tmp_path / "text.avi")
    with pytest.raises(StudyError, match="empty"):
        (tmp_path / "none.png").touch()
        media.info(tmp_path / "none.png")
    with pytest.raises(StudyError, match="cannot be opened"):
        media.info(tmp_path / "absent.png")


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff"])
def test_lossless_stills_keep_their_values(tmp_path, suffix):
    frame = clip()[3]
    Image.fromarray(frame).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(media.read(tmp_path / f"a.{suffix}"), frame[None])
    about = media.info(tmp_path / f"a.{suffix}")
    assert (about.frames, about.height, about.width, about.format) == (1, HEIGHT, WIDTH, suffix)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "1", "CMYK"])
def test_colours_become_luma_as_in_pillow(tmp_path, mode):
    colours = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)).convert(mode)
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    colours.save(path)
    expected = colours.convert("L") if mode in ("LA", "1") else colours.convert("RGB").convert("L")
    assert np.array_equal(media.read(path)[0], np.asarray(expected))


def test_luma_agrees_with_opencv():
    import cv2

    colours = np.random.default_rng(2).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    assert np.abs(media.luma(colours).astype(int) - cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)).max() <= 1


def test_sixteen_bits_are_scaled(tmp_path):
    Image.fromarray(np.array([[0, 257, 65535]], np.uint16)).save(tmp_path / "deep.png")
    assert media.read(tmp_path / "deep.png").tolist() == [[[0, 1, 255]]]


def test_jpeg_orientation_is_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees to show"
    Image.fromarray(clip()[0]).save(tmp_path / "a.jpg", exif=exif)
    assert media.read(tmp_path / "a.jpg").shape == (1, HEIGHT, WIDTH)


def png_header(side: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def test_damaged_huge_and_paged_stills_are_refused(tmp_path):
    whole = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:-1500])
    with pytest.raises(StudyError, match="damaged or cut off"):
        media.read(tmp_path / "cut.png")
    Image.fromarray(clip()[0]).save(tmp_path / "a.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-300])
    with pytest.raises(StudyError, match="damaged or cut off"):
        media.read(tmp_path / "cut.jpg")
    for side in (8_000, 60_000):  # beyond the reader's limit, and beyond Pillow's own
        (tmp_path / "bomb.png").write_bytes(png_header(side))
        with pytest.raises(StudyError, match=r"million pixels|decompression bomb"):
            media.read(tmp_path / "bomb.png")
    one = Image.fromarray(clip()[0])
    one.save(tmp_path / "pages.tiff", save_all=True, append_images=[one])
    with pytest.raises(StudyError, match="2 pages"):
        media.read(tmp_path / "pages.tiff")
    Image.fromarray(np.ones((3, 3), np.float32)).save(tmp_path / "real.tiff")
    with pytest.raises(StudyError, match="type F"):
        media.read(tmp_path / "real.tiff")


def test_a_still_has_one_frame(tmp_path):
    Image.fromarray(clip()[0]).save(tmp_path / "a.png")
    assert media.read(tmp_path / "a.png", frames=[0, 0]).shape == (2, HEIGHT, WIDTH)
    for options in ({"frames": [1]}, {"declared": 5}):
        with pytest.raises(StudyError, match="a still image has 1"):
            media.read(tmp_path / "a.png", **options)
    with pytest.raises(ValueError, match="frames"):
        media.read(tmp_path / "a.png", frames=[-1])


def test_importing_media_imports_nothing_heavy():
    code = (
        "import sys, helpers.data.media;"
        "print([m for m in ('torch', 'av', 'pydicom', 'nibabel', 'nrrd', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", [*VIDEOS, "raw.dcm", "jpeg.dcm", "a.png", "a.jpg", "a.bmp", "a.tiff"])
def test_random_damage_raises_nothing_but_study_errors(tmp_path, name):
    path = tmp_path / name
    if name in VIDEOS:
        write_video(path, clip(4))
    elif name == "raw.dcm":
        write_dicom(path, clip(2))
    elif name == "jpeg.dcm":
        write_dicom(path, [jpeg(frame) for frame in clip(2)], syntax="1.2.840.10008.1.2.4.50")
    else:
        Image.fromarray(clip(1)[0]).save(path)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(7), 0
    for turn in range(30):
        content = bytearray(whole)
        for place in rng.integers(0, min(len(content), 1000), 8):
            content[place] = rng.integers(256)
        path.write_bytes(content if turn % 3 else content[: rng.integers(1, len(content))])
        for work in (media.info, media.read):
            try:
                work(path)
            except StudyError as error:
                refused += 1
                assert error.fix and error.file == name
    assert refused > 5
