"""Which files a strategy is made of, and what stands in them."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

_PACKAGE = "algo"
_SHORT = 8  # digits of a digest that is shown


@dataclass(frozen=True, slots=True)
class Sources:
    """The files behind one function: `init.py`, its own, and what that imports of the folder."""

    file: str  # of the function, e.g. "algo/strategy.py"; "" where it cannot be told
    saved: float  # seconds since 1970 of that file's last change; 0: not known
    digests: dict[str, str]  # path -> digest

    @property
    def short(self) -> str:
        """A few digits for the screen: equal code has equal ones."""
        whole = "".join(self.digests[path] for path in sorted(self.digests))
        return hashlib.sha256(whole.encode()).hexdigest()[:_SHORT]


def digest_of(path: Path) -> str:
    """Return a digest of a file's content; "" for one that cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def modules_of(folder: Path) -> list[Path]:
    """Return the modules of a folder, without what editors hide there; [] where there is none."""
    try:
        return sorted(path for path in folder.rglob("*.py") if not path.name.startswith("."))
    except OSError:
        return []


def digests_of(folder: Path) -> dict[str, str]:
    """Return path -> digest of every module of a folder."""
    return {str(path): digest_of(path) for path in modules_of(folder)}


def sources_of(strategy: object, before: Mapping[str, str]) -> Sources:
    """Return the sources of a function that has been imported from the folder of strategies.

    `before`: digests from before the import; what was saved meanwhile is then seen as a change.
    """
    module = getattr(strategy, "__module__", None) or type(strategy).__module__
    files = _files()
    name = module if module in files else f"{_PACKAGE}.init"
    roots = {each for each in (name, f"{_PACKAGE}.init") if each in files}  # there may be no init
    needed = _closure(roots if name in roots else set(files))
    own = files.get(name)
    return Sources(
        file=f"{own.parent.name}/{own.name}" if own else "",
        saved=_saved(own),
        digests={str(files[each]): before.get(str(files[each]), "") for each in sorted(needed)},
    )


def saved_at(seconds: float) -> datetime | None:
    """Return a file's time as the screen shows it."""
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds > 0 else None


def forget() -> None:
    """Make the next import read the strategies again."""
    for name in [name for name in sys.modules if name.startswith(f"{_PACKAGE}.")]:
        del sys.modules[name]


def _files() -> dict[str, Path]:
    """Return the imported modules of the folder and their files."""
    return {
        name: Path(module.__file__)
        for name, module in list(sys.modules.items())
        if name.startswith(f"{_PACKAGE}.") and getattr(module, "__file__", None)
        if module.__file__ is not None
    }


def _closure(names: set[str]) -> set[str]:
    """Return modules with all that they import of the folder; `init` brings in only itself.

    `init` imports the strategies of all bots, which are none of one bot's business, unless the
    function stands in `init` itself.
    """
    init = f"{_PACKAGE}.init"
    files = _files()
    waiting = [name for name in names if name != init] or list(names)
    found = set(names)
    while waiting:
        name = waiting.pop()
        for imported in _imports(name, files[name]):
            if imported in files and imported not in found:
                found.add(imported)
                waiting.append(imported)
    return found


def _imports(module: str, path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _saved(path: Path | None) -> float:
    try:
        return path.stat().st_mtime if path else 0.0
    except OSError:
        return 0.0
