"""DICOM: colour spaces, bit depths, codings, regions, and files that lie."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, examples
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_windowing, pixel_array
from pydicom.sequence import Sequence

from helpers.data import media
from helpers.data.errors import StudyError
from test_media_samples import HEIGHT, WIDTH, clip, jpeg, write_dicom, write_video

JPEG, J2K, J2K_LOSSLESS, RLE = (f"1.2.840.10008.1.2.{end}" for end in ("4.50", "4.91", "4.90", "5"))
BIG_ENDIAN, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"


def colours(frames: int = 4) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (frames, HEIGHT, WIDTH, 3), dtype=np.uint8)


def smooth_colours(frames: int = 3) -> np.ndarray:
    y, x = np.indices((HEIGHT, WIDTH))
    return np.stack([np.stack([x * 3, y * 4, 120 + 0 * x + 10 * t], -1) for t in range(frames)]).astype(np.uint8)


def test_the_cine_loop_of_pydicom():
    path = examples.get_path("ybr_color")
    found = media.read(path)
    # slow second way: libjpeg's luma, frame by frame
    from pydicom.encaps import generate_frames

    peer = []
    for coded in generate_frames(dcmread(path).PixelData, number_of_frames=30):
        image = Image.open(io.BytesIO(coded))
        image.draft("L", image.size)
        peer.append(np.asarray(image))
    assert found.shape == (30, 240, 320)
    assert np.abs(found.astype(int) - np.stack(peer)).max() <= 1
    # and by way of RGB, where saturated colours are clipped
    assert np.abs(found.astype(int) - media.luma(pixel_array(path))).mean() < 0.5
    assert np.array_equal(media.read(path, frames=[29, 4]), found[[29, 4]])


@pytest.mark.parametrize("name", ["rgb_color", "jpeg2k", "palette_color"])
def test_stills_of_pydicom(name):
    path = examples.get_path(name)
    peer = pixel_array(path)
    if name == "palette_color":
        peer = (apply_color_lut(peer, dcmread(path)) >> 8).astype(np.uint8)
    assert np.array_equal(media.read(path)[0], media.luma(peer))


def test_a_region_outside_the_frame_is_not_believed():
    about = media.info(examples.get_path("ybr_color"))
    assert about.pixel_mm is None and about.region is None
    assert about.seconds_per_frame == pytest.approx(0.033333)


def region(x0=4, y0=2, x1=59, y1=40, **changes) -> Dataset:
    item = Dataset()
    tags = {
        "RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 2,
        "RegionLocationMinX0": x0, "RegionLocationMinY0": y0, "RegionLocationMaxX1": x1, "RegionLocationMaxY1": y1,
        "PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3, "PhysicalDeltaX": 0.007, "PhysicalDeltaY": 0.007,
    }  # fmt: skip
    for name, value in {**tags, **changes}.items():
        setattr(item, name, value)
    return item


@pytest.mark.parametrize(
    ("regions", "box", "pixel"),
    [
        ([region()], (4, 2, 60, 41), 0.07),
        ([region(x1=WIDTH - 1, y1=HEIGHT - 1)], (4, 2, WIDTH, HEIGHT), 0.07),
        ([region(x1=WIDTH, y1=HEIGHT)], (4, 2, WIDTH, HEIGHT), 0.07),  # one too many, as some scanners write
        ([region(x1=WIDTH + 1)], None, None),
        ([region(x1=4)], None, None),
        ([region(PhysicalDeltaY=-0.007)], (4, 2, 60, 41), 0.07),
        ([region(PhysicalDeltaY=0.009)], (4, 2, 60, 41), None),  # pixels are not square
        ([region(PhysicalUnitsXDirection=4)], (4, 2, 60, 41), None),  # seconds, not centimetres
        ([region(x1=30), region(PhysicalDeltaX=0.01, PhysicalDeltaY=0.01)], (4, 2, 60, 41), None),
        ([region(x1=30), region()], (4, 2, 60, 41), 0.07),
        ([region(), region(x1=500)], (4, 2, 60, 41), None),  # one impossible region: the image was resized
        ([region(), region(RegionSpatialFormat=3, x1=500)], (4, 2, 60, 41), 0.07),  # a Doppler trace is no matter
        ([], None, 0.2),
    ],
)
def test_regions(tmp_path, regions, box, pixel):
    path = write_dicom(
        tmp_path / "a.dcm", clip(1), SequenceOfUltrasoundRegions=Sequence(regions), PixelSpacing=[0.2, 0.2]
    )
    about = media.info(path)
    assert about.region == box
    assert about.pixel_mm == (None if pixel is None else pytest.approx(pixel))


@pytest.mark.parametrize(
    ("tags", "seconds"),
    [
        ({"FrameTimeVector": [0, 40, 60, 50]}, 0.05),
        ({"FrameTime": 33.3, "CineRate": 10}, 0.0333),
        ({"CineRate": 25}, 0.04),
        ({"RecommendedDisplayFrameRate": 20}, 0.05),
        ({"FrameTime": 0}, None),
        ({}, None),
    ],
)
def test_time_between_frames(tmp_path, tags, seconds):
    about = media.info(write_dicom(tmp_path / "a.dcm", clip(4), **tags))
    assert about.seconds_per_frame == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", BIG_ENDIAN, DEFLATED])
def test_uncompressed_grey(tmp_path, syntax):
    frames = clip(5)
    path = write_dicom(tmp_path / "a.dcm", frames, syntax=syntax)
    assert np.array_equal(media.read(path), frames)
    assert np.array_equal(media.read(path, frames=[4, 1], declared=5), frames[[4, 1]])


def test_uncompressed_colours(tmp_path):
    rgb = colours()
    expected = media.luma(rgb)
    assert np.array_equal(media.read(write_dicom(tmp_path / "a.dcm", rgb)), expected)
    planes = write_dicom(tmp_path / "b.dcm", rgb, PlanarConfiguration=1)
    dataset = dcmread(planes)
    dataset.PixelData = np.ascontiguousarray(rgb.transpose(0, 3, 1, 2)).tobytes()
    dataset.save_as(planes)
    assert np.array_equal(media.read(planes), expected)
    ybr = write_dicom(tmp_path / "c.dcm", rgb, PhotometricInterpretation="YBR_FULL")
    assert np.array_equal(media.read(ybr), rgb[..., 0])  # the first channel is the luma
    # 4:2:2 stores two lumas, then their common colour: Y1 Y2 Cb Cr
    packed = rgb[..., :2].reshape(4, -1, 4).copy()
    half = write_dicom(
        tmp_path / "d.dcm", packed.reshape(4, HEIGHT, WIDTH, 2), PhotometricInterpretation="YBR_FULL_422"
    )
    dataset = dcmread(half)
    dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.Rows, dataset.Columns = 3, 0, HEIGHT, WIDTH
    dataset.save_as(half)
    assert np.array_equal(media.read(half), packed[:, :, :2].reshape(4, HEIGHT, WIDTH))


def test_inverted_scale(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", clip(2), PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(media.read(path), 255 - clip(2))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("signed", [False, True])
def test_sixteen_bits_with_a_window_agree_with_pydicom(tmp_path, function, signed):
    ramp = np.arange(HEIGHT * WIDTH).reshape(1, HEIGHT, WIDTH) - (1500 if signed else 0)
    tags = {
        "WindowCenter": [400, 1000], "WindowWidth": [900, 2000], "VOILUTFunction": function, "BitsStored": 12,
        "HighBit": 11, "RescaleSlope": 1.5, "RescaleIntercept": -100, "PixelRepresentation": int(signed),
    }  # fmt: skip
    path = write_dicom(tmp_path / "a.dcm", ramp.astype(np.int16 if signed else np.uint16), **tags)
    from pydicom.pixels import apply_modality_lut

    dataset = dcmread(path)
    shown = apply_windowing(apply_modality_lut(pixel_array(path), dataset), dataset)
    low, high = -100 - 1.5 * 2048 * signed, 1.5 * (2047 if signed else 4095) - 100  # pydicom's output range
    expected = np.rint((shown - low) / (high - low) * 255)
    found = media.read(path)[0].astype(int)
    assert found.max() >= 254 and found.min() <= (25 if function == "SIGMOID" else 1)
    # pydicom's own scale ends one input step earlier or later; that is less than one grey value
    assert np.abs(found - expected).max() <= 1


def test_sixteen_bits_without_a_window_use_the_stored_range(tmp_path):
    path = write_dicom(
        tmp_path / "a.dcm",
        np.full((1, 2, 2), 4095, np.uint16),
        BitsStored=12,
        HighBit=11,
        PhotometricInterpretation="MONOCHROME2",
    )
    assert media.read(path).tolist() == [[[255, 255], [255, 255]]]


def test_palette(tmp_path):
    rng = np.random.default_rng(5)
    table = rng.integers(0, 256, (3, 256)).astype(np.uint16) * 257
    tags = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, column in zip(("Red", "Green", "Blue"), table):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tags[f"{name}PaletteColorLookupTableData"] = column.astype("<u2").tobytes()
    path = write_dicom(tmp_path / "a.dcm", clip(2), **tags)
    expected = media.luma((table.T // 257).astype(np.uint8)[clip(2)])
    assert np.array_equal(media.read(path), expected)
    tags["RedPaletteColorLookupTableData"] = b"\0\0"
    with pytest.raises(StudyError, match="palette"):
        media.read(write_dicom(tmp_path / "b.dcm", clip(2), **tags))


def coded(kind: str, rgb: np.ndarray) -> list[bytes]:
    out = []
    for frame in rgb:
        file = io.BytesIO()
        options = {"irreversible": kind == "ict", "no_jp2": True, "mct": 1}
        Image.fromarray(frame).save(file, "JPEG2000", **options)
        out.append(file.getvalue())
    return out


@pytest.mark.parametrize(("kind", "syntax"), [("rct", J2K_LOSSLESS), ("ict", J2K)])
def test_jpeg_2000(tmp_path, kind, syntax):
    rgb = smooth_colours()
    tags = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": f"YBR_{kind.upper()}"}
    path = write_dicom(tmp_path / "a.dcm", coded(kind, rgb), syntax=syntax, **tags)
    difference = np.abs(media.read(path).astype(int) - media.luma(rgb)).max()
    assert difference <= (0 if kind == "rct" else 2)
    assert media.read(path, frames=[2]).shape == (1, HEIGHT, WIDTH)


@pytest.mark.filterwarnings("ignore:The .* 'Photometric Interpretation' value is 'RGB'")
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_colours(tmp_path, subsampling):
    rgb = smooth_colours()
    tags = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "YBR_FULL_422"}
    frames = [jpeg(frame, subsampling=subsampling) for frame in rgb]
    path = write_dicom(tmp_path / "a.dcm", frames, syntax=JPEG, **tags)
    assert np.abs(media.read(path).astype(int) - media.luma(rgb)).mean() < 1.5
    dataset = dcmread(path)
    dataset.PhotometricInterpretation = "RGB"  # decoded by pydicom, JPEG's own colours
    dataset.save_as(tmp_path / "b.dcm")
    assert np.abs(media.read(tmp_path / "b.dcm").astype(int) - media.luma(pixel_array(tmp_path / "b.dcm"))).max() == 0


def test_jpeg_grey_inverted_and_in_several_fragments(tmp_path):
    from pydicom.encaps import encapsulate

    frames = [jpeg(frame) for frame in clip(3)]
    path = write_dicom(tmp_path / "a.dcm", frames, syntax=JPEG, PhotometricInterpretation="MONOCHROME1")
    assert np.abs(media.read(path).astype(int) - (255 - clip(3).astype(int))).mean() < 2
    whole = media.read(path)
    dataset = dcmread(path)
    for table in (True, False):
        dataset.PixelData = encapsulate(frames, fragments_per_frame=3, has_bot=table)
        dataset.save_as(tmp_path / "b.dcm")
        assert np.array_equal(media.read(tmp_path / "b.dcm"), whole)


def test_run_length_coding(tmp_path):
    rgb = colours()
    path = write_dicom(tmp_path / "a.dcm", rgb)
    dataset = dcmread(path)
    dataset.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
    dataset.save_as(path)
    assert np.array_equal(media.read(path), media.luma(rgb))


def test_a_video_stream_inside_dicom(tmp_path):
    frames = clip(20)
    stream = write_video(tmp_path / "h264.mp4", frames).read_bytes()
    tags = {"NumberOfFrames": 20, "SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_PARTIAL_420"}
    path = write_dicom(tmp_path / "a.dcm", [stream], syntax="1.2.840.10008.1.2.4.102", **tags)
    assert np.array_equal(media.read(path), media.read(tmp_path / "h264.mp4"))
    tags["NumberOfFrames"] = 21
    path = write_dicom(tmp_path / "b.dcm", [stream], syntax="1.2.840.10008.1.2.4.102", **tags)
    with pytest.raises(StudyError, match="truncated"):
        media.read(path)


@pytest.mark.parametrize("says", [2, 4, 5])
def test_a_number_of_frames_that_lies(tmp_path, says):
    raw = write_dicom(tmp_path / "raw.dcm", clip(3), NumberOfFrames=says)
    with pytest.raises(StudyError, match=f"says {says} frames, its pixel data hold 3"):
        media.read(raw)
    packed = write_dicom(tmp_path / "jpeg.dcm", [jpeg(frame) for frame in clip(3)], syntax=JPEG, NumberOfFrames=says)
    for options in ({}, {"frames": [0]}):
        with pytest.raises(StudyError, match=f"says {says} frames, its pixel data hold 3"):
            media.read(packed, **options)


def test_declared_and_wanted_frames_that_are_not_there(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", clip(3))
    with pytest.raises(StudyError, match="holds 3 frames, 4 are declared"):
        media.read(path, declared=4)
    with pytest.raises(StudyError, match="frame 3 is wanted"):
        media.read(path, frames=[3])


def test_damaged_frames(tmp_path):
    frames = [jpeg(frame) for frame in clip(5)]
    damaged = bytearray(frames[2])
    damaged[-400:-200] = np.random.default_rng(6).bytes(200)
    for middle in (bytes(damaged), frames[2][:-300], b"\xff\xd8" + bytes(500)):
        path = write_dicom(tmp_path / "a.dcm", [*frames[:2], middle, *frames[3:]], syntax=JPEG)
        with pytest.raises(StudyError, match="frame 2 of the DICOM is damaged"):
            media.read(path)
        assert len(media.read(path, frames=[0, 1, 3, 4])) == 4
    packed = coded("rct", smooth_colours())
    tags = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "YBR_RCT"}
    packed[1] = packed[1][:60]
    path = write_dicom(tmp_path / "b.dcm", packed, syntax=J2K_LOSSLESS, **tags)
    with pytest.raises(StudyError, match="frame 1 of the DICOM cannot be decoded"):
        media.read(path)


def test_files_without_an_image(tmp_path):
    whole = write_dicom(tmp_path / "a.dcm", clip(3))
    content = whole.read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[:-2000])
    with pytest.raises(StudyError, match=r"says 3 frames, its pixel data hold 2\.\d"):
        media.read(tmp_path / "cut.dcm")
    (tmp_path / "header.dcm").write_bytes(content[:132])
    with pytest.raises(StudyError, match=r"empty|not a readable"):
        media.read(tmp_path / "header.dcm")
    dataset = dcmread(whole)
    del dataset.PixelData
    dataset.save_as(tmp_path / "nopixels.dcm")
    with pytest.raises(StudyError, match="no pixel data"):
        media.read(tmp_path / "nopixels.dcm")
    del dataset.Rows
    dataset.save_as(tmp_path / "report.dcm")
    with pytest.raises(StudyError, match="not an image"):
        media.info(tmp_path / "report.dcm")
    packed = write_dicom(tmp_path / "none.dcm", [jpeg(clip(1)[0])], syntax=JPEG)
    dataset = dcmread(packed)
    dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"  # an empty offset table, the end
    dataset.save_as(packed)
    with pytest.raises(StudyError, match=r"hold 0|damaged"):
        media.read(packed)
    with pytest.raises(StudyError, match="says -3 frames"):
        media.read(write_dicom(tmp_path / "zero.dcm", clip(3), NumberOfFrames="-3"))
    with pytest.raises(StudyError, match="32 bits"):
        media.read(write_dicom(tmp_path / "dose.dcm", clip(3).astype(np.uint32)))
    with pytest.raises(StudyError, match="cannot be decoded here"):
        media.read(
            write_dicom(tmp_path / "jls.dcm", [b"\xff\xd8\xff\xf7" + bytes(99)], syntax="1.2.840.10008.1.2.4.80")
        )


def test_a_frame_of_another_size_than_the_header(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", [jpeg(clip(1)[0])], syntax=JPEG, Rows=HEIGHT - 8)
    with pytest.raises(
        StudyError, match=f"frame 0 has {WIDTH} x {HEIGHT} pixels, the header says {WIDTH} x {HEIGHT - 8}"
    ):
        media.read(path)
