"""The seam between the exchange's rules and the server that carries them over sockets.

A `Venue` knows instruments, orders, accounts and the market; time reaches it only as an argument
of `advance`. The server knows sockets, signatures, rate limits and subscriptions. Two venues
exist: the live one (`venue.py`) and the replay of a recording (`replay.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

Json = object
Row = dict[str, Json]


class Action(str, Enum):
    """What a table event does to the rows of its table."""

    INSERT = "insert"  # whole new rows
    UPDATE = "update"  # key columns plus the columns that changed
    DELETE = "delete"  # key columns of rows that are gone


@dataclass(frozen=True, slots=True)
class TableEvent:
    """Rows of one table that changed together; they leave in one WebSocket message."""

    table: str  # "order", "quote", ... every table of the realtime API
    action: Action
    rows: Sequence[Row]
    account: int | None = None  # owner of the rows; None: public


@dataclass(frozen=True, slots=True)
class Partial:
    """The image of a table that answers a subscription."""

    keys: Sequence[str]
    types: Mapping[str, str]
    rows: Sequence[Row]
    more: Mapping[str, Json] = field(default_factory=dict)  # what else the partial tells


@dataclass(frozen=True, slots=True)
class Request:
    """A REST request that passed signature and rate limits."""

    method: str  # upper case
    path: str  # below /api/v1, e.g. "/order"
    params: Mapping[str, Json]  # query and body merged; JSON values decoded, query values text
    account: int | None = None  # None: no credentials were sent
    permissions: frozenset[str] = frozenset()  # of the key: "order", "orderCancel", "withdraw"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the exchange replies: a status and a JSON body (an error body for status >= 400)."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class ApiKey:
    """A key of an account. The secret signs requests; repr shows neither."""

    key: str
    secret: str
    account: int
    permissions: frozenset[str]

    def __repr__(self) -> str:
        return f"ApiKey(account={self.account})"


class Venue(Protocol):
    """An exchange without sockets. Every method is called from one thread.

    Rows are emitted in the dialect of 2023: columns without a value are left out of whole rows;
    an update carries an explicit None for a column that became empty.
    """

    @property
    def routes(self) -> Sequence[tuple[str, str]]:
        """Every (method, path below /api/v1) that is answered."""

    def advance(self, now: datetime) -> None:
        """Move market, funding, expiries and timers up to `now` (aware UTC, never backwards)."""

    def handle(self, request: Request) -> Answer:
        """Answer a request at the time of the last `advance`. Never raises for bad input."""

    def drain(self) -> Sequence[TableEvent]:
        """Return the table events since the last call, in the order they happened."""

    def partial(self, table: str, symbol: str | None, account: int | None) -> Partial | None:
        """Return the image of `table` for a symbol (None: all), or None for an unknown table."""

    def find_key(self, key: str) -> ApiKey | None:
        """Return the credentials behind an API key id."""

    def dump(self) -> dict[str, Json]:
        """Return the whole durable state (accounts, orders, executions, wallet, counters) as JSON.

        The optional key "history" maps names to lists of rows that only grow and never change, such
        as executions: the state file appends their new rows and rewrites only the other keys
        that changed (compared one level deep), so these should stay small.
        """

    def load(self, state: Mapping[str, Json]) -> None:
        """Restore what `dump` returned; raises ValueError naming the field that is wrong."""
