"""What docs/exchange.md lists exists, and what exists is listed."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from api.simulator.catalog import CATALOG
from api.simulator.command import options_parser
from api.simulator.control import ROUTES as CONTROL
from api.simulator.fault_kinds import KINDS
from api.simulator.ports import Request
from api.simulator.tables import TABLES
from api.simulator.topics import PRIVATE_TABLES, PUBLIC_TABLES
from api.simulator.venue import LiveVenue
from tests.support.places import ROOT


def section(title: str) -> str:
    manual = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")
    return manual.split(f"## {title}\n")[1].split("\n## ")[0]


def routes() -> list[tuple[str, str]]:
    found = []
    for line in section("REST routes").splitlines():
        method = "GET"
        for verb, path in re.findall(r"(?:\b(GET|POST|PUT|DELETE) )?`(/[\w/]+)`", line):
            method = verb or method
            found.append((method, path))
    return [(method, path) for method, path in found if path != "/api/v1"]


def test_every_listed_route_is_answered() -> None:
    venue = LiveVenue(seed=1, now=datetime(2026, 5, 3, tzinfo=timezone.utc))
    account = venue.keys[0].account
    assert len(routes()) > 35
    for method, path in routes():
        answer = venue.handle(Request(method, path, {}, account, venue.keys[0].permissions))
        assert answer.status != 404, f"{method} {path}"


def test_every_route_is_listed() -> None:
    assert set(CATALOG) - set(routes()) == set()


def test_every_table_is_listed() -> None:
    names = set(re.findall(r"`(\w+)`", section("WebSocket").replace(":", "` `")))
    assert set(TABLES) <= names
    assert set(TABLES) <= PRIVATE_TABLES | PUBLIC_TABLES
    private = {name for name, table in TABLES.items() if table.private}
    assert private <= PRIVATE_TABLES and not private & PUBLIC_TABLES


def test_every_fault_is_listed_with_its_options() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \| (.*) \|$", section("Faults"), re.MULTILINE)
    listed = {name: (does, set(re.findall(r"`(\w+)`", options))) for name, does, options in rows}
    assert listed == {name: (kind.does, set(kind.options)) for name, kind in KINDS.items()}


def test_every_control_route_is_listed() -> None:
    text = section("Control")
    assert [path for _, path in CONTROL if f"`/control{path}`" not in text] == []


def test_every_option_is_listed() -> None:
    text = section("Run it alone")
    options = {name for action in options_parser()._actions for name in action.option_strings}
    assert {name for name in options - {"-h", "--help"} if name not in text} == set()
