"""The predictions table: what is read back is what was written, and every fault is one clear error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.data.errors import StudyError
from helpers.stats import predictions


def table(n=6, models=("image", "video"), seeds=(0, 1)) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    case = [f"{i:03d}" for i in range(n)]
    parts = []
    for model in models:
        for seed in seeds:
            split = np.where(np.arange(n) < n // 2, "tune", "test")
            parts.append(
                pd.DataFrame(
                    {
                        "study": "olnm",
                        "model": model,
                        "seed": seed,
                        "split": split,
                        "center": "A",
                        "patient_id": case,
                        "case_id": case,
                        "label": np.arange(n) % 2,
                        "risk": rng.random(n),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(params=["csv", "parquet"])
def kind(request):
    return request.param


def test_written_and_read_back_bit_for_bit(tmp_path, kind):
    frame = table()
    frame.loc[0, "risk"] = 0.1 + 0.2
    file = predictions.write(frame.sample(frac=1, random_state=2), tmp_path / "new" / f"predictions.{kind}")
    again = predictions.read(file)
    want = frame.sort_values(["study", "model", "seed", "split", "patient_id", "case_id"]).reset_index(drop=True)
    assert again["risk"].tolist() == want["risk"].tolist()
    assert again["case_id"].tolist() == want["case_id"].tolist()  # "007" stays text
    assert again["label"].dtype.kind == again["seed"].dtype.kind == "i"
    assert again.columns.tolist() == list(predictions.COLUMNS)
    first = file.read_bytes()
    assert predictions.write(frame, file).read_bytes() == first
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_parts_of_the_table(tmp_path, kind):
    file = predictions.write(table(), tmp_path / f"p.{kind}")
    part = predictions.read(file, model="image", split="test", seed=1, study="olnm")
    assert (len(part), part["model"].unique().tolist()) == (3, ["image"])
    assert len(predictions.read(file, model=["image", "video"], seed=[0])) == 12
    with pytest.raises(
        StudyError, match=r"no row has model 'vide'\. Way out: use one of image, video; did you mean 'video'"
    ):
        predictions.read(file, model="vide")
    with pytest.raises(StudyError, match=r"no row has split 'external'.*use one of test, tune"):
        predictions.read(file, model="image", split="external")
    with pytest.raises(StudyError, match=r"no row has seed 7.*use one of 0, 1"):
        predictions.read(file, seed=7)


def broken(change) -> pd.DataFrame:
    return change(table().astype({"label": object, "risk": object, "seed": object}))


def put(row, column, value):
    return lambda frame: frame.assign(**{column: frame[column].mask(frame.index == row, value)})


FAULTS = [
    (put(4, "risk", np.nan), ["row 6, column risk", "missing", "predict every case"]),
    (put(4, "risk", np.inf), ["row 6, column risk", "inf is not a finite number"]),
    (put(4, "risk", "high"), ["row 6, column risk", "'high' is not a finite number"]),
    (put(4, "risk", 1.2), ["row 6, column risk", "1.2 is outside [0, 1]", "not percent or logits"]),
    (put(4, "risk", -0.1), ["row 6, column risk", "outside [0, 1]"]),
    (put(3, "label", "malignant"), ["row 5, column label", "'malignant' is not 0 or 1", "risk_<class>"]),
    (put(3, "label", 2), ["row 5, column label", "2 is not 0 or 1"]),
    (put(3, "label", None), ["row 5, column label", "missing"]),
    (put(3, "label", 0), ["row 11, column label", "case '003' has two labels"]),
    (put(3, "split", "valid"), ["row 5, column split", "unknown split 'valid'", "train, tune, oof, test, external"]),
    (put(3, "split", "tune"), ["row 11, column split", "patient '003' is in two splits"]),
    (put(3, "seed", 1.5), ["row 5, column seed", "1.5 is not a whole number"]),
    (put(3, "seed", "a"), ["row 5, column seed", "'a' is not a whole number"]),
    (put(3, "patient_id", ""), ["row 5, column patient_id", "missing value"]),
    (put(3, "case_id", None), ["row 5, column case_id", "missing value"]),
    (put(3, "patient_id", "X"), ["row 11, column patient_id", "case '003' has two patients"]),
    (put(4, "case_id", "003"), ["row 6, column case_id", "case '003' is there twice for model 'image', seed 0, test"]),
    (lambda f: f.rename(columns={"patient_id": "patient_ID"}), ["column patient_id", "rename 'patient_ID' to 'patient_id'"]),
    (lambda f: f.rename(columns={"risk": "rsik"}), ["column risk", "rename 'rsik' to 'risk'"]),
    (lambda f: f.drop(columns="center"), ["column center", "the column is missing", "add it"]),
    (lambda f: f.assign(risk_a=0.5), ["column risk", "both risk and risk_<class>"]),
    (lambda f: f.iloc[:0], ["has no rows", "one row a case"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "parts"), FAULTS, ids=[" ".join(parts)[:60] for _, parts in FAULTS])
def test_each_fault_is_one_error_with_place_and_way_out(tmp_path, change, parts):
    frame = broken(change)
    file = tmp_path / "predictions.csv"
    frame.to_csv(file, index=False)
    with pytest.raises(StudyError) as caught:
        predictions.read(file)
    text = str(caught.value)
    for part in ["predictions.csv", "Way out:", *parts]:
        assert part in text, text
    assert str(tmp_path) not in text
    with pytest.raises(StudyError):
        predictions.write(frame, tmp_path / "again.csv")
    assert not (tmp_path / "again.csv").exists()


def test_a_blank_line_does_not_shift_the_row_that_is_named(tmp_path):
    file = predictions.write(table(), tmp_path / "p.csv")
    lines = file.read_text().splitlines()
    lines[5] = lines[5].rsplit(",", 1)[0] + ",7"
    file.write_text("\n".join(lines))
    with pytest.raises(StudyError, match="row 6, column risk: 7 is outside"):
        predictions.read(file)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    file = predictions.write(table(), tmp_path / "p.csv")
    before = file.read_bytes()
    with pytest.raises(StudyError):
        predictions.write(table().assign(risk=2.0), file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_files_that_cannot_be_read(tmp_path):
    cases = {"gone.csv": None, "empty.csv": b"", "latin.csv": "study,modèle\n".encode("latin-1"), "p.xlsx": b"x"}
    wanted = {
        "gone.csv": "no such file",
        "empty.csv": "is empty",
        "latin.csv": "is not UTF-8",
        "p.xlsx": "unknown kind of file '.xlsx'",
    }
    for name, content in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(StudyError, match=wanted[name]):
            predictions.read(tmp_path / name)
    (tmp_path / "bad.parquet").write_bytes(b"not parquet")
    with pytest.raises(StudyError, match=r"bad\.parquet: cannot be read"):
        predictions.read(tmp_path / "bad.parquet")
    (tmp_path / "semi.csv").write_text("study;model;seed\n1;2;3\n")
    with pytest.raises(StudyError, match="with commas between the columns"):
        predictions.read(tmp_path / "semi.csv")
    (tmp_path / "long.csv").write_text("study,model\na,b\na,b,c,d\n")
    with pytest.raises(StudyError, match=r"long\.csv"):
        predictions.read(tmp_path / "long.csv")


def test_excel_files_with_a_byte_order_mark_and_a_model_called_na(tmp_path):
    file = predictions.write(table(models=("NA", "None")), tmp_path / "p.csv")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert predictions.read(file)["model"].unique().tolist() == ["NA", "None"]


def test_out_of_fold_belongs_to_training(tmp_path):
    frame = table(models=("image",), seeds=(0,)).assign(split="train")
    both = pd.concat([frame, frame.assign(split="oof")], ignore_index=True)
    assert len(predictions.read(predictions.write(both, tmp_path / "p.csv"), split="oof")) == 6


def test_several_classes(tmp_path, kind):
    frame = table(models=("cnn",), seeds=(0,)).drop(columns="risk")
    names = ["benign", "non-metastatic", "metastatic"]
    frame["label"] = [names[i % 3] for i in range(6)]
    frame[[f"risk_{n}" for n in names]] = np.array([[0.2, 0.3, 0.5]] * 6)
    again = predictions.read(predictions.write(frame, tmp_path / f"p.{kind}"))
    assert predictions.classes(again) == names
    assert again["label"].tolist() == frame["label"].tolist()
    with pytest.raises(StudyError, match=r"row 4, column risk_benign: risks of the classes sum to 1.3, not 1"):
        predictions.check(frame.assign(risk_benign=[0.2, 0.2, 0.5, 0.2, 0.2, 0.2]))
    with pytest.raises(StudyError, match=r"unknown class 'malignant'.*use benign, non-metastatic, metastatic"):
        predictions.check(frame.assign(label=["malignant", *frame["label"][1:]]))


def test_collect_joins_and_refuses_contradictions(tmp_path):
    frame = table()
    parts = [predictions.write(part, tmp_path / m / "predictions.csv") for m, part in frame.groupby("model")]
    joined = predictions.collect(parts, tmp_path / "all.parquet")
    assert len(predictions.read(joined)) == len(frame)
    with pytest.raises(StudyError, match="is there twice"):
        predictions.collect([*parts, parts[0]], tmp_path / "twice.csv")
    other = frame[frame["model"] == "video"].assign(label=lambda f: 1 - f["label"])
    turned = predictions.write(other, tmp_path / "turned.csv")
    with pytest.raises(StudyError, match="has two labels"):
        predictions.collect([parts[0], turned], tmp_path / "x.csv")
    with pytest.raises(StudyError, match="no predictions tables"):
        predictions.collect([], tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_further_columns_and_the_callers_frame_are_kept(tmp_path):
    frame = table().assign(note="fine")
    before = frame.copy()
    again = predictions.read(predictions.write(frame, tmp_path / "p.csv"))
    assert again["note"].unique().tolist() == ["fine"]
    pd.testing.assert_frame_equal(frame, before)
