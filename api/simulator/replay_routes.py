"""REST routes of a replay: the recorded market; those of accounts are the live exchange's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from api.simulator.catalog import key_of
from api.simulator.credentials import error_body
from api.simulator.parameters import Parameters
from api.simulator.ports import Answer, Request, Row
from api.simulator.queries import page_of
from api.simulator.refusals import Refused, invalid
from api.simulator.tables import TABLES
from api.simulator.topics import help_text

if TYPE_CHECKING:
    from api.simulator.replay import ReplayVenue
    from api.simulator.replay_desk import ReplayDesk

MAX_COUNT = 1000

Handler = Callable[[Request], Answer]


class ReplayRoutes:
    """Answers requests from the present state of a replay."""

    def __init__(self, venue: ReplayVenue, desk: ReplayDesk) -> None:
        self._venue = venue
        self._desk = desk
        self._own = frozenset(desk.routes)
        self._routes: Mapping[tuple[str, str], Handler] = {
            ("GET", "/instrument"): self._table("instrument"),
            ("GET", "/instrument/active"): self._table("instrument"),
            ("GET", "/instrument/activeAndIndices"): self._table("instrument"),
            ("GET", "/quote"): self._table("quote"),
            ("GET", "/trade"): self._table("trade"),
            ("GET", "/orderBook/L2"): self._book,
            ("GET", "/wallet/assets"): self._assets,
            ("GET", "/schema/websocketHelp"): lambda _: Answer(200, help_text()),
            **{("GET", path): _empty for path in EMPTY_ROUTES},
        }

    @property
    def known(self) -> Sequence[tuple[str, str]]:
        """Every (method, path) that is answered."""
        return [*self._routes, *self._desk.routes]

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        key = key_of(request.method, request.path)
        if key in self._own:
            return self._desk.handle(request)
        handler = self._routes.get(key)
        if handler is None:
            return Answer(404, error_body("Not Found"))
        try:
            return handler(request)
        except Refused as refusal:
            return refusal.answer()

    def _table(self, table: str) -> Handler:
        def answer(request: Request) -> Answer:
            given = Parameters(request.params)
            symbol = given.text("symbol")
            symbol = None if symbol is None else symbol.upper()
            rows = self._venue.rows(table, symbol)
            # The columns of the recording's year may be others than today's.
            known = {*TABLES[table].types, *(name for row in rows for name in row)}
            keys = ("symbol", "timestamp")
            return Answer(
                200, page_of(rows, given, symbol=symbol, known=known, keys=keys, maximum=MAX_COUNT)
            )

        return answer

    def _book(self, request: Request) -> Answer:
        given = Parameters(request.params)
        given.require("symbol")
        depth = _counted(given, "depth", 25)
        rows = self._venue.rows("orderBookL2", (given.text("symbol") or "").upper())
        if depth:
            buys = [row for row in rows if row["side"] == "Buy"]
            sells = [row for row in rows if row["side"] == "Sell"]
            rows = [*sells[-depth:], *buys[:depth]]
        return Answer(200, rows)

    def _assets(self, _: Request) -> Answer:
        return Answer(200, [_asset(currency) for currency in self._venue.currencies()])


EMPTY_ROUTES = (
    "/announcement",
    "/funding",
    "/insurance",
    "/liquidation",
    "/quote/bucketed",
    "/settlement",
    "/trade/bucketed",
)


def _empty(_: Request) -> Answer:
    return Answer(200, [])


def _counted(given: Parameters, name: str, usual: int) -> int:
    """Return a parameter that counts something; `usual` where it is missing."""
    number = given.integer(name)
    number = usual if number is None else number
    if number < 0:
        raise invalid(f"{name} is invalid")
    return number


def _asset(currency: str) -> Row:
    scale = {"USDt": 6, "USDT": 6}.get(currency, 8)
    major = currency.upper()
    return {
        "asset": major,
        "currency": currency,
        "majorCurrency": major,
        "name": major,
        "currencyType": "Crypto",
        "scale": scale,
        "enabled": True,
        "isMarginCurrency": True,
    }
