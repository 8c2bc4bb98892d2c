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
_NOT_IN_NAMES = ("Database", "What always holds")  # sections whose tests are named otherwise
_ALL = {  # what must have a row, by section
    "Network": {f"N{n}" for n in range(1, 24)},
    "Protocol and data": {f"P{n}" for n in range(1, 30)},
    "Machine, files and strategies": {f"L{n}" for n in range(1, 6)},
    "Window": {f"U{n}" for n in (*range(1, 9), *range(10, 16))},
    "Money at risk": {f"M{n}" for n in range(1, 26)},
    "Wrong books": {f"L{n}" for n in range(1, 41)},
    "Freezes": {f"B{n}" for n in range(1, 26)},
    "Wrong figures": {f"V{n}" for n in range(1, 11)},
    "Security": {f"S{n}" for n in range(1, 7)},
    "What always holds": {f"I{n}" for n in (*range(1, 12), *range(13, 26))},
}


def rows(text: str) -> list[tuple[str, str, list[str]]]:
    """Return (section, identifier, names of tests) of every row of the page."""
    found, section = [], ""
    for line in text.splitlines():
        section = line.strip("# ") if line.startswith("#") else section
        row = _ROW.match(line)
        if row:
            found.append((section, row[1], _NAMED.findall(row[2].rpartition("|")[2])))
    return found


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
    for section, identifier, names in rows(text):
        if not names:
            found.append(f"{identifier} has no test")
        found += [f"{identifier}: there is no {name}" for name in names if name not in known]
        named = any(identifier.lower() in name.split("_") for name in names)
        if names and not named and section not in _NOT_IN_NAMES:
            found.append(f"{identifier} is in the name of none of its tests")
    return found


def test_every_row_names_tests_that_exist() -> None:
    assert problems(PAGE.read_text(encoding="utf-8"), defined(ROOT / "tests")) == []


@pytest.mark.parametrize("section", _ALL)
def test_every_fault_of_the_catalogue_has_its_row(section: str) -> None:
    listed = {name for where, name, _ in rows(PAGE.read_text(encoding="utf-8")) if where == section}
    assert _ALL[section] - listed == set()


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
