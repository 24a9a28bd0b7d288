"""A fitted clinical model: its risks, its coefficients, and its file, in which a reader can check every one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.learn.penalised import Covariate, Fit, Term, encode


@dataclass(frozen=True)
class ClinicalModel:
    """A fitted penalised logistic regression, multinomial where there are several classes.

    Attributes
    ----------
    covariates : tuple of Covariate
    fit : Fit
        Terms of the design, coefficients and penalty.
    record : dict
        Rows, events, penalty, its cross-validated path, and the rules for missing values in words.
    classes : tuple of str
        Names of several classes, whose places the labels are; empty for 0 and 1.
    """

    covariates: tuple[Covariate, ...]
    fit: Fit
    record: dict[str, Any]
    classes: tuple[str, ...] = ()

    def risk(self, frame: pd.DataFrame) -> np.ndarray:
        """Risks of the rows of a cohort table, in (0, 1): shape (n,), or (n, classes) where there are several.

        Raises
        ------
        ValueError
            If a column is absent or holds a level that is not declared.
        """
        return self.fit.risk(encode(frame, self.covariates))

    def coefficients(self) -> pd.DataFrame:
        """One row a number, and a level that is not the reference: what moves the risk by how much.

        `term, covariate, level, contrast, log_odds, odds_ratio, log_odds_per_unit`. `log_odds` is per standard
        deviation for numbers; a level stands against the reference, the first level that the training rows have.
        Penalised, so shrunk towards 0 and without standard errors. Of several classes a row a term and class, with
        `class`: log odds of that class against the first.
        """
        names = self.classes[1:] or (None,)
        against = self.fit.coefficient - self.fit.coefficient[0] if self.classes else self.fit.coefficient[None]
        rows = []
        for column, covariate in enumerate(self.covariates):
            own = [(place, term) for place, term in enumerate(self.fit.terms, start=1) if term.column == column]
            # Two levels have one term, of the second; of more than two each that occurs has its own.
            zero = own.pop(0) if len(covariate.levels) > 2 and own else None
            reference = zero[1].level_name if zero else next(iter(covariate.levels), "")
            for place, term in own:
                values = against[-len(names) :, place] - (against[-len(names) :, zero[0]] if zero else 0)
                for name, value in zip(names, values):
                    of = {} if name is None else {"class": name}
                    rows.append(of | _row(covariate, term, reference, float(value)))
        return pd.DataFrame(rows)

    def frame(self) -> pd.DataFrame:
        """Same as `coefficients`."""
        return self.coefficients()

    def write(self, path: str | Path) -> None:
        """Write the model as JSON."""
        content = {
            "covariates": [asdict(covariate) for covariate in self.covariates],
            "terms": [asdict(term) for term in self.fit.terms],
            "coefficient": self.fit.coefficient.tolist(),
            "penalty": self.fit.penalty,
            "path": self.fit.path,
            "record": self.record,
            "classes": list(self.classes),
        }
        Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: str | Path) -> ClinicalModel:
        """Read a model that `write` wrote."""
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        covariates = tuple(Covariate.of(given) for given in content["covariates"])
        terms = tuple(Term(**term) for term in content["terms"])
        route = tuple((penalty, loss) for penalty, loss in content["path"])
        fit = Fit(terms, np.array(content["coefficient"]), content["penalty"], route)
        return cls(covariates, fit, content["record"], tuple(content.get("classes", ())))


def _row(covariate: Covariate, term: Term, reference: str, value: float) -> dict[str, Any]:
    number = term.kind == "number"
    per = f"per SD ({' '.join([f'{term.sd:.3g}', covariate.unit]).strip()})"
    return {
        "term": covariate.label if number else f"{covariate.label}: {term.level_name}",
        "covariate": term.covariate,
        "level": term.level_name,
        "contrast": per if number else f"{term.level_name} against {reference}",
        "log_odds": value,
        "odds_ratio": np.exp(value),
        "log_odds_per_unit": value / term.sd if number else value,
    }
