"""A venue with a clock in the hand of the test, and short words for requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from api.simulator.ports import Answer, ApiKey, Request, TableEvent
from api.simulator.venue import DEMO_ACCOUNT, Customer, LiveVenue

START = datetime(2026, 11, 23, 3, 30, tzinfo=timezone.utc)
BEFORE_EXPIRY = datetime(2026, 12, 25, 11, 59, 40, tzinfo=timezone.utc)  # of the dated future
TRADING = frozenset({"order"})
SECOND_ACCOUNT = 1_000_002


class Desk:
    """One account's view of a venue."""

    def __init__(
        self, venue: LiveVenue, now: datetime = START, account: int = DEMO_ACCOUNT
    ) -> None:
        self.venue = venue
        self.now = now
        self.account = account

    def wait(self, **duration: float) -> Sequence[TableEvent]:
        """Let time pass; return what happened."""
        self.now += timedelta(**duration)
        self.venue.advance(self.now)
        return self.venue.drain()

    def ask(self, method: str, path: str, **params: Any) -> Answer:
        """Send a request with the key of the account."""
        return self.venue.handle(Request(method, path, params, self.account, TRADING))

    def body(self, method: str, path: str, **params: Any) -> Any:
        """Return the body of a request that must succeed."""
        answer = self.ask(method, path, **params)
        assert answer.status == 200, answer.body
        return answer.body

    def get(self, path: str, **params: Any) -> Any:
        """Return the body of a successful GET."""
        return self.body("GET", path, **params)

    def order(self, symbol: str, side: str, quantity: int, **params: Any) -> dict[str, Any]:
        """Place an order that must be accepted."""
        row = self.body("POST", "/order", symbol=symbol, side=side, orderQty=quantity, **params)
        return dict(row)

    def refusal(self, method: str, path: str, **params: Any) -> tuple[int, str]:
        """Return status and message of a request that must be refused."""
        answer = self.ask(method, path, **params)
        assert answer.status >= 400, answer.body
        body: Any = answer.body
        return answer.status, body["error"]["message"]

    def quote(self, symbol: str) -> dict[str, Any]:
        """Return the instrument as it is now."""
        return dict(self.get("/instrument", symbol=symbol)[0])

    def away(self, symbol: str, side: str, part: float) -> float:
        """Return a price on the lattice that lies a part of the price behind the best one."""
        row = self.quote(symbol)
        price = row["bidPrice"] * (1 - part) if side == "Buy" else row["askPrice"] * (1 + part)
        tick: float = row["tickSize"]
        return float(round(round(price / tick) * tick, 6))

    def execution_types(self) -> list[str]:
        """Return the types of all execution reports."""
        return [row["execType"] for row in self.get("/execution", count=500)]


def new_venue(seed: int = 7, now: datetime = START) -> LiveVenue:
    """Return a venue with two accounts."""
    return LiveVenue(
        seed=seed,
        now=now,
        accounts=[
            Customer(keys=[ApiKey("key", "secret", DEMO_ACCOUNT, TRADING)]),
            Customer(SECOND_ACCOUNT, "second"),
        ],
    )


def new_desk(seed: int = 7, now: datetime = START) -> Desk:
    """Return the first account's view of a new venue."""
    return Desk(new_venue(seed, now), now)


def reloaded(desk: Desk, later: timedelta = timedelta(0)) -> Desk:
    """Return the desk after a restart of the exchange, from JSON text."""
    text = json.dumps(desk.venue.dump())
    venue = LiveVenue(seed=0, now=desk.now + later)
    venue.load(json.loads(text))
    return Desk(venue, desk.now, desk.account)
