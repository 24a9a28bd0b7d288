"""A fitted clinical model as a formula that a reader can work out by hand. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.learn.clinical_model import ClinicalModel
from helpers.learn.penalised import Term

TWO = (
    "Score: the sum of every coefficient times what is entered; risk = 1 / (1 + exp(−score)). Numbers are entered as "
    "measured, so the coefficients are per unit."
)
SEVERAL = (
    "Score of a class: the sum of every coefficient of its column times what is entered; risk of a class = exp(its "
    "score) / the sum of exp(score) over all classes. Numbers are entered as measured, so the coefficients are per "
    "unit."
)


def formula(model: ClinicalModel, covariates: Sequence[Any]) -> pd.DataFrame:
    """All that is needed to give a new patient the model's risk, the intercept included.

    Parameters
    ----------
    model : ClinicalModel
    covariates : sequence
        The declared covariates, with `name, label, unit`.

    Returns
    -------
    DataFrame
        `term, entered, missing, coefficient`, the intercept first; of several classes a column with the name of each
        class instead of `coefficient`. `missing` is what is entered where the value is not known.

    Examples
    --------
    >>> from helpers.learn.penalised import Covariate, Fit, Term
    >>> fit = Fit((Term("size", 0, "number", median=9.0, mean=10.0, sd=5.0),), np.array([-1.0, 2.0]), 1.0, ())
    >>> covariate = {"name": "size", "label": "Size", "unit": "mm"}
    >>> table = formula(ClinicalModel((Covariate("size"),), fit, {}), [covariate])
    >>> table["term"].tolist(), table["coefficient"].tolist()
    (['Intercept', 'Size'], [-5.0, 0.4])
    """
    words = {_of(one, "name"): (_of(one, "label"), _of(one, "unit")) for one in covariates}
    weights = np.atleast_2d(model.fit.coefficient).astype(float)
    scaled, intercept = weights[:, 1:].copy(), weights[:, 0].copy()
    for place, term in enumerate(model.fit.terms):
        if term.kind == "number":
            scaled[:, place] /= term.sd
            intercept -= scaled[:, place] * term.mean
    rows = [("Intercept", "1", "1"), *(_row(term, *words[term.covariate]) for term in model.fit.terms)]
    table = pd.DataFrame(rows, columns=["term", "entered", "missing"])
    for name, own in zip(model.classes or ("coefficient",), np.column_stack([intercept, scaled])):
        table[name] = own
    return table


def _of(covariate: Any, key: str) -> Any:
    return covariate[key] if isinstance(covariate, dict) else getattr(covariate, key)


def _row(term: Term, label: str, unit: str) -> tuple[str, str, str]:
    if term.kind == "number":
        return label, f"the number, {unit}" if unit else "the number", f"{term.median:g}"
    known = term.kind == "level"
    return f"{label}: {term.level_name}", "1 if so, else 0", "0" if known else "1"
