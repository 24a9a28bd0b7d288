"""Which architecture is chosen: on the tuning patients, before a test label is read. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.learn.scores import log_loss, rank_auc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# what the authors call their networks
TITLES = {
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "densenet201": "DenseNet201",
    "resnet18": "ResNet18",
    "resnet34": "ResNet34",
    "resnet50": "ResNet50",
    "inception_v3": "InceptionV3",
    "inception_resnet_v2": "InceptionResNetV2",
    "legacy_xception": "Xception",
    "ynet": "Y-Net",
    "ynet_classifier": "classifying half of Y-Net",
    "monai_unet": "U-Net of MONAI",
}


def title(network: str) -> str:
    """Name of a network as its authors write it.

    Examples
    --------
    >>> title("inception_resnet_v2-cam")
    'InceptionResNetV2 with attention'
    >>> title("resnet18-plain")
    'ResNet18, plain loss'
    """
    name, *marks = network.split("-")
    return TITLES[name] + " with attention" * ("cam" in marks) + ", plain loss" * ("plain" in marks)


@dataclass(frozen=True)
class Choice:
    """Architectures compared, and the one that the tuning patients chose for each model.

    Attributes
    ----------
    scores : DataFrame
        `model, architecture, seed, split, auc, log_loss`.
    chosen : dict of str to str
        Architecture by model: highest mean AUC over the seeds on `tune`; ties go to the lower log-loss.
    several : bool
        Whether the networks name several classes; the AUC is then the mean of each class against the others.
    """

    scores: pd.DataFrame
    chosen: dict[str, str]
    several: bool = False

    @property
    def methods(self) -> str:
        """What the scores are, in a sentence."""
        if self.several:
            return "Mean of the areas under the ROC curve of each class against the others, of every run, by split."
        return "Area under the ROC curve of every run, by split."

    def frame(self) -> pd.DataFrame:
        """One row a model and architecture: mean AUC over seeds by split, chosen, and best on test.

        `best_on_test` marks the choice that reading the test labels would have made: as published in many papers,
        optimistic, shown and not used.
        """
        means = self.scores.groupby(["model", "architecture", "split"], sort=False)["auc"].mean().unstack("split")
        wide = means.rename(columns=lambda split: f"auc_{split}").reset_index()
        wide["chosen"] = [self.chosen[m] == a for m, a in zip(wide["model"], wide["architecture"])]
        if "auc_test" in wide:
            wide["best_on_test"] = wide["auc_test"] == wide.groupby("model")["auc_test"].transform("max")
        wide.columns.name = None
        return wide

    def optimism(self) -> pd.DataFrame:
        """Test AUC of the honest choice beside that of the best on test, and the difference, by model."""
        frame = self.frame()
        rows = []
        for model, part in frame.groupby("model", sort=False):
            honest, best = part[part["chosen"]].iloc[0], part[part["best_on_test"]].iloc[0]
            rows.append(
                {
                    "model": model,
                    "chosen_on_tune": title(honest["architecture"]),
                    "its_test_auc": honest["auc_test"],
                    "best_on_test": title(best["architecture"]),
                    "best_test_auc": best["auc_test"],
                    "optimism": best["auc_test"] - honest["auc_test"],
                }
            )
        return pd.DataFrame(rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw tune and test AUC of every run; the chosen architectures are named in bold."""
        frame = self.frame()
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(7.0, 0.42 * len(frame) + 1.4), layout="constrained")
        names = list(zip(frame["model"], frame["architecture"]))
        place = {name: i for i, name in enumerate(names)}
        looks = {"tune": {"marker": "o", "color": "#0072B2"}, "test": {"marker": "D", "color": "#D55E00"}}
        for split, look in looks.items():
            part = self.scores[self.scores["split"] == split]
            rows = [
                place[name] + (0.14 if split == "test" else -0.14) for name in zip(part["model"], part["architecture"])
            ]
            ax.scatter(part["auc"], rows, s=30, label=f"{split} patients", zorder=3, **look)
        ax.axvline(0.5, color="0.6", linewidth=0.8, linestyle=(0, (2, 2)))
        ax.set_yticks(range(len(names)), [f"{model} · {title(network)}" for model, network in names])
        for text, name in zip(ax.get_yticklabels(), names):
            text.set_fontweight("bold" if self.chosen[name[0]] == name[1] else "normal")
        ax.invert_yaxis()
        ax.set(xlabel=f"{'Mean AUC over the classes' if self.several else 'AUC'} (one mark a seed)")
        ax.grid(axis="x", linewidth=0.4)
        ax.legend(loc="best", fontsize="small")
        return ax


