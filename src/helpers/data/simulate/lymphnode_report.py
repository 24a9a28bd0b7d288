"""Free-text ultrasound reports of the simulated nodes: findings that deny and affirm, and an impression."""

from __future__ import annotations

from typing import Any

import numpy as np

LEVELS = ("I", "II", "III", "IV", "V", "VI", "VII")
HISTORY = (
    "History of papillary thyroid CA.",
    "Status after thyroidectomy for thyroid carcinoma.",
    "Thyroid nodule, staging of the neck.",
    "Follow-up of the neck.",
    "",
)
IMPRESSIONS = {
    ("malignant", True): (
        "Abnormal lymph node at {place}, consistent with metastasis.",
        "Lymphadenopathy at {place}.",
        "Metastatic lymph node at {place}.",
        "Lymph node at {place} with suspicious calcification: metastasis.",
        "Abnormal lymph nodes on the {side}, otherwise normal lymph nodes.",
    ),
    ("malignant", False): (
        "Lymph node at {place}, metastasis cannot be excluded.",
        "Suspicious for metastasis at {place}, FNA is advised.",
        "Possible metastasis at {place}.",
        "Normal lymph nodes elsewhere; at {place} metastasis is suspected.",
        "Lymph node at {place}: metastasis?",
    ),
    ("benign", True): (
        "Normal lymph node at {place}.",
        "Reactive hyperplasia of the lymph node at {place}, no evidence of metastasis.",
        "Lymph node at {place} with normal structure; no suspicious calcification or necrosis.",
        "No abnormal lymph node at {place}.",
        "Reactive lymph node at {place}. Metastasis is unlikely.",
    ),
    ("benign", False): (
        "Probably reactive hyperplasia at {place}.",
        "Lymph node at {place}, likely reactive, without signs of malignancy.",
        "Normal structure of the lymph node at {place} is likely.",
    ),
}
NOT_A_REPORT = 0.004  # share of the reports that were left empty


def report_of(node: Any, rng: np.random.Generator) -> str:
    """Write the report of one node.

    Parameters
    ----------
    node : row of `lymphnode_cohort.draw_nodes`
        Its place, axes, signs, and what its report calls it (`called`, `sure`).
    rng : numpy.random.Generator
        Decides the words.

    Returns
    -------
    str
        A few sentences; empty for a few reports that call nothing, as in any archive.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> signs = dict(hilum=True, cystic=False, microcalcification=False, hyperechoic=False, irregular=False)
    >>> place = dict(level="III", side="left", long_axis=9.0, short_axis=4.0)
    >>> node = SimpleNamespace(called=False, sure=True, **place, **signs)
    >>> report_of(node, np.random.default_rng(0)).split("Impression: ")[1]
    'Reactive hyperplasia of the lymph node at level III, left neck, no evidence of metastasis.'
    """
    if not node.called and rng.uniform() < NOT_A_REPORT:
        return ""
    where = "neck" if node.side == "midline" else f"{node.side} neck"
    place, side = f"level {node.level}, {where}", f"{node.side} side"
    parts = [str(rng.choice(HISTORY))]
    parts.append(f"At {place} a lymph node of {node.long_axis:g} x {node.short_axis:g} mm.")
    parts.append("The fatty hilum is preserved." if node.hilum else "No fatty hilum is seen.")
    parts.append("Punctate calcification is present." if node.microcalcification else "No calcification.")
    if node.cystic:
        parts.append("Cystic change inside.")
    if node.hyperechoic:
        parts.append("The echo is raised in part.")
    parts.append("The border is irregular." if node.irregular else "The border is smooth.")
    options = IMPRESSIONS["malignant" if node.called else "benign", bool(node.sure)]
    parts.append(f"Impression: {str(rng.choice(options)).format(place=place, side=side)}")
    return " ".join(part for part in parts if part)
