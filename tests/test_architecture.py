"""The shape of the program: who may import whom, who may block, and what importing does.

The tables are those of docs/architecture.md. A new module needs no entry unless it wants something
that its folder may not have: then the table, and that document, are changed first.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.source import PACKAGES, SINGLE_MODULES, imports, modules, tracked_files, tree

FACADES = (
    *("api.websockets", "bots.variables", "common.variables", "functions"),
    *("bots.api", "bots.indicators"),
)

# Module or package -> what of the program it may import beside itself; the longest name decides.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "common.errors": (),
    "common.domain": ("common.errors",),
    "common.bootstrap": ("common.bootstrap_environment", "common.bootstrap_system"),
    "common.bootstrap_environment": ("common.bootstrap_system",),
    "common.bootstrap_system": (),
    "common.command_line": (),
    # The ledger fulfils the engine's port and speaks its messages; the engine's own workings are
    # above it.
    "common.ledger": (
        "common.domain",
        "common.errors",
        "common.file_lock",
        "common.settings_types",
        "common.engine.ports",
        "common.engine.bot_items",
        "common.engine.items",
        "common.engine.requests",
        "common.engine.mailbox",
        "common.engine.order_gate",
    ),
    "common.engine": ("common.domain", "common.errors", "common.ledger"),
    "common": ("common",),
    "api": ("common",),
    "bots": ("common", "api.websockets"),
    # An entry of its own: it puts engine, exchange and strategies together, as main does.
    "bots.backtest": ("api", "bots", "common"),
    "display": (
        "common.domain",
        "common.errors",
        "common.engine.previews",
        "common.engine.stop_levels",
        "common.engine.snapshot",
    ),
    "functions": ("common.domain",),
    "algo": FACADES,
    "main": ("api", "bots", "common", "display"),
    # The other half of the composition root: puts all together, behind a window or without one.
    "common.program": ("api", "bots", "common"),
}

# What blocks, waits or runs beside -> the modules named for it. A thread has one owner.
RESERVED: dict[str, tuple[str, ...]] = {
    "socket": (
        "api.bitmex.dialing",
        "api.bitmex.gated_http",  # its errors, and the type of what is dialled
        "api.bitmex.stream",
        "api.simulator.cutting",
    ),
    "ssl": ("api.bitmex.dialing", "api.bitmex.rest"),
    "requests": ("api.bitmex.gated_http", "api.bitmex.rest"),
    "urllib3": ("api.bitmex.gated_http", "api.bitmex.rest"),
    "websocket": ("api.bitmex.stream",),
    "aiohttp": (
        "api.simulator.mishandling",
        "api.simulator.outlet",
        "api.simulator.rest_service",
        "api.simulator.server",
    ),
    "asyncio": (
        "api.simulator.command",
        "api.simulator.cutting",
        "api.simulator.mishandling",
        "api.simulator.outlet",
        "api.simulator.server",
    ),
    "http.client": (),
    "http.server": (),
    "urllib.request": (),
    "pymysql": ("common.ledger.mysql_database",),
    "sqlite3": ("common.ledger.sqlite_database",),
    "tkinter": ("display", "main"),
    "threading": (
        "api.bitmex.budget",
        "api.bitmex.gateway",
        "api.bitmex.rest",
        "api.bitmex.rest_worker",
        "api.bitmex.stream",
        "api.simulator.child",
        "api.simulator.child_process",
        "api.simulator.command",
        "bots.catalog",
        "bots.catalog_reader",
        "bots.code_watch",
        "bots.journal",
        "bots.output",
        "bots.process",
        "bots.runner",
        "bots.time_limit",
        "bots.worker",
        "common.backtest_child",
        "common.console",
        "common.ending",
        "common.engine.engine",
        "common.engine.mailbox",
        "common.engine.order_gate",
        "common.ledger.mysql_database",
        "common.ledger.slow_watch",
        "common.ledger.writer",
        "common.logs",
        "common.report_thread",
        "common.program",
    ),
    "subprocess": (
        "api.simulator.child_process",
        "bots.process",
        "common.backtest_child",
        "common.bootstrap",
        "common.bootstrap_system",
    ),
    "multiprocessing": ("bots.process", "bots.worker"),
    "concurrent": (),
    "_thread": (),
}

# What computes for the screen without a screen: everything in display that paints names tkinter
# itself, and these never do.
WITHOUT_TKINTER = (
    *("display.presenter", "display.verdict", "display.cells", "display.columns"),
    *("display.formats", "display.bot_words", "display.bot_fields", "display.curve_shape"),
    *("display.gauges", "display.market_words", "display.row_cache"),
)

LONGEST_MODULE = 400  # lines; the aim is 300
LONGEST_TEST = 600  # lines; cases are read one by one


def within(name: str, packages: Iterable[str]) -> bool:
    """Tell whether a dotted name is one of the packages or lies inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def rule_for(module: str) -> str:
    """Return the entry of MAY_IMPORT that a module falls under."""
    return max((key for key in MAY_IMPORT if within(module, [key])), key=len)


def forbidden_imports() -> list[str]:
    """Return the edges between modules that the table does not allow."""
    return [
        f"{module} -> {target}"
        for module in modules()
        for target in sorted(imports(module))
        if not allowed(module, target)
    ]


def allowed(module: str, target: str) -> bool:
    """Tell whether the table lets a module of the program import `target`."""
    if not within(target, [*PACKAGES, *SINGLE_MODULES]):
        return True  # of the standard library, or installed: see RESERVED
    rule = rule_for(module)
    return within(target, [rule, *MAY_IMPORT[rule]])


