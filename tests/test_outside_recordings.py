"""Real recordings as a study: tables and copies that the reader of media accepts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.book import looks, sentences
from helpers.data import cohort, media, outside, registry
from helpers.data import study as studies
from helpers.data.errors import StudyError
from helpers.data.outside.recordings import write_recordings

STUDY = Path("data/recordings")


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A declared set on disk: an image with a coloured mask, one without, and a clip of nine frames."""
    import av

    source = tmp_path / "toy"
    (source / "images").mkdir(parents=True)
    (source / "masks").mkdir()
    rng = np.random.default_rng(0)
    for name in ("benign_0804-l.png", "benign_0804-r.png"):
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(source / "images" / name)
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[10:20, 15:35, 0] = 255
    Image.fromarray(mask).save(source / "masks" / "benign_0804-l.png")
    with av.open(str(source / "loop.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(9):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    names = sorted(str(p.relative_to(source)) for p in source.rglob("*") if p.is_file())
    files = {n: {"at": n, "sha256": "0" * 64, "bytes": 1, "licence": "CC BY 2.0" * (n == "loop.mp4")} for n in names}
    files["loop.mp4"]["origin"] = "https://example.org/article"
    toy = registry.OutsideSet.model_validate(
        {
            "title": "Toy",
            "content": "",
            "organ": "breast",
            "source": "",
            "commit": "",
            "base": "https://example.org/",
            "doi": None,
            "licence": "CC BY 4.0",
            "citation": "Toy A. 2020.",
            "files": files,
        }
    )
    monkeypatch.setattr(registry, "sets", lambda: {"toy": toy})
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(STUDY / "study.yaml", folder)
    return folder, source


def test_boxes_frames_and_credits(made):
    folder, source = made
    assert write_recordings(folder, {"toy": source}) == {"toy": 3}
    cases = pd.read_csv(folder / "cohort.csv").set_index("case_id")
    assert cases["patient_id"].tolist() == ["toy-0804", "toy-0804", "toy-3"]  # two views of one patient
    assert set(cases["split"]) == {"external"} and set(cases["organ"]) == {"breast"}
    assert cases["licence"].tolist() == ["CC BY 4.0", "CC BY 4.0", "CC BY 2.0"]
    assert cases["attribution"].tolist()[1:] == ["Toy A. 2020.", "https://example.org/article; Toy A. 2020."]
    rows = pd.read_csv(folder / "media.csv", dtype=str, keep_default_na=False).to_dict("records")
    assert [row["kind"] for row in rows] == ["bmode", "bmode", "cine"]
    assert [row["roi"] for row in rows] == ["15 10 35 20", "0 0 60 40", "0 0 64 48"]
    assert [(row["frames"], row["key_frame"]) for row in rows] == [("1", "0"), ("1", "0"), ("9", "4")]
    assert [bool(row["mask"]) for row in rows] == [True, False, False]
    checked = media.table(folder, cohort.read(folder))
    assert len(checked) == 3


def test_files_are_copies_and_a_second_run_replaces_them(made):
    folder, source = made
    write_recordings(folder, {"toy": source})
    tables = [(folder / name).read_bytes() for name in ("cohort.csv", "media.csv")]
    copy = folder / "media/toy-03/recording.mp4"
    assert copy.read_bytes() == (source / "loop.mp4").read_bytes() and copy.stat().st_nlink == 1
    os.utime(copy, (0, 0))
    write_recordings(folder, {"toy": source})
    assert copy.read_bytes() == (source / "loop.mp4").read_bytes() and copy.stat().st_mtime > 0
    assert tables == [(folder / name).read_bytes() for name in ("cohort.csv", "media.csv")]
    copy.write_bytes(b"another recording")
    with pytest.raises(StudyError, match=r"media/toy-03/recording\.mp4: not written by this version"):
        write_recordings(folder, {"toy": source})
    assert copy.read_bytes() == b"another recording"
    assert {path.name for path in folder.iterdir()} == {
        "made_by_thyrobook.json",
        "study.yaml",
        "cohort.csv",
        "media.csv",
        "media",
    }


def test_a_mask_of_another_size_and_a_broken_clip_stop_it(made):
    folder, source = made
    Image.new("L", (60, 39), 255).save(source / "masks/benign_0804-l.png")
    with pytest.raises(StudyError, match="mask"):
        write_recordings(folder, {"toy": source})
    (source / "masks/benign_0804-l.png").unlink()
    (source / "loop.mp4").write_bytes((source / "loop.mp4").read_bytes()[:600])
    with pytest.raises(StudyError, match=r"recording\.mp4"):
        write_recordings(folder, {"toy": source})
    assert not (folder / "media.csv").exists()


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    root = Path(__file__).resolve().parents[1]
    if not os.environ.get(registry.VARIABLE):
        pytest.skip("outside data are not at hand")
    folder = tmp_path_factory.mktemp("recordings")
    shutil.copy(root / STUDY / "study.yaml", folder)
    here = Path.cwd()
    os.chdir(root)
    try:
        study = studies.read(folder)
        if outside.missing(study):
            pytest.skip("a set of the study is not at hand")
        outside.write_study(folder, study)
    finally:
        os.chdir(here)
    return folder, study


def test_the_real_study_has_every_recording(real):
    folder, study = real
    cases = cohort.read(folder)
    assert cases["center"].nunique() == len(study.source.sets)
    assert len(cases) == 65 and cases["case_id"].is_unique and cases[["organ", "licence"]].notna().all(axis=None)
    rows = media.table(folder, cases)
    assert rows["kind"].value_counts().to_dict() == {"bmode": 50, "cine": 15}
    assert (rows["mask"] != "").sum() == 48
    node = cases.loc[cases["patient_id"] == "dicom_ultrasound-node", "case_id"].tolist()
    assert node == ["dicom_ultrasound-01", "dicom_ultrasound-02"], "one picture in two sizes and codings"
    shown = looks.sample(cases, rows[rows["kind"] == "bmode"], each=4)
    assert set(node) & set(shown["case_id"]) == {node[0]} and not shown["patient_id"].duplicated().any()
    for row in rows.itertuples():
        x0, y0, x1, y1 = row.roi
        known = media.info(folder / row.path)
        assert 0 <= x0 < x1 <= known.width and 0 <= y0 < y1 <= known.height
        if row.kind == "cine" and known.seconds_per_frame:
            source = study.inputs["cine"]
            chosen = media.key_frames(
                row.frames,
                known.seconds_per_frame,
                row.key_frame,
                every_seconds=source.every_seconds,
                count=source.key_frames,
            )
            assert len(set(chosen.tolist())) == source.key_frames, row.path  # five different frames


def test_frames_are_those_that_decode(real):
    import av

    folder, _ = real
    rows = pd.read_csv(folder / "media.csv")
    for row in rows[(rows["kind"] == "cine") & ~rows["path"].str.endswith(".dcm")].itertuples():
        with av.open(str(folder / row.path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == row.frames


def test_every_real_recording_becomes_arrays(real, tmp_path):
    folder, study = real
    rows = media.table(folder, cohort.read(folder))
    for kind, channels in (("bmode", 1), ("cine", 5)):
        source = study.inputs[kind]
        crop = source.crop.model_dump(exclude_none=True)
        found = media.arrays(
            folder,
            rows,
            kind=kind,
            cache=tmp_path,
            size=64,
            crop=crop,
            every_seconds=source.every_seconds,
            count=source.key_frames,
        )
        images = found.images
        assert images.shape == ((rows["kind"] == kind).sum(), channels, 64, 64) and images.dtype == np.uint8
        assert (images.reshape(len(images), -1).std(axis=1) > 3).all()


def test_what_is_cut_without_a_mask_stays_inside_the_picture(real):
    """A box of the whole frame would be padded to streaks, and show the names that are burned in around the picture."""
    folder, study = real
    rows = media.table(folder, cohort.read(folder))
    for row in rows[rows["mask"] == ""].itertuples():
        known = media.info(folder / row.path)
        crop = study.inputs[row.kind].crop.model_dump(exclude_none=True)
        cut = media.crop_square(row.roi, (known.height, known.width), **crop)
        assert min(cut.x0, cut.y0) >= 0, row.case_id
        assert cut.x0 + cut.side <= known.width and cut.y0 + cut.side <= known.height, row.case_id
        tissue = {"dicom_ultrasound-01": (14, 108, 622, 336), "dicom_ultrasound-02": (7, 54, 311, 168)}
        x0, y0, x1, y1 = tissue.get(row.case_id, (0, 0, known.width, known.height))
        assert x0 <= cut.x0 and cut.x0 + cut.side <= x1 and y0 <= cut.y0 and cut.y0 + cut.side <= y1, row.case_id


def test_the_page_says_no_more_than_the_recordings_show():
    study = studies.read(STUDY)
    assert "largest section" not in sentences.frames(study) and "around the middle of the clip" in sentences.frames(
        study
    )
    assert "lesion" not in sentences.crop(study) and "what the mask marks or, without a mask" in sentences.crop(study)
    other = studies.read("data/olnm")
    assert "largest section" in sentences.frames(other) and "around the lesion" in sentences.crop(other)


def test_sizes_are_a_range_where_files_differ():
    index = pd.DataFrame({"case_id": list("ab"), "path": ["1.dcm", "2.dcm"], "height": [240, 480], "width": 320})
    arrays = {"bmode": SimpleNamespace(index=index.assign(pixel_mm=np.nan, has_mask=False))}
    row = looks.quality(arrays, pd.DataFrame()).iloc[0]
    assert (row["height"], row["width"]) == ("360 (240 to 480)", "320")
