from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from api.simulator.ports import Action, Json, Request, Row, TableEvent
from api.simulator.recording import RecordingError, read_instruments, read_recording
from api.simulator.replay import ReplayVenue
from api.simulator.server import ExchangeServer
from tests.api.simulator.fakes import T0, TRADER, level, table_message, write_recording
from tests.api.simulator.running import running
from tests.support.waiting import wait_until

XBT = "XBTUSD"
Level = tuple[str, str, Decimal, int]  # symbol, side, price, size


def seconds(number: float) -> datetime:
    return T0 + timedelta(seconds=number)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(
        tmp_path / "recording.jsonl",
        (0.1, table_message("orderBookL2", "update", level(XBT, 1, "Sell", 99))),  # too early
        (0.5, table_message("quote", "partial", {"symbol": XBT, "bidPrice": 99, "timestamp": "a"})),
        (
            1.0,
            table_message(
                "orderBookL2",
                "partial",
                level(XBT, 1, "Sell", 10, 102),
                level(XBT, 2, "Sell", 20, 101),
                level(XBT, 3, "Buy", 30, 99),
            ),
        ),
        (2.0, table_message("orderBookL2", "update", level(XBT, 2, "Sell", 25))),
        (3.0, table_message("orderBookL2", "insert", level(XBT, 4, "Buy", 5, 100.5))),
        (3.5, table_message("quote", "insert", {"symbol": XBT, "bidPrice": 100, "timestamp": "b"})),
        (4.0, table_message("orderBookL2", "delete", {"symbol": XBT, "id": 1, "side": "Sell"})),
        (4.0, table_message("orderBookL2", "update", level(XBT, 77, "Sell", 1))),  # unknown
    )


def venue_of(recording: Path, *, hold: bool = False) -> ReplayVenue:
    instruments: list[Row] = [{"symbol": XBT, "settlCurrency": "XBt", "bidPrice": 1}]
    return ReplayVenue(instruments, read_recording(recording), [TRADER], hold=hold)


def ten(venue: ReplayVenue) -> tuple[Json, Json]:
    image = venue.partial("orderBook10", XBT, None)
    assert image is not None
    return image.rows[0]["bids"], image.rows[0]["asks"]


def tables(events: list[TableEvent]) -> list[tuple[str, Action]]:
    return [(event.table, event.action) for event in events]


def test_first_images_stand_from_the_start(recording: Path) -> None:
    venue = venue_of(recording)
    venue.advance(T0)
    assert ten(venue) == ([[99, 30]], [[101, 20], [102, 10]])
    assert list(venue.drain()) == []


def test_changes_happen_at_their_recorded_distance_from_the_start(recording: Path) -> None:
    venue = venue_of(recording)
    venue.advance(T0)
    venue.advance(seconds(1.999))
    assert list(venue.drain()) == []
    venue.advance(seconds(2))
    events = list(venue.drain())
    assert tables(events) == [
        ("orderBookL2", Action.UPDATE),
        ("orderBookL2_25", Action.UPDATE),
        ("orderBook10", Action.UPDATE),
    ]
    assert events[0].rows == [level(XBT, 2, "Sell", 25)]
    assert events[2].rows == [
        {
            "symbol": XBT,
            "bids": [[99, 30]],
            "asks": [[101, 25], [102, 10]],
            "timestamp": "2021-07-22T22:36:09.865Z",
        }
    ]


def test_quote_moves_the_instrument(recording: Path) -> None:
    venue = venue_of(recording)
    venue.advance(T0)
    venue.advance(seconds(3.6))
    assert ("instrument", Action.UPDATE) in tables(list(venue.drain()))
    assert venue.rows("instrument", XBT)[0]["bidPrice"] == 100
    quotes = venue.partial("quote", None, None)
    assert quotes is not None and [row["timestamp"] for row in quotes.rows] == ["b"]


def test_market_stands_still_at_the_end(recording: Path) -> None:
    venue = venue_of(recording)
    venue.advance(T0)
    venue.advance(seconds(4))
    assert venue.finished
    end = ten(venue), venue.now
    venue.drain()
    venue.advance(seconds(4000))
    assert (ten(venue), venue.now) == end == (([[100.5, 5], [99, 30]], [[101, 25]]), end[1])
    assert list(venue.drain()) == []


def test_held_clock_starts_when_released(recording: Path) -> None:
    venue = venue_of(recording, hold=True)
    venue.advance(T0)
    venue.advance(seconds(100))
    assert not venue.finished and list(venue.drain()) == []
    venue.release()
    venue.advance(seconds(200))
    venue.advance(seconds(201.9))
    assert list(venue.drain()) == []
    venue.advance(seconds(202))
    assert venue.drain()