def choose(scores: pd.DataFrame) -> dict[str, str]:
    """Choose one architecture for each model.

    Parameters
    ----------
    scores : DataFrame
        `model, architecture, seed, split, auc, log_loss`, of the split `tune` only.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ValueError
        If a row is of another split: what chooses cannot read test labels.

    Examples
    --------
    >>> rows = [("image", "a", 0, "tune", 0.7, 0.5), ("image", "b", 0, "tune", 0.8, 0.6)]
    >>> choose(pd.DataFrame(rows, columns=["model", "architecture", "seed", "split", "auc", "log_loss"]))
    {'image': 'b'}
    """
    other = sorted(set(scores["split"]) - {"tune"})
    if other:
        raise ValueError(f"scores: architectures are chosen on tune only, not on {', '.join(other)}")
    means = scores.groupby(["model", "architecture"], sort=False)[["auc", "log_loss"]].mean().reset_index()
    order = means.sort_values(["auc", "log_loss"], ascending=[False, True], kind="stable")
    best = order.drop_duplicates("model").set_index("model")["architecture"]
    return {model: best[model] for model in scores["model"].unique()}


def compare(tables: pd.DataFrame, models: Mapping[str, Any], *, splits: Iterable[str] = ("tune", "test")) -> Choice:
    """Score every training run and choose.

    Parameters
    ----------
    tables : DataFrame
        The predictions of all runs, `model` being `<input>-<architecture>`.
    models : mapping of str to object
        By name; each with `input` and `runs`, as in `study.yaml`.
    splits : iterable of str
        Splits to score.

    Returns
    -------
    Choice
        With several classes the AUC is the mean of each class against the others.
    """
    rows = []
    for name, model in models.items():
        for architecture in model.runs:
            part = tables[tables["model"] == f"{model.input}-{architecture}"]
            for (seed, split), run in part[part["split"].isin(list(splits))].groupby(["seed", "split"]):
                label, risk = _truth_and_risk(run)
                rows.append((name, architecture, seed, split, rank_auc(label, risk), log_loss(label, risk)))
    scores = pd.DataFrame(rows, columns=["model", "architecture", "seed", "split", "auc", "log_loss"])
    return Choice(scores, choose(scores[scores["split"] == "tune"]), several="risk" not in tables)


def _truth_and_risk(run: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Labels and risks of a run: one column, or with several classes the place of the class and a column for each."""
    if "risk" in run:
        return run["label"].to_numpy(), run["risk"].to_numpy()
    names = [column for column in run if column.startswith("risk_")]
    place = {name.removeprefix("risk_"): code for code, name in enumerate(names)}
    return run["label"].map(place).to_numpy(), run[names].to_numpy()


def files(results: str | Path, models: Mapping[str, Any], seeds: Iterable[int]) -> list[Path]:
    """Predictions of every declared run, once each where models share an input and an architecture.

    Runs of an earlier `study.yaml` that still lie there are left alone.
    """
    asked = [
        Path(results) / "train" / f"{model.input}-{architecture}-s{seed}" / "predictions.csv"
        for model in models.values()
        for architecture in model.runs
        for seed in seeds
    ]
    return list(dict.fromkeys(asked))


def of_models(runs: pd.DataFrame, chosen: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Predictions of the chosen networks under their models' names.

    Parameters
    ----------
    runs : DataFrame
        Predictions of all runs, `model` being `<input>-<architecture>`.
    chosen : mapping of str to (input, architecture)

    Returns
    -------
    DataFrame
        A predictions table.
    """
    parts = [runs[runs["model"] == "-".join(run)].assign(model=model) for model, run in chosen.items()]
    return pd.concat(parts, ignore_index=True)


def titled(runs: pd.DataFrame, models: Mapping[str, Any]) -> pd.DataFrame:
    """Predictions of all runs with the network's own name as `model`, its family, and the name of its twins.

    Returns
    -------
    DataFrame
        A predictions table with `family` (the model of `study.yaml`) and `network` (the same in every family).
    """
    parts = []
    for family, model in models.items():
        for network in model.runs:
            part = runs[runs["model"] == f"{model.input}-{network}"]
            own = title(network)
            parts.append(part.assign(model=f"{family} {own}", family=family, network=own))
    return pd.concat(parts, ignore_index=True)
