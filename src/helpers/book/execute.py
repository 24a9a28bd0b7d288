"""Execute one py:percent notebook with papermill: `python -m helpers.book.execute NOTEBOOK PAGE [PARAMETERS]`.

PAGE is the folder of the page, `results/<study>/<page>`; PARAMETERS is a JSON object. The executed copy is
`PAGE/notebook.ipynb`. When a cell fails, the copy as far as it came is `PAGE/notebook.failed.ipynb`, the error is
printed, and the exit status is 1.
"""

from __future__ import annotations

import ast
import datetime
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LOCK = Path("requirements.txt")


def execute(notebook: str | Path, page: str | Path, parameters: dict[str, Any] | None = None) -> Path:
    """Run a notebook with parameters and write its executed copy and `run.json` into the page's folder.

    Parameters
    ----------
    notebook : path
        A py:percent notebook with one cell tagged `parameters`.
    page : path
        Folder to write; created when absent.
    parameters : dict
        Values for names of the parameters cell; plain literals.

    Returns
    -------
    Path
        The executed notebook.

    Raises
    ------
    ValueError
        If a parameter is not in the notebook's parameters cell.
    papermill.PapermillExecutionError
        If a cell fails; the copy `notebook.failed.ipynb` is kept.
    """
    # papermill validates notebooks with jsonschema, which builds a grammar of IRIs at import when this optional
    # package is there: a second for nothing, in every notebook of the book.
    sys.modules.setdefault("rfc3987_syntax", None)
    import jupytext
    import papermill

    notebook, page = Path(notebook), Path(page)
    parameters = parameters or {}
    document = jupytext.read(notebook)
    known = parameter_names(document)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ValueError(f"{notebook.name} has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    document.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    page.mkdir(parents=True, exist_ok=True)
    out, failed = page / "notebook.ipynb", page / "notebook.failed.ipynb"
    _clear(page, out)
    os.environ["THYROBOOK_BATCH"] = "1"  # one line an epoch instead of progress bars
    started, clock = datetime.datetime.now(datetime.UTC), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:
        papermill.execute_notebook(
            document,
            str(failed),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            start_timeout=600,  # the first kernel waits for the libraries, on a busy machine for minutes
            cwd=os.getcwd(),
            **_kernel(notebook, sockets),
        )
    record = {
        "notebook": str(notebook),
        "parameters": {**known, **parameters},
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 1),
        **provenance(parameters.get("study", known.get("study"))),
    }
    (page / "run.json").write_text(json.dumps(record, indent=1, default=str) + "\n", encoding="utf-8")
    os.replace(failed, out)
    return out


def _clear(page: Path, out: Path) -> None:
    """Remove what an earlier run of this page published, so that nothing old is taken for new.

    Checkpoints and training states stay: a killed run goes on from them.
    """
    for name in ("figures", "tables"):
        shutil.rmtree(page / name, ignore_errors=True)
    for path in (out, page / "numbers.json", page / "run.json"):
        path.unlink(missing_ok=True)


def _kernel(notebook: Path, folder: str) -> dict[str, Any]:
    """How the kernel is started and spoken to: forked within a build, and through files that only this user can open.

    The socket files lie in a folder of their own: kernels that share one take each other's messages.
    """
    if os.name != "posix":
        return {}
    from traitlets.config import Config

    from helpers.book.dependencies import needs

    manager = {"transport": "ipc", "ip": f"{folder}/kernel"}
    return {
        "config": Config(
            KernelManager=manager,
            WarmKernelManager={"torch": needs(notebook, "torch")},
            NotebookClient={"kernel_manager_class": "helpers.book.warm_kernel.WarmKernelManager"},
        )
    }


def parameter_names(document: Any) -> dict[str, Any]:
    """Names and defaults in the cell tagged `parameters`, one literal assignment a line."""
    cells = [c for c in document.cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"a notebook needs one cell tagged parameters, this one has {len(cells)}")
    found = {}
    for node in ast.parse(cells[0].source).body:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
            raise ValueError("the parameters cell holds plain assignments only")
        found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


def provenance(study: str | Path | None = None) -> dict[str, Any]:
    """What is needed to make the same numbers again: code, lock, data, machine.

    Parameters
    ----------
    study : path or None
        The study's folder; its tables, `study.yaml` and the media that they name are hashed.

    Returns
    -------
    dict
        `commit` (with "+" when files differ from it), `lock` (SHA-256 of the lock file), `data` (SHA-256 as
        `helpers.data.fingerprint.data`), `python`, `machine`, `device`.
    """
    from helpers.data import fingerprint

    return {
        "commit": _commit(),
        "lock": hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None,
        "data": fingerprint.data(study) if study else None,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "device": _device(),
    }


def _commit() -> str | None:
    if shutil.which("git") is None:
        return None
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    dirty = subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "") if head.returncode == 0 else None


def _device() -> str:
    """The GPU's name when there is one, without importing torch."""
    tool = shutil.which("nvidia-smi")
    if tool:
        command = [tool, "--query-gpu=name", "--format=csv,noheader"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.splitlines()[0].strip()
    return "CPU"


def main(arguments: list[str]) -> int:
    """Run from the command line; see the module's text."""
    from papermill.exceptions import PapermillExecutionError

    notebook, page, *rest = arguments
    try:
        execute(notebook, page, json.loads(rest[0]) if rest else {})
    except PapermillExecutionError as error:
        failed = Path(page) / "notebook.failed.ipynb"
        print(f"{notebook} failed in cell {error.exec_count}: {error.ename}: {error.evalue}", file=sys.stderr)
        print(f"The notebook as far as it came, with the traceback: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