def misplaced_imports(reserved: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the imports of reserved libraries outside the modules named for them."""
    return [
        f"{module} imports {library}"
        for module in modules()
        for library, places in reserved.items()
        if not within(module, places) and any(within(name, [library]) for name in imports(module))
    ]


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return groups of nodes that reach each other, of two nodes or more."""
    reach = {node: _reachable(node, graph) for node in graph}
    groups = {
        frozenset(other for other in reach[node] if node in reach.get(other, set()))
        for node in graph
        if node in reach[node]
    }
    return sorted(sorted(group) for group in groups)


def _reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(graph.get(node, ()))
    return seen


def test_every_import_is_one_that_the_table_allows() -> None:
    assert forbidden_imports() == []


def test_what_blocks_is_imported_only_by_the_modules_named_for_it() -> None:
    assert misplaced_imports(RESERVED) == []


def test_what_the_screen_shows_is_computed_without_tkinter() -> None:
    assert [name for name in WITHOUT_TKINTER if within("tkinter", imports(name))] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: set(imports(name)) & modules().keys() - {name} for name in modules()}
    assert cycles(graph) == []


def test_the_table_covers_every_module_and_names_none_that_is_gone() -> None:
    assert all(rule_for(module) for module in modules())
    named = {place for places in RESERVED.values() for place in places} | set(MAY_IMPORT)
    named |= {place for places in MAY_IMPORT.values() for place in places}
    assert sorted(named - modules().keys()) == []


def test_the_checks_see_what_they_are_for() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]]
    assert "common.ledger.sqlite_database imports sqlite3" in misplaced_imports({"sqlite3": ()})
    assert allowed("common.ledger.writer", "common.engine.ports")
    assert not allowed("common.ledger.writer", "common.engine.engine")
    assert not allowed("display.presenter", "api.registry")
    assert not allowed("common.domain.money", "common.engine.ports")


# ------------------------------------------------------------------------------ names of exchanges


def exchange_names(module: ast.Module) -> list[str]:
    """Return the identifiers and texts (no docstrings) of a module that name an exchange."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    words = []
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words += [node.value] if id(node) not in docstrings else []
        else:
            words += [value for _, value in ast.iter_fields(node) if isinstance(value, str)]
    return [word for word in words if "bitmex" in word.lower()]


def test_nothing_outside_api_names_an_exchange() -> None:
    outside = [name for name in modules() if not within(name, ("api", "algo"))]
    named = {name: exchange_names(tree(modules()[name])) for name in outside}
    assert {name: words for name, words in named.items() if words} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('MARKET = "Bitmex"', ["Bitmex"]),
        ("import api.bitmex.rest", ["api.bitmex.rest"]),
        ("def on_bitmex(): ...", ["on_bitmex"]),
        ('"""Speaks like BitMEX."""', []),
    ],
)
def test_an_exchange_is_noticed_in_code_and_not_in_docstrings(
    source: str, found: list[str]
) -> None:
    assert exchange_names(ast.parse(source)) == found


# -------------------------------------------------------------------------- importing does nothing

_WATCH = """
import importlib, os, sys, threading
import aiohttp, cryptography, pymysql, requests, websocket  # what these do is not our doing
acts = []
def watch(event, arguments):
    if event in {"socket.connect", "socket.bind", "subprocess.Popen", "sqlite3.connect", "os.mkdir",
                 "os.remove", "os.rename", "os.putenv", "os.system", "signal.pthread_kill"}:
        acts.append(f"{event} {arguments!r}")
    elif event == "open" and isinstance(arguments[2], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and arguments[0] != os.devnull:
            acts.append(f"writes {arguments[0]!r}")
sys.addaudithook(watch)
for name in sys.argv[1:]:
    before = threading.active_count(), os.getcwd()
    importlib.import_module(name)
    if (threading.active_count(), os.getcwd()) != before:
        acts.append("starts a thread or changes the folder")
    for act in acts:
        print(name, act)
    acts.clear()
"""


def test_importing_any_module_does_nothing(tmp_path: Path) -> None:
    names = [name for name in modules() if not name.endswith("__main__")]
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{_WATCH}"
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, *names],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------- files


def test_no_module_is_longer_than_can_be_read_in_one_go() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked_files()
        if path.suffix == ".py"
    }
    limits = {
        name: LONGEST_TEST if "tests" in Path(name).parts else LONGEST_MODULE for name in lengths
    }
    assert {name: lines for name, lines in lengths.items() if lines > limits[name]} == {}


# Written in pieces, so that this file does not hold what it looks for.
_OF_ONE_MACHINE = re.compile(
    r"(?<![\w./])/(?:work|farm|root|tmp|home/\w+|Users/\w+)/"
    + "|"
    + "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "debian" + r"\.org/debian"])
    + "|"
    + r"\bissue #?\d"
)


def hits(pattern: re.Pattern[str]) -> list[str]:
    """Return where a pattern stands in the texts of the project."""
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture, or a file that is being removed
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in pattern.findall(text)]
    return found


def test_no_file_mentions_a_machine_or_a_registry() -> None:
    assert hits(_OF_ONE_MACHINE) == []


_LEFT_BY_A_MERGE = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)


def test_no_file_holds_both_sides_of_a_merge() -> None:
    assert hits(_LEFT_BY_A_MERGE) == []


def test_the_version_is_the_same_everywhere() -> None:
    main = (ROOT / "main.py").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    written = re.search(r'^VERSION = "([\d.]+)"', main, re.MULTILINE)
    declared = re.search(r'^version = "([\d.]+)"', project, re.MULTILINE)
    assert written and declared and written.group(1) == declared.group(1)
