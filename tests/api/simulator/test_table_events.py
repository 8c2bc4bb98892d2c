"""Every row that any table tells, in both dialects, against the types and keys of its partial."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from api.simulator.encoding import to_json
from api.simulator.old_dialect import OldDialectVenue
from api.simulator.ports import Action, ApiKey, Row, TableEvent
from api.simulator.tables import TABLES
from api.simulator.venue import DEMO_ACCOUNT, Customer, LiveVenue
from tests.api.simulator.test_row_types import fits
from tests.api.simulator.venues import BEFORE_EXPIRY, TRADING, Desk

SIZES = ("1m", "5m", "1h")
INSERTED = {
    *("instrument", "orderBookL2", "orderBookL2_25", "orderBook10", "quote", "trade", "funding"),
    *("settlement", "order", "execution", "position", "transact"),
    *(f"{kind}Bin{size}" for kind in ("trade", "quote") for size in SIZES),
}
CHANGED = {"instrument", "orderBookL2", "orderBookL2_25", "orderBook10", "order", "position"}
CHANGED |= {"margin", "wallet"}
KEPT_EMPTY = {"currentQty", "markPrice", "liquidationPrice"}  # of positions, in both dialects
VENUES = {"2023": LiveVenue, "2018": OldDialectVenue}


def lived(kind: type[LiveVenue]) -> tuple[Desk, list[TableEvent]]:
    """Return an account that traded, was paid funding and saw a settlement, and all events."""
    key = ApiKey("key", "secret", DEMO_ACCOUNT, TRADING)
    venue = kind(seed=7, now=BEFORE_EXPIRY, accounts=[Customer(keys=[key])])
    desk = Desk(venue, BEFORE_EXPIRY)
    events: list[TableEvent] = []
    active = desk.get("/instrument/active")
    dated = next(row["symbol"] for row in active if row.get("expiry"))
    for symbol, side in (("XBTUSD", "Sell"), ("XBTUSDT", "Buy"), (dated, "Buy")):
        desk.order(symbol, side, 1000, ordType="Market")
    desk.order("XBT_USDT", "Buy", 2000, ordType="Market")
    rest = desk.order("XBTUSDT", "Buy", 1000, price=desk.away("XBTUSDT", "Buy", 0.1))
    events += venue.drain()
    desk.body("DELETE", "/order", orderID=rest["orderID"])
    for _ in range(20):
        events += desk.wait(seconds=1)
    events += desk.wait(minutes=61)
    events += desk.wait(hours=8)
    return desk, events


def rows_of(events: Iterable[TableEvent], table: str, action: Action) -> list[Row]:
    chosen = (event for event in events if (event.table, event.action) == (table, action))
    return [json.loads(to_json(row)) for event in chosen for row in event.rows]


@pytest.fixture(scope="module", params=sorted(VENUES))
def life(request: pytest.FixtureRequest) -> tuple[Desk, list[TableEvent]]:
    return lived(VENUES[request.param])


def test_every_table_told_something(life: tuple[Desk, list[TableEvent]]) -> None:
    _, events = life
    assert {e.table for e in events if e.action is Action.INSERT} >= INSERTED
    assert {e.table for e in events if e.action is Action.UPDATE} >= CHANGED
    assert {e.table for e in events} <= set(TABLES)


def test_every_value_is_of_the_type_that_the_partial_names(
    life: tuple[Desk, list[TableEvent]],
) -> None:
    desk, events = life
    wrong = set()
    for table in TABLES:
        image = desk.venue.partial(table, None, DEMO_ACCOUNT)
        assert image is not None
        rows = [json.loads(to_json(row)) for row in image.rows]
        rows += [row for action in Action for row in rows_of(events, table, action)]
        wrong |= {
            (table, name, image.types.get(name))
            for row in rows
            for name, value in row.items()
            if not fits(image.types.get(name), value)
        }
    assert wrong == set()


def test_changes_name_the_keys_of_their_rows(life: tuple[Desk, list[TableEvent]]) -> None:
    desk, events = life
    for table in TABLES:
        image = desk.venue.partial(table, None, DEMO_ACCOUNT)
        assert image is not None
        for action in (Action.UPDATE, Action.DELETE):
            for row in rows_of(events, table, action):
                assert set(image.keys) <= set(row), (table, action)


def test_whole_rows_leave_empty_columns_out_today() -> None:
    desk, events = lived(LiveVenue)
    for table in TABLES:
        image = desk.venue.partial(table, None, DEMO_ACCOUNT)
        assert image is not None
        for row in [*image.rows, *rows_of(events, table, Action.INSERT)]:
            empty = {name for name, value in row.items() if value is None}
            assert empty <= (KEPT_EMPTY if table == "position" else set()), table


def test_candles_and_quotes_of_a_bucket_end_together(life: tuple[Desk, list[TableEvent]]) -> None:
    _, events = life
    for size in SIZES:
        ends = [
            {row["timestamp"] for row in rows_of(events, f"{kind}Bin{size}", Action.INSERT)}
            for kind in ("trade", "quote")
        ]
        assert ends[0] == ends[1] != set()
        assert all(str(end).endswith(":00.000Z") for end in ends[0])
