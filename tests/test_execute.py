"""The runner: parameters are checked, a failure is kept with its error, a success says what made it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

from helpers.book.dependencies import helpers_of
from helpers.book.execute import execute, main

NOTEBOOK = """# %% [markdown]
# # Does it run?

# %% tags=["parameters"]
study = "data/none"  # folder
divisor = 2  # number

# %%
answer = 10 / divisor
print(answer)
"""


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(NOTEBOOK, encoding="utf-8")
    return path


def test_a_notebook_runs_with_its_parameters(notebook, tmp_path):
    out = execute(notebook, tmp_path / "page", {"divisor": 5})
    cells = nbformat.read(out, as_version=4).cells
    assert any("2.0" in str(cell.get("outputs")) for cell in cells)
    record = json.loads((tmp_path / "page" / "run.json").read_text(encoding="utf-8"))
    assert record["parameters"] == {"study": "data/none", "divisor": 5}
    assert len(record["lock"]) == 64


def test_an_unknown_parameter_names_those_there_are(notebook, tmp_path):
    with pytest.raises(ValueError, match=r"has no parameter divisr; it has study, divisor"):
        execute(notebook, tmp_path / "page", {"divisr": 5})


def test_a_failed_notebook_is_kept_with_its_error(notebook, tmp_path, capsys):
    with pytest.raises(PapermillExecutionError):
        execute(notebook, tmp_path / "page", {"divisor": 0})
    assert not (tmp_path / "page" / "notebook.ipynb").exists()
    kept = (tmp_path / "page" / "notebook.failed.ipynb").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in kept
    assert main([str(notebook), str(tmp_path / "page"), '{"divisor": 0}']) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_results_of_an_earlier_run_do_not_outlive_a_failure(notebook, tmp_path):
    page = tmp_path / "page"
    execute(notebook, page, {"divisor": 5})
    (page / "tables").mkdir()
    (page / "tables" / "old.csv").write_text("x\n", encoding="utf-8")
    with pytest.raises(PapermillExecutionError):
        execute(notebook, page, {"divisor": 0})
    assert not (page / "tables").exists() and not (page / "notebook.ipynb").exists()


@pytest.mark.parametrize(
    "bad", ["divisor = len(study)", "divisor: int = 2", "divisor, other = 1, 2"], ids=["call", "annotated", "tuple"]
)
def test_parameters_are_plain_literals(notebook, tmp_path, bad):
    notebook.write_text(NOTEBOOK.replace("divisor = 2", bad), encoding="utf-8")
    with pytest.raises(ValueError):
        execute(notebook, tmp_path / "page")


def test_a_notebook_depends_on_the_helpers_it_imports_and_theirs_only():
    found = helpers_of("notebooks/decision.py")
    assert "src/helpers/stats/decision.py" in found and "src/helpers/stats/net_benefit.py" in found
    learn = {Path(name).stem for name in found if name.startswith("src/helpers/learn/")}
    assert learn <= {"__init__", "candidates", "choice", "scores"}, "names of networks, and nothing that trains"
    assert "src/helpers/data/simulate/olnm.py" not in found
    training = helpers_of("notebooks/train.py")
    assert any(name.startswith("src/helpers/learn/training") for name in training)
    statistics = {Path(name).stem for name in training if name.startswith("src/helpers/stats/")}
    assert statistics <= {"__init__", "predictions", "predictions_check", "predictions_own"}, (
        "no training again for a statistic"
    )


def test_imports_for_type_checkers_are_no_dependency(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from helpers.stats.delong import placements\n"
        "else:\n    import helpers.data.profiles\n",
        encoding="utf-8",
    )
    assert helpers_of(path) == ["src/helpers/data/profiles.py"]


NETWORKS = {"train", "ynet", "fuse", "explain"}  # the notebooks that run a network
WITHOUT = sorted(path.stem for path in Path(__file__).parents[1].glob("notebooks/*.py") if path.stem not in NETWORKS)
HEAVY = {"torch", "torchvision", "timm", "monai", "captum", "safetensors"}


def imported(path: str | Path) -> set[str]:
    """First names of all modules that a file imports, in functions too."""
    nodes = list(ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("name", WITHOUT)
def test_a_notebook_without_networks_reaches_no_torch(name):
    """Neither the notebook nor any helper that it imports, whatever imports that in turn, names torch anywhere."""
    files = [f"notebooks/{name}.py", *helpers_of(f"notebooks/{name}.py")]
    assert {file: found for file in files if (found := imported(file) & HEAVY)} == {}


def test_a_notebook_with_networks_does_reach_torch():
    for name in NETWORKS:
        assert any("torch" in imported(file) for file in helpers_of(f"notebooks/{name}.py")), name


def test_nothing_else_brings_torch_in():
    """The imports of all those notebooks together: a library of theirs could import torch as well."""
    nodes = [node for name in WITHOUT for node in ast.parse(Path(f"notebooks/{name}.py").read_text("utf-8")).body]
    lines = {ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)}
    code = "\n".join([*sorted(lines), "import sys", "sys.exit('torch' in sys.modules)"])
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_plain_papermill_runs_a_notebook_as_the_readme_says(notebook, tmp_path):
    there = Path(sys.executable).parent
    line = f"{there}/jupytext --to ipynb -o - {notebook} | {there}/papermill -k python3 -l python -p divisor 5 - {tmp_path}/out.ipynb"
    assert "papermill -k python3 -l python -p" in Path("README.md").read_text(encoding="utf-8")
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    assert "2.0" in (tmp_path / "out.ipynb").read_text(encoding="utf-8")


def test_the_graph_plans_for_a_cluster(tmp_path):
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "--executor", "slurm", "--jobs", "4", "--nolock"]
    command += ["--config", 'studies=["data/olnm"]', "gpu=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
