"""What older terminals kept in their classes, and so shared between markets and reloads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.places import ROOT

_MAKERS = {"dict", "list", "set", "defaultdict", "OrderedDict", "deque", "Counter"}
_DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)

# The strategy API is published as class attributes, within the process that runs the strategy.
_PUBLISHED = {"api/websockets.py", "bots/variables.py", "common/variables.py"}


def shared(source: str) -> Iterator[str]:
    """Yield the names that a class keeps in itself and that can change."""
    for kind in ast.walk(ast.parse(source)):
        if not isinstance(kind, ast.ClassDef):
            continue
        for line in kind.body:
            value = line.value if isinstance(line, (ast.Assign, ast.AnnAssign)) else None
            made = value.func if isinstance(value, ast.Call) else None
            called = made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")
            if isinstance(value, _DISPLAYS) or called in _MAKERS:
                yield f"{kind.name}, line {line.lineno}"


@pytest.mark.parametrize("folder", ["api", "common", "bots"])
def test_l40_no_class_keeps_what_its_objects_would_share(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {where}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in _PUBLISHED
        for where in shared(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("value", ["{}", "[]", "dict()", "collections.deque()", "{n for n in x}"])
def test_l40_what_a_class_would_share_is_found(value: str) -> None:
    assert list(shared(f"class Market:\n    robots = {value}")) == ["Market, line 2"]
    assert list(shared(f"class Market:\n    def __init__(self):\n        self.x = {value}")) == []
