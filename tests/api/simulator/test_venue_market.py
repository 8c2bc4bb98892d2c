from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from api.simulator.ports import Action, Partial, Request, Row, TableEvent
from api.simulator.tables import TABLES
from tests.api.simulator.venues import Desk, new_desk, new_venue

SYMBOLS = ["XBTUSD", "XBTUSDT", "SOLUSDT", "ETHUSD", "XBT_USDT", "XBTZ26"]


class Mirror:
    """A table as a client keeps it: an image, then changes."""

    def __init__(self, partial: Partial | None) -> None:
        assert partial is not None
        self.keys = list(partial.keys)
        self.rows: dict[tuple[object, ...], Row] = {}
        for row in partial.rows:
            self.rows[self._key(row)] = dict(row)

    def apply(self, event: TableEvent) -> None:
        for row in event.rows:
            key = self._key(row)
            if event.action is Action.INSERT:
                assert key not in self.rows
                self.rows[key] = dict(row)
            elif event.action is Action.UPDATE:
                self.rows[key].update(row)
            else:
                del self.rows[key]

    def _key(self, row: Row) -> tuple[object, ...]:
        return tuple(row[name] for name in self.keys)


def plain(rows: Iterable[Row]) -> list[Row]:
    """Return rows without times and empty columns."""
    return sorted(
        (
            {
                n: v
                for n, v in row.items()
                if n not in ("timestamp", "transactTime") and v is not None
            }
            for row in rows
        ),
        key=lambda row: json.dumps(row, sort_keys=True),
    )


@pytest.mark.parametrize(
    "table",
    ["orderBookL2", "orderBookL2_25", "orderBook10", "instrument", "order", "position", "margin"],
)
def test_image_and_changes_lead_to_the_next_image(table: str) -> None:
    desk = new_desk()
    owner = desk.account if TABLES[table].private else None
    desk.order("XBTUSD", "Buy", 300, ordType="Market")
    desk.wait(seconds=3)
    mirror = Mirror(desk.venue.partial(table, None, owner))
    for round_ in range(25):
        price = desk.away("ETHUSD", "Sell", 0.0001)
        desk.order("ETHUSD", "Sell", 20, price=price, clOrdID=f"o{round_}")
        if round_ == 12:
            desk.body("DELETE", "/order/all")
        for event in desk.wait(seconds=1):
            if event.table == table and event.account == owner:
                mirror.apply(event)
    image = desk.venue.partial(table, None, owner)
    assert image is not None
    rows = list(mirror.rows.values())
    if table == "order":  # what ended stays in the client's mirror until it drops it
        rows = [row for row in rows if row["ordStatus"] in ("New", "PartiallyFilled")]
    assert plain(rows) == plain(image.rows)
    assert rows


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_book_is_deep_sorted_and_agrees_with_quote_and_instrument(symbol: str) -> None:
    desk = new_desk()
    for _ in range(40):
        desk.wait(seconds=0.7)
        rows = desk.get("/orderBook/L2", symbol=symbol, depth=0)
        sells = [row["price"] for row in rows if row["side"] == "Sell"]
        buys = [row["price"] for row in rows if row["side"] == "Buy"]
        assert sells == sorted(sells, reverse=True)
        assert buys == sorted(buys, reverse=True)
        assert min(len(sells), len(buys)) >= 20
        quote = desk.get("/quote", symbol=symbol, reverse="true", count=1)[0]
        instrument = desk.quote(symbol)
        assert sells[-1] == quote["askPrice"] == instrument["askPrice"]
        assert buys[0] == quote["bidPrice"] == instrument["bidPrice"]
        assert buys[0] < sells[-1]
        ten = desk.venue.partial("orderBook10", symbol, None)
        assert ten is not None
        assert [p for p, _ in ten.rows[0]["bids"]] == buys[:10]  # type: ignore[attr-defined]
    assert len({row["id"] for row in rows}) == len(rows)


