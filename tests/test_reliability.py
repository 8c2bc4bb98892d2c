"""docs/reliability.md names tests that exist, each with the identifier of its row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.places import ROOT

PAGE = ROOT / "docs" / "reliability.md"
_ROW = re.compile(r"^\| ([A-Z]\d+) \|(.*)\|$")
_NAMED = re.compile(r"`(test_\w+)`")


def rows(text: str) -> list[tuple[str, list[str]]]:
    """Return (identifier, names of tests) of every row of the page."""
    found = [_ROW.match(line) for line in text.splitlines()]
    return [(row[1], _NAMED.findall(row[2].rpartition("|")[2])) for row in found if row]


def defined(folder: Path) -> set[str]:
    """Return the name of every test below a folder."""
    return {
        node.name
        for path in folder.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def problems(text: str, known: set[str]) -> list[str]:
    """Return what is wrong with the page, in words."""
    found = []
    for identifier, names in rows(text):
        if not names:
            found.append(f"{identifier} has no test")
        found += [f"{identifier}: there is no {name}" for name in names if name not in known]
        if names and not any(identifier.lower() in name.split("_") for name in names):
            found.append(f"{identifier} is in the name of none of its tests")
    return found


def test_every_row_names_tests_that_exist() -> None:
    assert problems(PAGE.read_text(encoding="utf-8"), defined(ROOT / "tests")) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("| N1 | a | b | |", "N1 has no test"),
        ("| N1 | a | b | `test_n1_gone` |", "N1: there is no test_n1_gone"),
        ("| N1 | a | b | `test_n10_here` |", "N1 is in the name of none of its tests"),
    ],
)
def test_a_row_that_has_rotted_is_found(row: str, said: str) -> None:
    assert said in problems(row, {"test_n10_here"})
