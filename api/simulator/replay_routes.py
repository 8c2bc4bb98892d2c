"""REST routes of a replay: the recorded market, an empty account, no orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from api.simulator.catalog import key_of
from api.simulator.credentials import error_body
from api.simulator.encoding import iso
from api.simulator.parameters import Parameters
from api.simulator.ports import Answer, Request, Row
from api.simulator.queries import page_of
from api.simulator.refusals import Refused, invalid
from api.simulator.tables import TABLES
from api.simulator.topics import help_text

if TYPE_CHECKING:
    from api.simulator.replay import ReplayVenue

NO_ORDERS = "This exchange replays a recording: orders are not accepted."
NOT_FOUND = "Unable to cancel order: Not found or not owned by user"
MAX_COUNT = 1000

Handler = Callable[[Request], Answer]


class ReplayRoutes:
    """Answers requests from the present state of a replay."""

    def __init__(self, venue: ReplayVenue) -> None:
        self._venue = venue
        self._routes: Mapping[tuple[str, str], Handler] = {
            ("GET", "/instrument"): self._table("instrument"),
            ("GET", "/instrument/active"): self._table("instrument"),
            ("GET", "/instrument/activeAndIndices"): self._table("instrument"),
            ("GET", "/quote"): self._table("quote"),
            ("GET", "/trade"): self._table("trade"),
            ("GET", "/orderBook/L2"): self._book,
            ("GET", "/wallet/assets"): self._assets,
            ("GET", "/schema/websocketHelp"): lambda _: Answer(200, help_text()),
            ("GET", "/user"): self._user,
            ("GET", "/user/margin"): self._by_currency("margin"),
            ("GET", "/user/wallet"): self._by_currency("wallet"),
            ("GET", "/user/commission"): self._commission,
            ("POST", "/order/cancelAllAfter"): self._cancel_all_after,
            ("DELETE", "/order"): self._cancel,
            ("DELETE", "/order/all"): _empty,
            ("POST", "/order"): _refuse_order,
            ("PUT", "/order"): _refuse_order,
            ("POST", "/order/closePosition"): _refuse_order,
            ("POST", "/position/leverage"): _refuse_order,
            ("POST", "/position/isolate"): _refuse_order,
            **{("GET", path): _empty for path in EMPTY_ROUTES},
        }

    @property
    def known(self) -> Sequence[tuple[str, str]]:
        """Every (method, path) that is answered."""
        return list(self._routes)

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        handler = self._routes.get(key_of(request.method, request.path))
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

    def _user(self, request: Request) -> Answer:
        started = iso(self._venue.now)
        body: Row = {
            "id": request.account,
            "username": "replay",
            "accountName": "replay",
            "isUser": True,
            "email": "replay@example.invalid",
            "created": started,
            "lastUpdated": started,
            "preferences": {},
            "TFAEnabled": "",
            "typ": "Individual",
        }
        return Answer(200, body)

    def _by_currency(self, table: str) -> Handler:
        def answer(request: Request) -> Answer:
            wanted = request.params.get("currency", "XBt")
            rows = self._venue.rows(table, None, request.account)
            if wanted == "all":
                return Answer(200, rows)
            for row in rows:
                if row["currency"] == wanted:
                    return Answer(200, row)
            return Answer(400, error_body("Unknown Currency.", "ValidationError"))

        return answer

    def _commission(self, _: Request) -> Answer:
        fees = {}
        for row in self._venue.rows("instrument", None):
            taker = row.get("takerFee", 0)
            fees[str(row["symbol"])] = {
                "maxFee": taker,
                "makerFee": row.get("makerFee", 0),
                "takerFee": taker,
                "settlementFee": row.get("settlementFee", 0),
            }
        return Answer(200, fees)

    def _cancel_all_after(self, request: Request) -> Answer:
        timeout = _counted(Parameters(request.params), "timeout", -1)
        now = self._venue.now
        cancel = iso(now + timedelta(milliseconds=timeout)) if timeout else 0
        return Answer(200, {"now": iso(now), "cancelTime": cancel})

    def _cancel(self, request: Request) -> Answer:
        name = "orderID" if "orderID" in request.params else "clOrdID"
        wanted = request.params.get(name, [])
        now = iso(self._venue.now)
        rows = [
            {
                name: one,
                "account": request.account,
                "error": NOT_FOUND,
                "timestamp": now,
                "transactTime": now,
                "workingIndicator": False,
            }
            for one in (wanted if isinstance(wanted, list) else [wanted])
        ]
        return Answer(200, rows)


EMPTY_ROUTES = (
    "/announcement",
    "/announcement/urgent",
    "/apiKey",
    "/execution",
    "/execution/tradeHistory",
    "/funding",
    "/insurance",
    "/liquidation",
    "/order",
    "/position",
    "/quote/bucketed",
    "/settlement",
    "/trade/bucketed",
    "/user/walletHistory",
    "/user/walletSummary",
)


def _empty(_: Request) -> Answer:
    return Answer(200, [])


def _refuse_order(_: Request) -> Answer:
    return Answer(400, error_body(NO_ORDERS))


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