def test_every_market_moves_a_few_times_a_second() -> None:
    desk = new_desk()
    counts = dict.fromkeys(SYMBOLS, 0)
    traded = dict.fromkeys(SYMBOLS, 0)
    for _ in range(600):
        for event in desk.wait(seconds=0.1):
            if event.table in ("quote", "trade"):
                found = counts if event.table == "quote" else traded
                for row in event.rows:
                    found[str(row["symbol"])] += 1
    assert all(30 <= count <= 60 * 10 for count in counts.values()), counts
    assert all(count >= 10 for count in traded.values()), traded


def test_same_seed_and_times_give_the_same_events_byte_for_byte() -> None:
    def run(seed: int) -> str:
        desk = new_desk(seed)
        texts = []
        for number in range(30):
            desk.order("XBTUSD", "Buy", 100, price=desk.quote("XBTUSD")["askPrice"])
            texts += [
                json.dumps([e.table, e.action.value, e.rows, e.account])
                for e in desk.wait(seconds=0.4 * number)
            ]
        return "\n".join(texts)

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_rows_have_only_the_columns_that_their_table_names() -> None:
    desk = new_desk()
    desk.order("XBTUSD", "Buy", 300, ordType="Market")
    desk.order("XBT_USDT", "Buy", 3_000, price=desk.away("XBT_USDT", "Buy", 0.1))
    events = list(desk.wait(hours=1))
    tables = {event.table for event in events}
    assert tables >= {"order", "execution", "position", "margin", "wallet", "transact", "trade"}
    assert tables >= {"quote", "instrument", "orderBookL2", "orderBookL2_25", "orderBook10"}
    assert tables >= {"funding", "tradeBin1m", "tradeBin5m", "tradeBin1h"}
    for table, described in TABLES.items():
        image = desk.venue.partial(table, None, desk.account)
        assert image is not None
        rows = [row for e in events if e.table == table for row in e.rows] + list(image.rows)
        for row in rows:
            assert set(row) <= set(described.types), (table, set(row) - set(described.types))


def test_nobody_builds_rows_that_nobody_wants() -> None:
    desk = new_desk()
    desk.venue.wanted = frozenset({("orderBookL2", "XBTUSD"), ("trade", None)})
    mirror = Mirror(desk.venue.partial("orderBookL2", "XBTUSD", None))
    events: list[TableEvent] = []
    for _ in range(20):
        events += desk.wait(seconds=1)
    market = [e for e in events if e.account is None]
    assert {e.table for e in market} == {"orderBookL2", "trade"}
    assert {row["symbol"] for e in market if e.table == "trade" for row in e.rows} == set(SYMBOLS)
    for event in market:
        if event.table == "orderBookL2":
            mirror.apply(event)
    image = desk.venue.partial("orderBookL2", "XBTUSD", None)
    assert image is not None
    assert plain(mirror.rows.values()) == plain(image.rows)
    desk.venue.wanted = None
    assert {e.table for e in desk.wait(seconds=5)} >= {"quote", "instrument", "orderBook10"}


def test_first_images_have_the_rows_that_clients_wait_for() -> None:
    venue = new_venue()
    for table in ("trade", "quote", "instrument", "orderBookL2", "funding", "tradeBin1m"):
        image = venue.partial(table, "XBTUSD", None)
        assert image is not None
        assert image.rows, table
    image = venue.partial("execution", None, 1_000_001)
    assert image is not None
    assert image.rows == []
    margin = venue.partial("margin", "XBTUSD", 1_000_001)
    assert margin is not None
    assert {row["currency"] for row in margin.rows} == {"XBt", "USDt"}
    assert venue.partial("foo", None, None) is None