def request(method: str, path: str, **params: Json) -> Request:
    return Request(method, path, params, TRADER.account, TRADER.permissions)


def test_instrument_without_the_figures_of_a_contract_takes_no_orders(recording: Path) -> None:
    venue = venue_of(recording)
    answer = venue.handle(request("POST", "/order", symbol=XBT, orderQty=1, price=1))
    assert answer.status == 400
    assert answer.body == {"error": {"message": "Invalid symbol", "name": "HTTPError"}}


def test_account_begins_with_money_and_nothing_else(recording: Path) -> None:
    venue = venue_of(recording)
    for path in ("/order", "/position", "/execution/tradeHistory"):
        assert venue.handle(request("GET", path)).body == []
    margin = venue.handle(request("GET", "/user/margin")).body
    assert isinstance(margin, dict)
    assert (margin["currency"], margin["walletBalance"]) == ("XBt", 100_000_000)
    user = venue.handle(request("GET", "/user")).body
    assert isinstance(user, dict) and user["id"] == TRADER.account
    for table in ("order", "execution", "position"):
        image = venue.partial(table, None, TRADER.account)
        assert image is not None and list(image.rows) == []
    wallets = venue.partial("margin", None, TRADER.account)
    assert wallets is not None and wallets.rows[0]["account"] == TRADER.account


def test_unknown_table_and_route_are_named_as_such(recording: Path) -> None:
    venue = venue_of(recording)
    assert venue.partial("foo", None, None) is None
    assert venue.handle(request("GET", "/foo")).status == 404


def test_book_route_shows_the_best_levels(recording: Path) -> None:
    venue = venue_of(recording)
    rows = venue.handle(request("GET", "/orderBook/L2", symbol="xbtusd", depth="1")).body
    assert isinstance(rows, list)
    assert [(row["side"], row["price"]) for row in rows] == [("Sell", 101), ("Buy", 99)]


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"symbol": XBT, "columns": '["typ"]'}, [{"symbol": XBT, "timestamp": "a"}]),
        ({"filter": '{"symbol":"OTHER"}'}, []),
        ({"filter": {"symbol": [XBT]}, "columns": "symbol"}, [{"symbol": XBT, "timestamp": "a"}]),
        ({"start": 1}, []),
    ],
)
def test_table_routes_filter_and_cut(recording: Path, params: Row, shown: Json) -> None:
    assert venue_of(recording).handle(request("GET", "/instrument", **params)).body == shown


@pytest.mark.parametrize(
    "params",
    [{"count": "x"}, {"start": -1}, {"filter": "{"}, {"filter": {"nothing": 1}}, {"endTime": "x"}],
)
def test_bad_parameters_are_refused(recording: Path, params: Row) -> None:
    answer = venue_of(recording).handle(request("GET", "/instrument", **params))
    assert answer.status == 400


@pytest.mark.parametrize("line", ["garbage", "[]", '{"t": 1}', '{"t":"x","dir":"recv","m":{}}'])
def test_line_that_is_no_message_is_named(tmp_path: Path, line: str) -> None:
    path = write_recording(tmp_path / "recording.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + "\n" + line, encoding="utf-8")
    with pytest.raises(RecordingError, match=r"recording\.jsonl, line 2: "):
        read_recording(path)


def test_recording_without_market_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no welcome message or no image"):
        read_recording(write_recording(tmp_path / "recording.jsonl"))
    with pytest.raises(RecordingError, match="cannot be read"):
        read_recording(tmp_path / "absent")


def test_recorded_rows_that_are_no_rows_are_named(tmp_path: Path) -> None:
    message: Row = {"table": "trade", "action": "insert", "data": [5]}
    with pytest.raises(RecordingError, match=r"recording\.jsonl, line 2: .*field data"):
        read_recording(write_recording(tmp_path / "recording.jsonl", (1.0, message)))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "is not JSON"),
        ("{}", "not a list"),
        ('[{"a":1}]', "instrument 1 has no text in field"),
    ],
)
def test_instruments_that_cannot_be_read_are_named(
    tmp_path: Path, content: str, named: str
) -> None:
    path = tmp_path / "instruments.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RecordingError, match=named):
        read_instruments(path)


def test_instruments_leave_out_empty_columns(tmp_path: Path) -> None:
    path = tmp_path / "instruments.json"
    path.write_text('[{"symbol":"A","x":null,"y":"","z":0}]', encoding="utf-8")
    assert read_instruments(path) == [{"symbol": "A", "z": 0}]


