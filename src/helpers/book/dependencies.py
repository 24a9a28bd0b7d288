"""Which helper modules a notebook or module depends on, read from its imports.

The graph of the build lists these files as inputs of a notebook, so that editing a helper executes again what
depends on it and nothing else.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

SOURCE = Path("src")


def helpers_of(path: str | Path) -> list[str]:
    """Helper files that a Python file imports, directly or through other helpers.

    Parameters
    ----------
    path : path
        A notebook in py:percent format or a module, relative to the repository root.

    Returns
    -------
    list of str
        Paths below `src/`, sorted; the file itself is not among them.

    Examples
    --------
    >>> helpers_of("src/helpers/data/profiles.py")
    []
    """
    start = Path(path)
    found: set[Path] = set()
    todo = list(_imports(start))
    while todo:
        module = todo.pop()
        if module not in found:
            found.add(module)
            todo += _imports(module)
    return sorted(str(p) for p in found - {start})


def needs(path: str | Path, library: str) -> bool:
    """Whether a Python file, or a helper that it imports, imports a library, wherever in the file that stands.

    Parameters
    ----------
    path : path
        A notebook in py:percent format or a module, relative to the repository root.
    library : str
        Its first name, such as `torch`.

    Returns
    -------
    bool

    Examples
    --------
    >>> needs("notebooks/train.py", "torch"), needs("notebooks/networks.py", "torch")
    (True, False)
    """
    files = [Path(path), *(Path(helper) for helper in helpers_of(path))]
    return any(name.split(".")[0] == library for file in files for name in _names(file))


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Helper files that a file imports itself."""
    files = {_file(name) for name in _names(path) if name.split(".")[0] == "helpers"}
    return tuple(sorted(f for f in files if f is not None))


@cache
def _names(path: Path) -> frozenset[str]:
    """Modules named by the import statements of one file that a run can reach, wherever in the file they stand."""
    names: set[str] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"), filename=str(path))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            todo += node.orelse  # what is there for type checkers is never executed
            continue
        todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _file(name: str) -> Path | None:
    """The file of a module or package; None for a name inside a module."""
    stem = SOURCE.joinpath(*name.split("."))
    for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
        if candidate.is_file() and candidate != SOURCE / "helpers" / "__init__.py":
            return candidate
    return None