def test_accounts_see_their_own_rows_only() -> None:
    venue = new_venue()
    first, second = Desk(venue), Desk(venue, account=1_000_002)
    price = first.away("XBTUSD", "Buy", 0.1)
    first.order("XBTUSD", "Buy", 100, price=price)
    events: Sequence[TableEvent] = venue.drain()
    private = [e for e in events if TABLES[e.table].private]
    assert private
    assert {e.account for e in private} == {first.account}
    assert second.get("/order") == second.get("/execution") == second.get("/position") == []


@pytest.mark.parametrize(
    ("path", "params", "status", "message"),
    [
        ("/trade/bucketed", {"symbol": "XBTUSD", "binSize": "2m"}, 400, "binSize is invalid"),
        ("/trade", {"count": "many"}, 400, "count is invalid"),
        ("/trade", {"count": -1}, 400, "count is invalid"),
        ("/trade", {"startTime": "soon"}, 400, "startTime is invalid"),
        ("/trade", {"filter": "{"}, 400, "filter is invalid"),
        ("/user/margin", {"currency": "Gold"}, 400, "Unknown Currency."),
        ("/order", {"filter": {"open": False}}, 400, "filter columns are not valid"),
        (
            "/order",
            {"count": 501},
            400,
            "Maximum result count is 500. Please use the start & count params to paginate.",
        ),
        ("/nowhere", {}, 404, "Not Found"),
    ],
)
def test_questions_that_are_wrong_are_refused(
    path: str, params: dict[str, Any], status: int, message: str
) -> None:
    desk = new_desk()
    desk.order("XBTUSD", "Buy", 100, ordType="Market")
    assert desk.refusal("GET", path, **params) == (status, message)


def test_table_questions_take_filter_columns_pages_and_times() -> None:
    desk = new_desk()
    for _ in range(6):
        desk.order("XBTUSDT", "Buy", 100, ordType="Market")
        desk.wait(seconds=10)
    rows = desk.get("/execution/tradeHistory")
    assert desk.get("/execution/tradeHistory", reverse="true") == rows[::-1]
    assert desk.get("/execution/tradeHistory", start=2, count=3) == rows[2:5]
    since = rows[3]["timestamp"]
    assert desk.get("/execution/tradeHistory", startTime=since) == rows[3:]
    assert desk.get("/execution/tradeHistory", endTime=since) == rows[:4]
    wanted = {"execID": [rows[1]["execID"], rows[4]["execID"]]}
    assert desk.get("/execution/tradeHistory", filter=json.dumps(wanted)) == [rows[1], rows[4]]
    narrow = desk.get("/execution/tradeHistory", columns="lastPx, lastQty", count=1)[0]
    assert set(narrow) == {"execID", "symbol", "timestamp", "lastPx", "lastQty"}
    assert desk.get("/execution/tradeHistory", symbol="ETHUSD") == []
    assert desk.get("/execution/tradeHistory", symbol="xbtusdt") == rows
    assert len(desk.get("/instrument", symbol="XBT:perpetual")) == 1
    assert desk.get("/instrument", symbol="XBT")[0]["symbol"] == "XBTZ26"


def test_assets_scale_the_wallet_currencies() -> None:
    desk = new_desk()
    scales = {row["currency"]: row["scale"] for row in desk.get("/wallet/assets")}
    assert (scales["XBt"], scales["USDt"]) == (8, 6)
    money = {row["currency"]: row["amount"] for row in desk.get("/user/wallet", currency="all")}
    assert money == {"XBt": 100_000_000, "USDt": 10_000_000_000}


def test_public_questions_need_no_account() -> None:
    venue = new_venue()
    for path in (
        "/instrument",
        "/instrument/active",
        "/instrument/activeAndIndices",
        "/instrument/activeIntervals",
        "/trade",
        "/quote",
        "/funding",
        "/settlement",
        "/announcement",
        "/stats",
        "/schema",
        "/schema/websocketHelp",
        "/wallet/assets",
    ):
        assert venue.handle(Request("GET", path, {})).status == 200, path
