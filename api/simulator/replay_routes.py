"""REST routes of a replay: the recorded market, an empty account, no orders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from api.simulator.credentials import error_body
from api.simulator.encoding import iso
from api.simulator.ports import Answer, Json, Request, Row
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
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            return Answer(404, error_body("Not Found"))
        return handler(request)

    def _table(self, table: str) -> Handler:
        def answer(request: Request) -> Answer:
            symbol = request.params.get("symbol")
            rows = self._venue.rows(table, None if symbol is None else str(symbol).upper())
            return _page(rows, request.params)

        return answer

    def _book(self, request: Request) -> Answer:
        symbol, depth = request.params.get("symbol"), _count(request.params, "depth", 25)
        if not symbol or depth is None:
            return _invalid("symbol" if depth is not None else "depth")
        rows = self._venue.rows("orderBookL2", str(symbol).upper())
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
        timeout = _count(request.params, "timeout", None)
        if timeout is None:
            return _invalid("timeout")
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


def _invalid(name: str) -> Answer:
    return Answer(400, error_body(f"{name} is invalid", "ValidationError"))


def _page(rows: list[Row], params: Mapping[str, Json]) -> Answer:
    """Return the rows that filter, reverse, start, count and columns ask for."""
    start, count = _count(params, "start", 0), _count(params, "count", 100)
    if start is None or count is None:
        return _invalid("start" if start is None else "count")
    if count > MAX_COUNT:
        message = f"Maximum result count is {MAX_COUNT}. Please use the start & count params."
        return Answer(400, error_body(message))
    try:
        wanted = _decoded(params.get("filter"), {})
        columns = _decoded(params.get("columns"), [])
    except ValueError:
        return Answer(400, error_body("filter columns are not valid", "ValidationError"))
    if isinstance(wanted, dict):
        rows = [row for row in rows if _matches(row, wanted)]
    if str(params.get("reverse", "false")).lower() == "true":
        rows = rows[::-1]
    rows = rows[start : start + count]
    if isinstance(columns, list) and columns:
        shown = {*columns, "symbol", "timestamp"}
        rows = [{name: row[name] for name in row if name in shown} for row in rows]
    return Answer(200, rows)


def _matches(row: Row, wanted: Mapping[str, Json]) -> bool:
    return all(
        row.get(name) in value if isinstance(value, list) else row.get(name) == value
        for name, value in wanted.items()
    )


def _decoded(value: Json, default: Json) -> Json:
    if not isinstance(value, str):
        return default if value is None else value
    text = value.strip()
    if not text:
        return default
    if text[0] in "[{":
        return json.loads(text)
    return [name.strip() for name in text.split(",")]


def _count(params: Mapping[str, Json], name: str, default: int | None) -> int | None:
    """Return a parameter that counts something, or None if it does not."""
    value = params.get(name, default)
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if number >= 0 else None


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
