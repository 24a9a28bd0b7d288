"""What a training run leaves on disk: the state that a killed run goes on from, and the checkpoint it ends with.

Files are safetensors (never pickled) and are written beside their place, then moved there in one step, so that a
run killed while writing leaves the previous file whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

STATE, STATE_NOTE = "state.safetensors", "state.json"
CHECKPOINT, CHECKPOINT_NOTE = "checkpoint.safetensors", "checkpoint.json"


def write_tensors(path: Path, tensors: dict[str, Tensor], *, note: dict[str, Any]) -> str:
    """Write tensors and a JSON note into one safetensors file, in one step.

    Returns
    -------
    str
        SHA-256 of the file; equal tensors and notes give equal bytes.
    """
    from safetensors.torch import save

    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    content = save(plain, metadata={"note": json.dumps(note, sort_keys=True)})
    _replace(path, content)
    return hashlib.sha256(content).hexdigest()


def write_note(path: Path, note: dict[str, Any]) -> None:
    """Write a JSON file in one step."""
    _replace(path, (json.dumps(note, indent=1, sort_keys=True) + "\n").encode())


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and note of a file written by `write_tensors`."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        note = json.loads((file.metadata() or {}).get("note", "{}"))
        return {name: file.get_tensor(name) for name in file.keys()}, note  # noqa: SIM118 - not a dict


def digest(value: Any) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Name the entries of two flat keys that differ, for the reason why a state is not used.

    Examples
    --------
    >>> differences({"epochs": 15, "labels": "a"}, {"epochs": 20, "labels": "a"})
    'epochs (20 there, 15 here)'
    """
    told = []
    for name in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(name), theirs.get(name)
        if here != there:
            long = any(isinstance(value, str) and len(value) == 64 for value in (here, there))
            told.append(name if long else f"{name} ({there} there, {here} here)")
    return ", ".join(told)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Moments and step counts of an optimizer as named tensors."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{i}.{name}": value for i, part in state.items() for name, value in part.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put tensors of `optimizer_tensors` back.

    The fused optimizer walks through memory, so each moment must have the memory format of its parameter.
    """
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, place, name = key.split(".")
            like = parameters[int(place)]
            kept = torch.empty_like(like).copy_(value) if value.shape == like.shape and value.ndim else value
            state.setdefault(int(place), {})[name] = kept
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
