"""Entering an H.264 clip in its middle: the same frames as decoding it whole, and fewer of them decoded."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.data import media
from helpers.data.errors import StudyError
from helpers.data.media import video
from helpers.data.media.h264 import Entries
from test_media_samples import HEIGHT, RATE, WIDTH

LENGTH, GROUP = 90, 12
CODINGS = {
    "plain.mp4": {"bf": "0"},
    "b_pyramid.mp4": {"bf": "3", "x264-params": "b-pyramid=normal:ref=4"},
    "slices.mov": {"bf": "2", "x264-params": "slices=3"},
    "open.mp4": {"bf": "3", "x264-params": "open-gop=1"},
    "refresh.mp4": {"bf": "0", "x264-params": "intra-refresh=1"},
    "interlaced.mp4": {"bf": "2", "x264-params": "interlaced=1"},
    "start_codes.avi": {"bf": "2"},
    "headers_once.avi": {"bf": "2", "flags": "+global_header"},
}
ENTERED = {"plain.mp4", "b_pyramid.mp4", "slices.mov", "start_codes.avi"}


def drifting(length: int = LENGTH) -> np.ndarray:
    """A texture that drifts by a pixel a frame, so that every frame leans on others and is unlike them."""
    texture = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH + length)).astype(np.uint8)
    return np.stack([texture[:, shift : shift + WIDTH] for shift in range(length)])


def encode(path, options: dict[str, str], frames: np.ndarray) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.options = {"crf": "20", "g": str(GROUP), "sc_threshold": "0"} | options
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coded")
    for name, options in CODINGS.items():
        encode(folder / name, options, drifting())
    return folder


@pytest.fixture
def given(monkeypatch):
    """Packets that were given to the decoder."""
    packets = []
    decode = video._Clip.decode

    def counting(clip, packet):
        packets.append(packet)
        return decode(clip, packet)

    monkeypatch.setattr(video._Clip, "decode", counting)
    return packets


@pytest.mark.parametrize("name", CODINGS)
def test_wanted_frames_are_those_of_the_whole_clip(coded, name):
    whole = media.read(coded / name)
    assert len(whole) == LENGTH
    edges = [[start] for start in range(LENGTH)]
    runs = [list(range(start, start + 5)) for start in range(0, LENGTH - 5, 7)]
    draws = np.random.default_rng(1)
    scattered = [sorted(draws.choice(LENGTH, size, replace=False)) for size in (2, 3, 5, 9, 30) for _ in range(6)]
    for frames in [*edges, *runs, *scattered]:
        assert np.array_equal(media.read(coded / name, frames=frames), whole[frames]), frames


@pytest.mark.parametrize("name", CODINGS)
def test_only_groups_with_wanted_frames_are_decoded(coded, name, given):
    media.read(coded / name, frames=[62, 63])
    if name in ENTERED:  # the group begins at 60; a few more are needed before the decoder gives the first
        assert 4 <= len(given) <= 4 + GROUP
        given.clear()
        media.read(coded / name, frames=[1, 85])
        assert len(given) <= 4 + 2 * GROUP
    else:
        assert len(given) > 62


def test_an_entry_is_a_packet_from_which_a_new_decoder_gives_the_rest(coded):
    import av

    for name in CODINGS:
        whole = media.read(coded / name)
        with av.open(str(coded / name)) as container:
            stream = container.streams.video[0]
            entry = Entries(stream.codec_context)
            packets = [packet for packet in container.demux(stream) if packet.size]
            entries = [number for number, packet in enumerate(packets) if entry(packet)]
            assert entries == (list(range(0, LENGTH, GROUP)) if name in ENTERED else entries[:1]), name
            for number in entries:
                decoder = av.CodecContext.create("h264", "r")
                decoder.extradata = stream.codec_context.extradata
                frames = [frame for packet in packets[number:] for frame in decoder.decode(packet)]
                frames += decoder.decode(None)
                assert np.array_equal([video.to_grey(frame) for frame in frames], whole[number:]), (name, number)


class _Renewed:
    """A packet that brings other parameter sets, as a file joined of two has in its middle."""

    def __init__(self, packet) -> None:
        self.packet, self.size, self.is_keyframe = packet, packet.size, packet.is_keyframe

    def __bytes__(self) -> bytes:
        return bytes(self.packet)

    def has_sidedata(self, kind: str) -> bool:
        return kind == "new_extradata"


def test_new_parameter_sets_in_the_middle_end_the_entries(coded):
    import av

    with av.open(str(coded / "plain.mp4")) as container:
        stream = container.streams.video[0]
        entry, found = Entries(stream.codec_context), []
        for number, packet in enumerate(container.demux(stream)):
            found.append(entry(_Renewed(packet) if number == 2 * GROUP else packet))
    assert np.flatnonzero(found).tolist() == [0, GROUP, 2 * GROUP]


def test_damage_in_a_group_that_is_not_needed_stays_unseen_and_in_one_that_is_does_not(coded, tmp_path):
    import av

    name = "plain.mp4"
    whole = media.read(coded / name)
    content = bytearray((coded / name).read_bytes())
    with av.open(str(coded / name)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    place, size = packets[GROUP + 3].pos, packets[GROUP + 3].size
    content[place + 8 : place + size] = np.random.default_rng(2).bytes(size - 8)
    (tmp_path / name).write_bytes(content)
    assert np.array_equal(media.read(tmp_path / name, frames=[3, 40]), whole[[3, 40]])
    with pytest.raises(StudyError, match=r"damaged near frame 1\d"):
        media.read(tmp_path / name, frames=[20, 40])


def test_packets_are_not_kept_without_limit(coded, monkeypatch, given):
    whole = media.read(coded / "plain.mp4")
    monkeypatch.setattr(video, "MOST_HELD", 1)
    given.clear()
    assert np.array_equal(media.read(coded / "plain.mp4", frames=[80]), whole[[80]])
    assert len(given) > 80 and None in given  # every group is decoded, each up to its end
