"""The recorded market in the real window: what is shown at its end is what was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.bitmex.market_rows import category_of
from common.domain.market import Book
from tests.api.bitmex.test_replay import computed_books
from tests.e2e.user import User
from tests.support.profiles import demo_access, write_profile
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_shared


def shown_book(user: User, decimals: Decimal) -> Book:
    """Return the levels that the window shows, quantities turned back into contracts."""
    rows: list[dict[str, Any]] = user.look()["book"]
    sides: dict[str, list[tuple[Decimal, int]]] = {"Buy": [], "Sell": []}
    for row in rows:
        text = row["texts"][0] or row["texts"][2]
        sides[row["side"]].append((Decimal(row["price"]), int(Decimal(text) * decimals)))
    return Book(tuple(sorted(sides["Buy"], reverse=True)[:10]), tuple(sorted(sides["Sell"])[:10]))


def test_the_window_ends_with_the_books_of_the_recording(
    xvfb: str,
    tmp_path: Path,
    exchange: Callable[..., ExchangeProcess],
    shared_folder: Path,
) -> None:
    folder = shared_folder / "recordings"
    recording = folder / "bitmex-ws-2021-07-22.jsonl"
    listed = folder / "bitmex-instrument-active-2021-07-22.json"
    expected = computed_books(recording)
    instruments = {row["symbol"]: row for row in json.loads(listed.read_text(encoding="utf-8"))}
    categories: dict[str, list[str]] = {}
    for name in sorted(expected):
        category = category_of(instruments[name])
        assert category is not None
        categories.setdefault(f"{category.value.upper()}_SYMBOLS", []).append(name)
    venue = exchange("--replay-hold", replay=recording, instruments=listed)
    lists = dict.fromkeys(("LINEAR_SYMBOLS", "INVERSE_SYMBOLS", "QUANTO_SYMBOLS"), "")
    lists |= {key: ", ".join(names) for key, names in categories.items()}
    access = demo_access(venue.rest, venue.ws, venue.key, venue.secret)
    profile = write_profile(
        tmp_path / "profile", {**access, **lists, "SPOT_SYMBOLS": "", "REFRESH_RATE": "10"}
    )
    with User(xvfb, profile) as user:
        user.wait_live()
        for name, book in sorted(expected.items()):
            unit = Decimal(instruments[name].get("underlyingToPositionMultiplier") or 1)
            select(user, name)
            expect_book(user, unit, book)
        assert user.close() == 0


def select(user: User, name: str) -> None:
    """Click a row of the positions and wait until its book is shown."""
    user.click("position", name)
    wait_until(lambda: str(user.look()["selected"]).startswith(f"{name}."), 20, f"{name} selected")


def expect_book(user: User, unit: Decimal, book: Book) -> None:
    """Wait until the window shows this book."""
    wait_until(lambda: shown_book(user, unit) == book, 90, "the recorded book")
