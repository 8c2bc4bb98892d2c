"""The embedded exchange with its own market: everything but sockets, signatures and limits.

A server asks `advance` for the passing of time, `handle` for answers, and then sends what
`drain` returns. `partial` answers from what drained events have described: drain first.
`wanted` may name the (table, symbol) pairs that have listeners, so that no rows of the market are
built for nobody; symbol None stands for all symbols, and None instead of a set for everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.simulator.accounts import EXCHANGE_ACCOUNT, Account
from api.simulator.candles import Candles
from api.simulator.clearing import Clearing
from api.simulator.contracts import dated_future, perpetuals_and_spot
from api.simulator.engine import Engine
from api.simulator.exchange import Exchange
from api.simulator.images import Images
from api.simulator.interventions import Interventions
from api.simulator.liquidation import Liquidation
from api.simulator.market import MAKERS, TAKERS, Population
from api.simulator.market_routes import MarketRoutes
from api.simulator.order_routes import OrderRoutes
from api.simulator.parts import Parts
from api.simulator.payments import Payments
from api.simulator.ports import Answer, ApiKey, Json, Partial, Request, TableEvent
from api.simulator.prices import Prices
from api.simulator.routes import Routes
from api.simulator.schedule import Schedule, interest_of
from api.simulator.state import restore, save
from api.simulator.times import milliseconds, moment
from api.simulator.user_routes import UserRoutes
from api.simulator.warming import Warming

DEMO_ACCOUNT = 1_000_001
DEMO_MONEY: Mapping[str, int] = {"XBt": 100_000_000, "USDt": 10_000_000_000}
HOUSE = {EXCHANGE_ACCOUNT: "exchange", MAKERS: "makers", TAKERS: "takers"}


@dataclass(frozen=True, slots=True)
class Customer:
    """An account to open: its number, keys and money in the smallest units."""

    number: int = DEMO_ACCOUNT
    username: str = "demo"
    money: Mapping[str, int] = field(default_factory=lambda: dict(DEMO_MONEY))
    keys: Sequence[ApiKey] = ()


def seeded_key(seed: int, account: int) -> ApiKey:
    """Return a key with permission to trade that only depends on the seed: for tests."""
    digest = hashlib.sha256(f"{seed} {account}".encode()).hexdigest()
    return ApiKey(digest[:24], digest[24:] + digest[:8], account, frozenset({"order"}))


class LiveVenue:
    """An exchange whose market moves by itself, the same for the same seed and times."""

    def __init__(
        self,
        *,
        seed: int,
        now: datetime,
        keys: Sequence[ApiKey] | None = None,
        accounts: Iterable[Customer] | None = None,
        symbols: Collection[str] | None = None,
        pace: float = 1.0,
    ) -> None:
        """Open the exchange at `now` with `accounts`, or with one demo account for each of `keys`.

        Only `symbols` are listed, None: all. With a `pace` of 10 the market moves a tenth as often,
        which makes long times pass faster. Without accounts and keys there is one demo account with
        a key that depends on the seed.
        """
        self._started = milliseconds(now)
        self._wanted: frozenset[tuple[str, str | None]] | None = None
        self._given_keys = tuple(keys or ())
        self._pace = pace
        if accounts is None:
            accounts = demo_accounts(self._given_keys or [seeded_key(seed, DEMO_ACCOUNT)])
        self._exchange = Exchange(seed, self._started)
        for number, name in HOUSE.items():
            self._exchange.open_account(Account(number, name, house=True), {})
        for customer in accounts:
            self.open_account(customer)
        self._assemble()
        for contract in [*perpetuals_and_spot(), dated_future(now)]:
            if symbols is not None and contract.symbol not in symbols:
                continue
            instrument = self._exchange.list_contract(contract)
            self._population.begin(instrument, interest_of(instrument))
        self._start()

    @property
    def wanted(self) -> frozenset[tuple[str, str | None]] | None:
        """The (table, symbol) pairs that have listeners; None: everything has."""
        return self._wanted

    @wanted.setter
    def wanted(self, pairs: frozenset[tuple[str, str | None]] | None) -> None:
        self._wanted = pairs
        self._exchange.feed.shown.want(pairs)

    @property
    def now(self) -> datetime:
        """The time of the exchange, aware UTC."""
        return moment(self._exchange.time)

    @property
    def keys(self) -> Sequence[ApiKey]:
        """All API keys."""
        return [key for account in self._exchange.customers() for key in account.keys]

    @property
    def routes(self) -> Sequence[tuple[str, str]]:
        """Every (method, path) that is answered."""
        return self._routes.known

    def open_account(self, customer: Customer) -> None:
        """Open an account."""
        account = Account(customer.number, customer.username, created=self._exchange.time)
        account.keys.extend(customer.keys)
        self._exchange.open_account(account, dict(customer.money))
        self._exchange.feed.introduce(account)

    @property
    def account_numbers(self) -> dict[str, int]:
        """The numbers of all customers by username."""
        return {account.username: account.number for account in self._exchange.customers()}

    @property
    def candle_span(self) -> tuple[int, int]:
        """From when until when there are candles, in ms."""
        return self._exchange.dawn, self._exchange.time

    @property
    def prices(self) -> Prices:
        """Where the market goes."""
        return self._exchange.prices

    def candles_of(self, symbol: str) -> Candles:
        """Return the candles of an instrument."""
        return self._exchange.instruments[symbol].candles

    def move_market(self, asset: str, factor: float) -> None:
        """Multiply the price of an asset (XBT, ETH, SOL) from now on; its contracts follow."""
        self._exchange.prices.move(asset, factor, self._exchange.time)

    def advance(self, now: datetime) -> None:
        """Move market, funding, expiries and timers up to `now` (aware UTC, never backwards)."""
        time = milliseconds(now)
        if time < self._exchange.time:
            raise ValueError(f"time cannot go back to {now.isoformat()}")
        self._schedule.run(time)
        self._exchange.check()

    def prepare(self, hours: int) -> bool:
        """Make candles of some hours of the past in advance; return whether any are left."""
        return self._warming.go_on(hours)

    def handle(self, request: Request) -> Answer:
        """Answer a request at the time of the last `advance`."""
        answer = self._routes.handle(request)
        self._exchange.check()
        return answer

    def drain(self) -> Sequence[TableEvent]:
        """Return the table events since the last call, in the order they happened."""
        return self._exchange.feed.drain()

    def partial(self, table: str, symbol: str | None, account: int | None) -> Partial | None:
        """Return the image of `table` for a symbol (None: all), or None for an unknown table."""
        return self._images.of(table, symbol, account)

    def find_key(self, key: str) -> ApiKey | None:
        """Return the credentials behind an API key id."""
        return next((known for known in self.keys if known.key == key), None)

    def dump(self) -> dict[str, Json]:
        """Return the whole durable state as JSON."""
        return save(self._exchange)

    def load(self, state: Mapping[str, Json]) -> None:
        """Restore what `dump` returned; raises ValueError naming the field that is wrong.

        The clock goes back to the time of the dump: the next `advance` crosses the time in
        between quickly, with all its funding payments and expiries.
        """
        self._exchange = restore(state, self._started)
        known = {key.key for key in self.keys}
        for key in self._given_keys:
            account = self._exchange.accounts.get(key.account)
            if account is not None and key.key not in known:
                account.keys.append(key)
        self._assemble()
        for instrument in self._exchange.instruments.values():
            if instrument.is_open:
                self._population.resume(instrument)
        self._start()

    def _assemble(self) -> None:
        exchange = self._exchange
        payments = Payments(exchange)
        self._engine = Engine(exchange, Clearing(exchange))
        self._population = Population(exchange, self._engine)
        self._population.pace = self._pace
        liquidation = Liquidation(exchange, self._engine)
        self._schedule = Schedule(exchange, self._engine, payments, self._population, liquidation)
        parts = Parts(self._engine, payments, self._population, liquidation, self._schedule)
        self.interventions = Interventions(exchange, parts)  # what its owner may do to it
        self._images = Images(exchange, robots=len(HOUSE) - 1)
        self._routes = Routes(
            exchange,
            MarketRoutes(exchange),
            UserRoutes(exchange),
            OrderRoutes(exchange, self._engine),
        )
        exchange.feed.shown.want(self._wanted)

    def _start(self) -> None:
        self._schedule.begin()
        exchange = self._exchange
        candles = [i.candles for i in exchange.instruments.values() if i.is_open]
        self._warming = Warming(candles, exchange.dawn, exchange.time)
        for account in self._exchange.customers():
            self._exchange.feed.introduce(account)
        self.drain()
        self._exchange.check()


def demo_accounts(keys: Sequence[ApiKey]) -> list[Customer]:
    """Return an account with the money of the demo for each number that keys name."""
    numbers = dict.fromkeys(key.account for key in keys)
    return [
        Customer(
            number,
            "demo" if number == DEMO_ACCOUNT else f"demo{number}",
            keys=[key for key in keys if key.account == number],
        )
        for number in numbers
    ]