def book_of_the_recording(path: Path) -> set[Level]:
    """Compute the last book from the file alone, with exact prices and no code of the venue."""
    levels: dict[tuple[str, int], Level] = {}
    symbols: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        message = json.loads(line, parse_float=Decimal)["m"]
        if message.get("table") != "orderBookL2":
            continue
        for row in message["data"]:
            symbol, at = row["symbol"], (row["symbol"], row["id"])
            if message["action"] == "partial":
                symbols.add(symbol)
            elif symbol not in symbols:
                continue
            if message["action"] == "delete":
                levels.pop(at, None)
            elif message["action"] != "update":
                levels[at] = (symbol, row["side"], Decimal(row["price"]), row["size"])
            elif at in levels:
                levels[at] = (*levels[at][:3], row["size"])
    return set(levels.values())


@pytest.mark.needs_shared
def test_book_at_the_end_equals_the_one_computed_from_the_recording(shared_folder: Path) -> None:
    folder = shared_folder / "recordings"
    path = folder / "bitmex-ws-2021-07-22.jsonl"
    venue = ReplayVenue(
        read_instruments(folder / "bitmex-instrument-active-2021-07-22.json"),
        read_recording(path),
        [TRADER],
    )
    short: dict[tuple[Json, Json], Row] = {}
    for row in venue.rows("orderBookL2_25", None):
        short[row["id"], row["symbol"]] = row
    now = T0
    while not venue.finished:
        venue.advance(now)
        now += timedelta(seconds=0.05)
        for event in venue.drain():
            if event.table == "orderBookL2_25":
                follow(short, event)
    expected = book_of_the_recording(path)
    assert len({symbol for symbol, *_ in expected}) == 10
    assert as_levels(venue.rows("orderBookL2", None)) == expected
    assert as_levels(list(short.values())) == best_levels(expected, 25)
    for row in venue.rows("orderBook10", None):
        best = best_levels({one for one in expected if one[0] == row["symbol"]}, 10)
        assert pairs(row["bids"]) == sorted(
            ((price, size) for _, side, price, size in best if side == "Buy"), reverse=True
        )
        assert pairs(row["asks"]) == sorted(
            (price, size) for _, side, price, size in best if side == "Sell"
        )


@pytest.mark.needs_shared
def test_book_followed_over_the_stream_ends_as_the_recording_does(shared_folder: Path) -> None:
    """The clock starts with the subscription and runs thirty times as fast."""
    folder = shared_folder / "recordings"
    path = folder / "bitmex-ws-2021-07-22.jsonl"
    instruments = read_instruments(folder / "bitmex-instrument-active-2021-07-22.json")
    venue = ReplayVenue(instruments, read_recording(path), hold=True)
    began = time.monotonic()

    def now() -> datetime:
        return T0 + timedelta(seconds=30 * (time.monotonic() - began))

    def serve() -> ExchangeServer:
        return ExchangeServer(venue, rate_limits=False, now=now, on_subscribe=venue.release)

    with running(serve) as server, server.socket("?subscribe=orderBookL2") as client:
        wait_until(lambda: venue.finished, message="the end of the recording")
        client.send("ping")  # its answer comes after the last change
        texts = list(iter(lambda: str(client.recv()), "pong"))
    messages = [message for message in map(json.loads, texts) if "table" in message]
    assert [m["action"] for m in messages].count("partial") == 1 and len(messages) > 1900
    rows: dict[tuple[Json, Json], Row] = {}
    for message in messages:
        action = Action(message["action"].replace("partial", "insert"))
        follow(rows, TableEvent("orderBookL2", action, message["data"]))
    assert as_levels(list(rows.values())) == book_of_the_recording(path)


def follow(rows: dict[tuple[Json, Json], Row], event: TableEvent) -> None:
    for row in event.rows:
        at = row["id"], row["symbol"]
        if event.action is Action.DELETE:
            del rows[at]
        elif event.action is Action.UPDATE:
            rows[at] = {**rows[at], **row}
        else:
            assert at not in rows
            rows[at] = row


def as_levels(rows: list[Row]) -> set[Level]:
    return {
        (str(r["symbol"]), str(r["side"]), Decimal(str(r["price"])), int(str(r["size"])))
        for r in rows
    }


def best_levels(levels: set[Level], depth: int) -> set[Level]:
    best: set[Level] = set()
    for symbol, side in {one[:2] for one in levels}:
        chosen = [one for one in levels if one[:2] == (symbol, side)]
        chosen.sort(key=lambda one: one[2], reverse=side == "Buy")
        best.update(chosen[:depth])
    return best


def pairs(value: Json) -> list[tuple[Decimal, Json]]:
    assert isinstance(value, list)
    return [(Decimal(str(price)), size) for price, size in value]
