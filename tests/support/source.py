"""The program's own source as data: its files, modules and imports."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.places import ROOT

PACKAGES = ("algo", "api", "bots", "common", "display")
SINGLE_MODULES = ("functions", "main")
_GENERATED = {"__pycache__", "demo", "data", "logs"}


@cache
def modules() -> dict[str, Path]:
    """Return the program's modules, tests excluded: dotted name -> file."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    files += [ROOT / f"{name}.py" for name in SINGLE_MODULES]
    return {_dotted(path): path for path in files}


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a source file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports(module: str) -> frozenset[str]:
    """Return the dotted names that a module imports anywhere in it, but for typing alone.

    `from a import b` counts as `a.b` where that is a module of the program, else as `a`.
    """
    return frozenset(_imports(module))


def _imports(module: str) -> Iterator[str]:
    path = modules()[module]
    for node in _nodes(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node, is_package=path.name == "__init__.py")
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in modules() else base


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below `node`, leaving out blocks of `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _nodes(child)


def _base(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return the project's files; in a copy without git, those that do not look generated."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if listed.returncode == 0:
        return tuple(ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(
            part in _GENERATED or part.startswith((".venv", ".git/"))
            for part in path.relative_to(ROOT).parts
        )
    )
