"""A venue that plays a recording of a real market, in which accounts can trade.

The recorded market stays as it was recorded, whatever accounts do (`replay_desk.py`). The first
images of the recording stand from the start; what follows happens at its recorded distance from
the start of the clock. At the end the market stands still, while the time of accounts goes on. Who
subscribes late gets the present image, so the end is the same for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from api.simulator.encoding import iso
from api.simulator.exchange import MARGIN_CURRENCIES
from api.simulator.ids import ORIGIN, Ids
from api.simulator.ports import Action, Answer, ApiKey, Json, Partial, Request, Row, TableEvent
from api.simulator.recording import Recorded, Recording
from api.simulator.replay_book import RecordedBook, differences
from api.simulator.replay_desk import ReplayDesk
from api.simulator.replay_routes import ReplayRoutes
from api.simulator.replay_tables import types_of
from api.simulator.tables import TABLES
from api.simulator.times import milliseconds
from api.simulator.venue import demo_accounts

MILLISECOND = timedelta(milliseconds=1)
KEPT_ROWS = 1000  # quotes and trades of a symbol that the routes can show


class ReplayVenue:
    """The venue of a recording.

    With `hold` the clock starts with `release`, else with the first `advance`. Every account that
    has a key begins with the money of the demo. Ids of orders and executions follow from `seed` and
    `opened`, the time of the present: two replays of one recording must not give the same ones.
    """

    def __init__(
        self,
        instruments: Sequence[Row],
        recording: Recording,
        keys: Sequence[ApiKey] = (),
        *,
        hold: bool = False,
        seed: int = 0,
        opened: datetime | None = None,
    ) -> None:
        self._instruments = {str(row["symbol"]): dict(row) for row in instruments}
        self._recording = recording
        self._keys = {key.key: key for key in keys}
        self._hold = hold
        self._started: datetime | None = None
        self._now = recording.started
        self._next = 0
        self._books: dict[str, RecordedBook] = {}
        self._rows: dict[str, dict[str, list[Row]]] = {"quote": {}, "trade": {}}
        self._events: list[TableEvent] = []
        self._desk = ReplayDesk(
            self._instruments.values(),
            milliseconds(recording.started),
            demo_accounts(keys),
            Ids(seed, ORIGIN if opened is None else milliseconds(opened)),
        )
        for image in recording.images:
            self._apply(image)
        self._events.clear()
        self._routes = ReplayRoutes(self, self._desk)

    @property
    def now(self) -> datetime:
        """The recording's time, where it stands."""
        return self._now

    @property
    def finished(self) -> bool:
        """Whether the last recorded message has happened."""
        return self._next == len(self._recording.changes)

    @property
    def accounts(self) -> Sequence[int]:
        """Numbers of the accounts that have keys."""
        return sorted({key.account for key in self._keys.values()})

    @property
    def routes(self) -> Sequence[tuple[str, str]]:
        """Every (method, path) that is answered."""
        return self._routes.known

    def release(self) -> None:
        """Let a held clock start with the next `advance`."""
        self._hold = False

    def advance(self, now: datetime) -> None:
        """Play what is due at `now`."""
        if self._hold:
            return
        if self._started is None:
            self._started = now
        elapsed = now - self._started
        changes, started = self._recording.changes, milliseconds(self._recording.started)
        while self._next < len(changes) and changes[self._next].at <= elapsed:
            self._desk.run(started + changes[self._next].at // MILLISECOND)
            self._apply(changes[self._next])
            self._next += 1
        last = changes[-1].at if changes else timedelta()
        self._now = self._recording.started + min(elapsed, last)
        self._desk.run(started + elapsed // MILLISECOND)
        self._desk.end_step()

    def handle(self, request: Request) -> Answer:
        """Answer from the recording, or for an account."""
        return self._routes.handle(request)

    def drain(self) -> Sequence[TableEvent]:
        """Return the table events since the last call."""
        events, self._events = self._events, []
        return events + self._desk.drain()

    def partial(self, table: str, symbol: str | None, account: int | None) -> Partial | None:
        """Return the image of a table."""
        if table not in TABLES:
            return None
        if TABLES[table].private:
            rows = self._desk.own_rows(table, account, symbol)
            return Partial(list(TABLES[table].keys), TABLES[table].types, rows)
        rows = self.rows(table, symbol)
        if table in ("quote", "trade"):
            rows = self._last_rows(table, symbol)
        return Partial(list(TABLES[table].keys), types_of(table, rows), rows)

    def rows(self, table: str, symbol: str | None) -> list[Row]:
        """Return the present rows of a public table; of all symbols where `symbol` is None."""
        if table == "instrument":
            listed = self._instruments
            return [row for name, row in listed.items() if symbol in (None, name)]
        names = [name for name in self._books if symbol in (None, name)]
        if table == "orderBookL2":
            return [row for name in names for row in self._books[name].levels()]
        if table == "orderBookL2_25":
            return [row for name in names for row in self._books[name].top()]
        if table == "orderBook10":
            return [self._ten(name) for name in names]
        kept = self._rows.get(table, {})
        rows = [row for name, rows in kept.items() if symbol in (None, name) for row in rows]
        return sorted(rows, key=lambda row: str(row["timestamp"]))

    def currencies(self) -> list[str]:
        """Return the settlement currencies of the recorded instruments, and those of accounts."""
        rows = self.rows("instrument", None)
        recorded = {str(row["settlCurrency"]) for row in rows if "settlCurrency" in row}
        return sorted(recorded.union(MARGIN_CURRENCIES))

    def find_key(self, key: str) -> ApiKey | None:
        """Return the credentials behind a key id."""
        return self._keys.get(key)

    def dump(self) -> dict[str, Json]:
        """Return nothing: a recording has no state."""
        return {}

    def load(self, state: Mapping[str, Json]) -> None:
        """Accept any state: a recording has none."""

    def _apply(self, recorded: Recorded) -> None:
        self._now = self._recording.started + recorded.at
        by_symbol: dict[str, list[Row]] = {}
        for row in recorded.rows:
            by_symbol.setdefault(str(row["symbol"]), []).append(row)
        self._emit(recorded.table, recorded.action, recorded.rows)
        for symbol, rows in by_symbol.items():
            if recorded.table == "orderBookL2":
                self._follow_book(symbol, recorded.action, rows)
            else:
                self._keep(recorded.table, symbol, rows)
            if recorded.table == "trade" and self._started is not None:
                self._desk.trade(symbol, rows)  # trades of the first image are of the past

    def _follow_book(self, symbol: str, action: Action, rows: Sequence[Row]) -> None:
        book = self._books.setdefault(symbol, RecordedBook())
        before, ten = book.top(), book.ten()
        book.apply(action, rows)
        for change, levels in differences(before, book.top()):
            self._emit("orderBookL2_25", change, levels)
        if book.ten() != ten:
            self._emit("orderBook10", Action.UPDATE, [self._ten(symbol)])
        keys = [(str(row["side"]), row["id"]) for row in rows]
        changes = [((side, number), book.level(side, number)) for side, number in keys]
        columns = self._desk.follow(symbol, changes, book.best())
        if columns is not None:
            self._change_instrument(symbol, columns)

    def _keep(self, table: str, symbol: str, rows: Sequence[Row]) -> None:
        kept = self._rows[table].setdefault(symbol, [])
        kept.extend(rows)
        del kept[:-KEPT_ROWS]
        if symbol in self._instruments:
            self._change_instrument(symbol, _instrument_columns(table, rows[-1]))

    def _change_instrument(self, symbol: str, columns: Row) -> None:
        self._instruments[symbol].update(columns)
        self._emit("instrument", Action.UPDATE, [{"symbol": symbol, **columns}])

    def _last_rows(self, table: str, symbol: str | None) -> list[Row]:
        kept = self._rows[table]
        return [rows[-1] for name, rows in kept.items() if symbol in (None, name)]

    def _ten(self, symbol: str) -> Row:
        return {"symbol": symbol, **self._books[symbol].ten(), "timestamp": iso(self._now)}

    def _emit(self, table: str, action: Action, rows: Sequence[Row]) -> None:
        self._events.append(TableEvent(table, action, rows))


def _instrument_columns(table: str, row: Row) -> Row:
    """Return what a quote or a trade changes in its instrument."""
    if table == "trade":
        return {"lastPrice": row["price"], "timestamp": row["timestamp"]}
    return {name: row[name] for name in ("bidPrice", "askPrice", "timestamp") if name in row}
