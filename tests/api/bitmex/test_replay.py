"""After the replay of a real recording the books equal those computed from the file itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from api.bitmex import market_rows
from common.domain.instruments import Category, Symbol
from common.domain.market import Book, Level
from common.engine.requests import FetchInstruments
from tests.api.bitmex import harness
from tests.api.bitmex.samples import settings
from tests.support.venue import start_exchange

LEVELS = 10

pytestmark = pytest.mark.needs_shared


def computed_books(recording: Path) -> dict[str, Book]:
    """Play the recorded orderBookL2 messages by their own rules and return the best ten levels."""
    levels: dict[tuple[str, int, str], dict[str, object]] = {}
    for line in recording.read_text(encoding="utf-8").splitlines():
        message = json.loads(line, parse_float=Decimal)["m"]
        if not isinstance(message, dict) or message.get("table") != "orderBookL2":
            continue
        for row in message["data"]:
            key = row["symbol"], row["id"], row["side"]
            if message["action"] == "delete":
                del levels[key]
            elif message["action"] == "update":
                levels[key].update(row)
            else:
                levels[key] = dict(row)
    names = {symbol for symbol, _, _ in levels}
    return {
        name: Book(bids=_best(levels, name, "Buy"), asks=_best(levels, name, "Sell"))
        for name in names
    }


def _best(
    levels: Mapping[tuple[str, int, str], dict[str, object]], name: str, side: str
) -> tuple[Level, ...]:
    found = [
        (Decimal(str(row["price"])), int(str(row["size"])))
        for (symbol, _, way), row in levels.items()
        if (symbol, way) == (name, side)
    ]
    return tuple(sorted(found, reverse=side == "Buy")[:LEVELS])


def test_after_the_recording_every_book_equals_the_computed_one(
    shared_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "DEADLINE", 90.0)  # the recording lasts half a minute
    folder = shared_folder / "recordings"
    recording = folder / "bitmex-ws-2021-07-22.jsonl"
    instruments = folder / "bitmex-instrument-active-2021-07-22.json"
    expected = computed_books(recording)
    assert len(expected) == 10
    assert all(len(book.bids) == len(book.asks) == LEVELS for book in expected.values())
    rows = {row["symbol"]: row for row in json.loads(instruments.read_text(encoding="utf-8"))}
    categories = {name: market_rows.category_of(rows[name]) or Category.OPTION for name in expected}
    symbols = tuple(Symbol(name, category) for name, category in sorted(categories.items()))
    venue = start_exchange("--replay-hold", replay=recording, instruments=instruments)
    try:
        market = settings(venue.rest, venue.ws, symbols, key=venue.key, secret=venue.secret)
        with harness.running(market) as terminal:
            found = terminal.result(FetchInstruments(symbols), tuple)
            assert {item.symbol for item in found} == set(symbols)
            terminal.connect(symbols)
            terminal.wait(
                lambda: all(terminal.gateway.book(s) == expected[s.ticker] for s in symbols),
                "the books of the recording's end",
            )
    finally:
        venue.stop()
