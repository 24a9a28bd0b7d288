"""A few frames out of a long file: what is read, and files that lie or are damaged beside them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

from helpers.data import media
from helpers.data.errors import StudyError
from helpers.data.media import fragments
from test_media_samples import HEIGHT, WIDTH, clip, jpeg, write_dicom, write_video

JPEG, J2K_LOSSLESS, RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
WANTED = [3, 17, 18]


@pytest.fixture(scope="module")
def coded():
    return [jpeg(frame) for frame in clip(20)]


def repack(path, **options):
    """Write the pixel data of a file anew, in other fragments."""
    dataset = dcmread(path)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=int(dataset.NumberOfFrames)))
    if options.pop("extended", False):
        dataset.PixelData, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = encapsulate_extended(
            frames
        )
    else:
        dataset.PixelData = encapsulate(frames, **options)
    dataset.save_as(path)
    return path


def test_only_the_wanted_fragments_are_read(tmp_path, coded, monkeypatch):
    path = write_dicom(tmp_path / "a.dcm", coded, syntax=JPEG)
    whole = media.read(path)
    asked, honest = [], fragments.CodedFrames.read

    def spy(self, index):
        asked.append(index)
        return honest(self, index)

    monkeypatch.setattr(fragments.CodedFrames, "read", spy)
    assert np.array_equal(media.read(path, frames=WANTED), whole[WANTED])
    assert asked == WANTED


@pytest.mark.parametrize(
    "options",
    [
        {"has_bot": True},
        {"has_bot": False},
        {"fragments_per_frame": 3, "has_bot": True},
        {"fragments_per_frame": 3, "has_bot": False},
        {"extended": True},
    ],
)
def test_every_way_to_store_fragments(tmp_path, coded, options):
    plain = media.read(write_dicom(tmp_path / "a.dcm", coded, syntax=JPEG))
    path = repack(tmp_path / "a.dcm", **options)
    assert np.array_equal(media.read(path, frames=WANTED), plain[WANTED])
    # slow second way: pydicom finds and joins the fragments
    dataset = dcmread(path)
    start = media.dicom._header(path)[1]
    found = fragments.find_frames(path, start, syntax=JPEG, frames=20)
    peer = list(generate_frames(dataset.PixelData, number_of_frames=20))
    assert [found.read(i).rstrip(b"\0") for i in range(20)] == [one.rstrip(b"\0") for one in peer]


@pytest.mark.parametrize("syntax", [RLE, J2K_LOSSLESS])
def test_other_codings_decode_the_wanted_frame_alone(tmp_path, syntax):
    frames = clip(6)
    if syntax == RLE:
        path = write_dicom(tmp_path / "a.dcm", frames)
        dataset = dcmread(path)
        dataset.compress(RLE, generate_instance_uid=False)
        dataset.save_as(path)
    else:
        import io

        from PIL import Image

        packed = []
        for frame in frames:
            out = io.BytesIO()
            Image.fromarray(frame).save(out, "JPEG2000", irreversible=False, no_jp2=True)
            packed.append(out.getvalue())
        path = write_dicom(tmp_path / "a.dcm", packed, syntax=syntax)
    assert np.array_equal(media.read(path), frames)
    dataset = dcmread(path)
    packed = list(generate_frames(dataset.PixelData, number_of_frames=6))
    packed[2] = packed[2][: len(packed[2]) // 4 * 2]
    dataset.PixelData = encapsulate(packed)
    dataset.save_as(path)
    assert np.array_equal(media.read(path, frames=[1, 3, 5]), frames[[1, 3, 5]])
    with pytest.raises(StudyError, match="frame 2 of the DICOM cannot be decoded"):
        media.read(path, frames=[1, 2])


@pytest.mark.parametrize("says", [1, 19, 21, 400])
@pytest.mark.parametrize("has_bot", [True, False])
def test_a_header_that_lies_about_the_number_of_frames(tmp_path, coded, says, has_bot):
    path = write_dicom(tmp_path / "a.dcm", coded, syntax=JPEG)
    repack(path, has_bot=has_bot)
    dataset = dcmread(path)
    dataset.NumberOfFrames = says
    dataset.save_as(path)
    with pytest.raises(StudyError, match=f"says {says} frames, its pixel data hold 20") as caught:
        media.read(path, frames=[0])
    assert caught.value.file == "a.dcm" and "export the file again" in caught.value.fix


def test_pixel_data_that_are_cut_off(tmp_path, coded):
    path = write_dicom(tmp_path / "a.dcm", coded, syntax=JPEG)
    content, whole = path.read_bytes(), media.read(path)
    (tmp_path / "a.dcm").write_bytes(content[: len(content) * 6 // 10])
    for frames in ([0], [15]):
        with pytest.raises(StudyError, match=r"says 20 frames, the file ends within frame 1[12]"):
            media.read(path, frames=frames)
    start = media.dicom._header(path)[1]
    (tmp_path / "a.dcm").write_bytes(content[: start + 20])  # nothing but the offset table
    with pytest.raises(StudyError, match=r"hold 0|damaged|ends within"):
        media.read(path, frames=[0])
    # only the closing mark is missing: every frame is there
    (tmp_path / "a.dcm").write_bytes(content[:-8])
    assert np.array_equal(media.read(path, frames=WANTED), whole[WANTED])
    # cut between two frames
    last = content.rfind(b"\xfe\xff\x00\xe0")
    (tmp_path / "a.dcm").write_bytes(content[:last])
    with pytest.raises(StudyError, match="says 20 frames, its pixel data hold 19"):
        media.read(path, frames=[0])


@pytest.mark.parametrize("has_bot", [True, False])
@pytest.mark.parametrize("where", ["beginning", "middle", "end", "all"])
def test_a_damaged_frame_matters_only_to_those_who_want_it(tmp_path, coded, where, has_bot):
    path = write_dicom(tmp_path / "a.dcm", coded, syntax=JPEG)
    repack(path, has_bot=has_bot)
    content, whole = bytearray(path.read_bytes()), media.read(path)
    found = fragments.find_frames(path, media.dicom._header(path)[1], syntax=JPEG, frames=20)
    ((offset, length),) = found.pieces[7]
    span = {
        "beginning": (0, 40), "middle": (length // 2, length // 2 + 200), "end": (length - 300, length),
        "all": (0, length),
    }[where]  # fmt: skip
    content[offset + span[0] : offset + span[1]] = bytes(span[1] - span[0])
    path.write_bytes(content)
    assert np.array_equal(media.read(path, frames=WANTED), whole[WANTED])
    with pytest.raises(StudyError, match="frame 7 of the DICOM is damaged") as caught:
        media.read(path, frames=[6, 7, 8])
    assert caught.value.file == "a.dcm" and "export the file again" in caught.value.fix


def test_damaged_fragment_heads(tmp_path, coded):
    path = write_dicom(tmp_path / "a.dcm", coded, syntax=JPEG)
    content = bytearray(path.read_bytes())
    ((offset, _),) = fragments.find_frames(path, media.dicom._header(path)[1], syntax=JPEG, frames=20).pieces[9]
    for damage in (b"junk", struct.pack("<HHI", 0xFFFE, 0xE000, 7)):
        broken = content.copy()
        broken[offset - 8 : offset - 8 + len(damage)] = damage
        path.write_bytes(broken)
        with pytest.raises(StudyError, match=r"pixel data are damaged after (9|10) fragments"):
            media.read(path, frames=[0])


def test_packed_colours_are_read_from_where_they_lie(tmp_path):
    """Uncompressed 4:2:2 of many frames: two bytes a pixel, Y1 Y2 Cb Cr."""
    packed = np.random.default_rng(2).integers(0, 256, (9, HEIGHT, WIDTH, 2), dtype=np.uint8)
    path = write_dicom(tmp_path / "a.dcm", packed, PhotometricInterpretation="YBR_FULL_422")
    dataset = dcmread(path)
    dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.Rows, dataset.Columns = 3, 0, HEIGHT, WIDTH
    dataset.save_as(path)
    luma = packed.reshape(9, -1, 4)[..., :2].reshape(9, HEIGHT, WIDTH)
    assert np.array_equal(media.read(path, frames=[1, 8]), luma[[1, 8]])


@pytest.mark.parametrize("damage", ["random", "zeros", "beginning", "end"])
def test_a_damaged_packet_of_a_clip(tmp_path, damage):
    import av

    path = write_video(tmp_path / "mjpeg.avi", clip(30))
    whole, content = media.read(path), bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    position, size = places[20]
    span = slice(position + size // 2, position + size // 2 + 200)
    if damage == "end":
        span = slice(position + size // 3, position + size)
    if damage == "beginning":  # quantisation tables: a decoder that went on would take those of frame 19
        span = slice(position, position + 160)
    length = span.stop - span.start
    content[span] = np.random.default_rng(0).bytes(length) if damage == "random" else bytes(length)
    path.write_bytes(content)
    assert np.array_equal(media.read(path, frames=[19, 21], declared=30), whole[[19, 21]])
    with pytest.raises(StudyError, match="frame 20 of the video is damaged") as caught:
        media.read(path, frames=[19, 20], declared=30)
    assert caught.value.file == "mjpeg.avi" and "export or copy the clip again" in caught.value.fix


def test_a_damaged_clip_whose_frames_lean_on_each_other(tmp_path):
    path = write_video(tmp_path / "h264.avi", clip(40))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = np.random.default_rng(3).bytes(300)
    path.write_bytes(content)
    assert len(media.read(path, frames=[0, 1], declared=40)) == 2
    with pytest.raises(StudyError, match=r"the video is damaged near frame \d+"):
        media.read(path, frames=range(40), declared=40)
