"""Masks: conventions of axes and values, sizes, and files that try something else."""

from __future__ import annotations

import bz2
import gzip

import nibabel
import nrrd
import numpy as np
import pytest
from PIL import Image

from helpers.data import media
from helpers.data.errors import StudyError
from test_media_samples import HEIGHT, WIDTH, lesion

SHAPE = (HEIGHT, WIDTH)


def write_nifti(path, volume, kind=nibabel.Nifti1Image):
    nibabel.save(kind(volume, np.diag([-1.0, -1.0, 1.0, 1.0])), path)  # as ITK-SNAP writes them: flipped directions
    return path


@pytest.mark.parametrize("name", ["m.nii", "m.nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("axes", [2, 3, 4])
def test_nifti_has_x_first(tmp_path, name, dtype, axes):
    volume = lesion().T.astype(dtype).reshape(WIDTH, HEIGHT, *[1] * (axes - 2))
    assert np.array_equal(media.read_mask(write_nifti(tmp_path / name, volume), shape=SHAPE), lesion())


def test_nifti_2_and_a_label_of_several(tmp_path):
    volume = 3 * lesion().T.astype(np.uint8)[..., None]
    path = write_nifti(tmp_path / "m.nii.gz", volume, nibabel.Nifti2Image)
    assert np.array_equal(media.read_mask(path, shape=SHAPE), lesion())
    path = write_nifti(tmp_path / "m.nii", volume, nibabel.Nifti2Image)
    assert np.array_equal(media.read_mask(path, shape=SHAPE), lesion())


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("axes", [2, 3])
def test_nrrd_has_x_first(tmp_path, encoding, axes):
    volume = lesion().T.astype(np.uint8).reshape(WIDTH, HEIGHT, *[1] * (axes - 2))
    nrrd.write(str(tmp_path / "m.nrrd"), volume, {"encoding": encoding})
    assert np.array_equal(media.read_mask(tmp_path / "m.nrrd", shape=SHAPE), lesion())


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "jpg"])
@pytest.mark.parametrize("colour", [None, (0, 255, 0), (255, 0, 0), (0, 0, 200)])
def test_images_grey_and_coloured(tmp_path, suffix, colour):
    picture = lesion().astype(np.uint8) * 255 if colour is None else lesion()[..., None] * np.array(colour, np.uint8)
    Image.fromarray(picture.astype(np.uint8)).save(tmp_path / f"m.{suffix}")
    found = media.read_mask(tmp_path / f"m.{suffix}", shape=SHAPE)
    wrong = (found != lesion()).sum()
    assert wrong == 0 if suffix != "jpg" else wrong < 20  # JPEG blurs a coloured border


def test_palette_bilevel_and_grey_saved_as_colour(tmp_path):
    grey = Image.fromarray(lesion().astype(np.uint8) * 255)
    for mode in ("1", "P", "RGB", "RGBA", "LA"):
        grey.convert(mode).save(tmp_path / "m.png")
        assert np.array_equal(media.read_mask(tmp_path / "m.png", shape=SHAPE), lesion())


def written(folder, kind, mask):
    path = folder / f"m.{kind}"
    if kind == "nii.gz":
        return write_nifti(path, mask.T.astype(np.uint8)[..., None])
    if kind == "nrrd":
        nrrd.write(str(path), mask.T.astype(np.uint8))
    else:
        Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    return path


@pytest.mark.parametrize("kind", ["nii.gz", "nrrd", "png"])
def test_sizes_and_emptiness(tmp_path, kind):
    path = written(tmp_path, kind, lesion())
    with pytest.raises(StudyError, match=f"{WIDTH} x {HEIGHT} pixels, its frame 50 x 40") as caught:
        media.read_mask(path, shape=(40, 50))
    assert "transposed" not in str(caught.value) and caught.value.file == path.name and caught.value.fix
    with pytest.raises(StudyError, match="looks transposed"):
        media.read_mask(path, shape=(WIDTH, HEIGHT))
    empty = written(tmp_path, kind, np.zeros(SHAPE, bool))
    with pytest.raises(StudyError, match="the mask is empty"):
        media.read_mask(empty, shape=SHAPE)
    assert not media.read_mask(empty, shape=SHAPE, allow_empty=True).any()


