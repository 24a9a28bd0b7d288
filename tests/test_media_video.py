"""Clips: every container, wanted frames, and clips that are cut off or damaged."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.data import media
from helpers.data.errors import StudyError
from helpers.data.media import files, formats
from test_media_samples import FRAMES, HEIGHT, RATE, VIDEOS, WIDTH, clip, write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return {name: write_video(folder / name, clip(40)) for name in VIDEOS}


@pytest.mark.parametrize("name", VIDEOS)
def test_frames_are_those_written(videos, name):
    frames = clip(40)
    found = media.read(videos[name], declared=40)
    assert found.shape == frames.shape and found.dtype == np.uint8
    # lossy coding moves a pixel by a few grey values; a wrong range or colour formula moves the mean
    assert np.abs(found.astype(int) - frames).mean() < 2.5
    middle = (frames > 40) & (frames < 200)
    assert abs((found.astype(int) - frames)[middle].mean()) < 1
    about = media.info(videos[name])
    assert (about.frames, about.height, about.width) == (40, HEIGHT, WIDTH)
    assert about.seconds_per_frame == pytest.approx(1 / RATE)
    assert about.pixel_mm is None and about.region is None


@pytest.mark.parametrize("name", VIDEOS)
def test_agrees_with_a_full_decode_by_opencv(videos, name):
    import cv2

    capture, peer = cv2.VideoCapture(str(videos[name])), []
    while (got := capture.read())[0]:
        peer.append(cv2.cvtColor(got[1], cv2.COLOR_BGR2GRAY))
    assert np.abs(media.read(videos[name]).astype(int) - np.stack(peer)).max() <= 2


@pytest.mark.parametrize("name", VIDEOS)
def test_wanted_frames_are_exact_in_the_order_given(videos, name):
    every = media.read(videos[name])
    for wanted in ([0], [39], [31, 3, 3, 17], list(range(0, 40, 7))):
        assert np.array_equal(media.read(videos[name], frames=wanted), every[wanted])


@pytest.mark.parametrize("name", VIDEOS)
def test_a_truncated_clip_is_an_error_also_when_early_frames_are_wanted(videos, name, tmp_path):
    cut = tmp_path / name
    content = videos[name].read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    # an MPEG stream declares no count: the table's does
    for options in ({}, {"frames": [0, 2]}):
        with pytest.raises(StudyError, match=r"truncated|cut off|damaged") as caught:
            media.read(cut, declared=40, **options)
        assert caught.value.file == name and caught.value.fix


@pytest.mark.parametrize("name", VIDEOS)
def test_fewer_frames_than_declared(videos, name):
    with pytest.raises(StudyError, match="holds 40 frames, 41 are declared"):
        media.read(videos[name], declared=41)
    with pytest.raises(StudyError, match="40"):
        media.read(videos[name], frames=[0, 40])
    assert len(media.read(videos[name], declared=39)) == 40


@pytest.mark.parametrize("name", ["mjpeg.avi", "h264.avi", "h264.mp4", "mpeg2.mpeg"])
def test_a_damaged_frame_in_the_middle(videos, name, tmp_path):
    content = bytearray(videos[name].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = np.random.default_rng(3).bytes(300)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyError, match=r"damaged|cut off"):
        media.read(tmp_path / name, declared=40)


def test_a_damaged_header_and_a_clip_without_video(tmp_path, videos):
    import av

    (tmp_path / "a.avi").write_bytes(videos["mjpeg.avi"].read_bytes()[:200])
    with pytest.raises(StudyError, match=r"cannot be opened|no video stream|unknown"):
        media.info(tmp_path / "a.avi")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    with pytest.raises(StudyError, match="no video stream"):
        media.read(tmp_path / "sound.mp4")


def test_frames_hidden_by_an_edit_list_are_no_truncation(videos, tmp_path):
    """Cutting without recoding keeps frames from the key frame on and hides them; players show the rest."""
    import av

    with av.open(str(videos["h264.mp4"])) as source, av.open(str(tmp_path / "trimmed.mp4"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        start = round(1.0 / source.streams.video[0].time_base)
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - start, packet.dts - start, stream
                target.mux(packet)
    found = media.read(tmp_path / "trimmed.mp4")
    every = media.read(videos["h264.mp4"])
    assert len(found) == 30 and np.array_equal(found, every[10:])
    assert np.array_equal(media.read(tmp_path / "trimmed.mp4", frames=[0, 29]), every[[10, 39]])


def test_memory_is_limited(videos, monkeypatch):
    monkeypatch.setattr(formats, "MAX_BYTES", 10 * HEIGHT * WIDTH)
    with pytest.raises(StudyError, match="more than"):
        media.read(videos["h264.mp4"])
    assert len(media.read(videos["h264.mp4"], frames=[1, 2])) == 2
    monkeypatch.setattr(formats, "MAX_PIXELS", HEIGHT * WIDTH - 1)
    with pytest.raises(StudyError, match="million pixels"):
        media.read(videos["mjpeg.avi"], frames=[1])


def test_iterating_needs_no_whole_clip(videos):
    means = [frame.mean() for frame in files.iterate(videos["mpeg2.mpeg"], frames=range(0, FRAMES, 3))]
    assert np.all(np.diff(means) > 15)


def test_a_title_in_another_encoding_is_no_fault(videos, tmp_path):
    import av

    with av.open(str(videos["mjpeg.avi"])) as source, av.open(str(tmp_path / "a.avi"), "w") as target:
        target.metadata["title"] = "TITLETITLE"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    content = (tmp_path / "a.avi").read_bytes()
    assert b"TITLETITLE" in content
    (tmp_path / "a.avi").write_bytes(content.replace(b"TITLETITLE", "甲状腺结节".encode("gbk")))
    assert np.array_equal(media.read(tmp_path / "a.avi"), media.read(videos["mjpeg.avi"]))
