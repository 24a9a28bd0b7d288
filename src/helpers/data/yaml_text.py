"""The text of a `study.yaml` as plain values: what YAML lets pass in silence, and what crashes its reader, is named."""

from __future__ import annotations

from typing import Any

import yaml

from helpers.data.errors import StudyError

DEEPEST = 20
"""Levels of lists and keys inside each other; a study needs six, and thousands end the reader of YAML itself."""


class _Strict(yaml.SafeLoader):
    """Plain YAML in which a key is there once, dates are text as written, and no value ends in a raw error."""

    yaml_implicit_resolvers = {
        first: [(tag, shape) for tag, shape in known if tag != "tag:yaml.org,2002:timestamp"]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.level >= DEEPEST:
            raise yaml.composer.ComposerError(
                problem=f"more than {DEEPEST} levels inside each other", problem_mark=self.peek_event().start_mark
            )
        self.level += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.level -= 1

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: dict[str, int] = {}
        for key, _ in node.value:
            row = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise StudyError(
                    f"this key is there twice, first in row {seen[key.value]}",
                    file="study.yaml",
                    row=row,
                    key=key.value,
                    fix="keep one of the two, with all that belongs below it",
                )
            if isinstance(key, yaml.ScalarNode):
                seen[key.value] = row
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # what Python raises for a value that its tag does not fit, such as `!!int x`
            said = f"a value cannot be read ({str(error)[:100]})"
            raise yaml.constructor.ConstructorError(problem=said, problem_mark=node.start_mark) from None


def plain(text: str) -> Any:
    """Read the text of a `study.yaml`.

    Parameters
    ----------
    text : str

    Returns
    -------
    object
        Dictionaries, lists, text, numbers and truth values; dates stay text.

    Raises
    ------
    StudyError
        If it is not YAML, a key is there twice, or values lie deeper in each other than a study needs; with the row.

    Examples
    --------
    >>> plain("title: 2024-02-30\\ntune: {seed: 7}\\n")
    {'title': '2024-02-30', 'tune': {'seed': 7}}
    >>> plain("models: 1\\nmodels: 2\\n")
    Traceback (most recent call last):
    helpers.data.errors.StudyError: study.yaml, row 2, key models: this key is there twice, first in row 1. Way out:
    keep one of the two, with all that belongs below it.
    """
    try:
        return yaml.load(text, Loader=_Strict)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise StudyError(
            f"not YAML: {getattr(error, 'problem', error)}",
            file="study.yaml",
            row=mark.line + 1 if mark else None,
            fix="check the indentation and quotes there",
        ) from None