def test_more_than_two_values_are_named(tmp_path):
    volume = lesion().T.astype(np.uint8)
    volume[:5] = 2
    with pytest.raises(StudyError, match=r"3 different values \(0, 1, 2\)"):
        media.read_mask(write_nifti(tmp_path / "m.nii", volume), shape=SHAPE)
    Image.fromarray(np.arange(HEIGHT * WIDTH).reshape(SHAPE).astype(np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(StudyError, match=r"256 different values \(0, 1, 2, 3, 4, 5, \.\.\.\)"):
        media.read_mask(tmp_path / "m.png", shape=SHAPE)
    two = np.zeros((*SHAPE, 3), np.uint8)
    two[5:9, 5:9], two[20:30, 20:30] = (0, 255, 0), (255, 0, 0)
    Image.fromarray(two).save(tmp_path / "m.png")
    with pytest.raises(StudyError, match="3 different values"):
        media.read_mask(tmp_path / "m.png", shape=SHAPE)
    Image.fromarray(lesion().astype(np.uint8)).save(tmp_path / "m.png")  # 0 and 1: black to the eye
    with pytest.raises(StudyError, match="empty: its values lie between 0 and 1, foreground is above 127"):
        media.read_mask(tmp_path / "m.png", shape=SHAPE)


def test_volumes_numbers_and_other_files(tmp_path):
    with pytest.raises(StudyError, match="axes 64 x 48 x 3; one plane"):
        media.read_mask(write_nifti(tmp_path / "m.nii", np.ones((WIDTH, HEIGHT, 3), np.uint8)), shape=SHAPE)
    broken = lesion().T.astype(np.float32)
    broken[0, 0] = np.nan
    with pytest.raises(StudyError, match="not numbers"):
        media.read_mask(write_nifti(tmp_path / "m.nii", broken), shape=SHAPE)
    path = written(tmp_path, "nii.gz", lesion())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StudyError, match="not a readable NIfTI"):
        media.read_mask(path, shape=SHAPE)
    path.write_bytes(gzip.compress(b"no image at all"))
    with pytest.raises(StudyError, match="not a readable NIfTI"):
        media.read_mask(path, shape=SHAPE)
    path = written(tmp_path, "nrrd", lesion())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StudyError, match="not a readable NRRD"):
        media.read_mask(path, shape=SHAPE)
    (tmp_path / "a.avi").write_bytes(b"RIFF\0\0\0\0AVI ")
    with pytest.raises(StudyError, match="avi files are not read as masks"):
        media.read_mask(tmp_path / "a.avi", shape=SHAPE)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("bzip2", bz2.compress)])
def test_bombs_and_nrrd_that_names_other_files(tmp_path, encoding, pack):
    head = f"NRRD0004\ntype: uint8\ndimension: 2\nsizes: {WIDTH} {HEIGHT}\nencoding: {encoding}\n"
    bomb = pack(bytes(40_000_000))
    assert len(bomb) < 100_000
    (tmp_path / "m.nrrd").write_bytes(head.encode() + b"\n" + bomb)
    with pytest.raises(StudyError, match="unpacks to far more"):
        media.read_mask(tmp_path / "m.nrrd", shape=SHAPE)
    (tmp_path / "m.nrrd").write_text(head + "data file: /elsewhere/a.raw\n\n")
    with pytest.raises(StudyError, match="names another file"):
        media.read_mask(tmp_path / "m.nrrd", shape=SHAPE)
    (tmp_path / "m.nii.gz").write_bytes(gzip.compress(bytes(40_000_000)))
    with pytest.raises(StudyError, match="unpacks to far more"):
        media.read_mask(tmp_path / "m.nii.gz", shape=SHAPE)
