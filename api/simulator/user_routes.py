"""Routes that show an account: user, margin, wallet, orders, executions, positions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping

from api.simulator.accounts import Account
from api.simulator.contracts import MILLION
from api.simulator.exchange import Exchange
from api.simulator.filters import conditions
from api.simulator.models import MODELS
from api.simulator.parameters import Parameters
from api.simulator.ports import Json, Row
from api.simulator.queries import columns, page, resolve, select
from api.simulator.refusals import invalid
from api.simulator.times import iso

_WALLET_MAXIMUM = 10_000
_EXECUTION_KEYS = ("execID", "symbol", "timestamp")


class UserRoutes:
    """Answers the requests of customers about themselves."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def table(self) -> Mapping[tuple[str, str], Callable[[Account, Parameters], Json]]:
        """Return the handlers by method and path."""
        return {
            ("GET", "/user"): self.user,
            ("GET", "/user/margin"): self.margin,
            ("GET", "/user/wallet"): self.wallet,
            ("GET", "/user/walletHistory"): self.wallet_history,
            ("GET", "/user/walletSummary"): self.wallet_summary,
            ("GET", "/user/commission"): self.commission,
            ("GET", "/user/tradingVolume"): self.trading_volume,
            ("GET", "/user/executionHistory"): self.execution_history,
            ("GET", "/apiKey"): self.api_keys,
            ("GET", "/order"): self.orders,
            ("GET", "/execution"): self.executions,
            ("GET", "/execution/tradeHistory"): self.trade_history,
            ("GET", "/position"): self.positions,
            ("GET", "/announcement/urgent"): lambda _account, _given: [],
            ("GET", "/globalNotification"): lambda _account, _given: [],
        }

    def user(self, account: Account, _given: Parameters) -> Row:
        """Return the account itself."""
        created = iso(account.created)
        return {
            "id": account.number,
            "username": account.username,
            "accountName": account.username,
            "isUser": True,
            "email": f"{account.username}@localhost",
            "created": created,
            "lastUpdated": created,
            "preferences": {},
            "TFAEnabled": "",
            "typ": "Individual",
        }

    def margin(self, account: Account, given: Parameters) -> Json:
        """Return one margin account, or all."""
        return _by_currency(self._exchange.feed.margin_rows(account), given)

    def wallet(self, account: Account, given: Parameters) -> Json:
        """Return one wallet, or all."""
        return _by_currency(self._exchange.feed.wallet_rows(account), given)

    def wallet_history(self, account: Account, given: Parameters) -> list[Row]:
        """Return the changes of the wallet, newest first, after the unrealised profit of now."""
        currency = given.text("currency") or "XBt"
        start, count = page(given, _WALLET_MAXIMUM, _WALLET_MAXIMUM)
        rows = [row for row in account.transactions if currency in ("all", row["currency"])]
        live = [
            self._unrealised_row(row)
            for row in self._exchange.feed.margin_rows(account)
            if currency in ("all", row["currency"]) and row["unrealisedPnl"]
        ]
        if "reverse" in given and not given.flag("reverse"):
            return (rows + live)[start : start + count]
        return (live + rows[::-1])[start : start + count]

    def wallet_summary(self, account: Account, given: Parameters) -> list[Row]:
        """Return the sums of the wallet's changes by type and symbol."""
        currency = given.text("currency") or "XBt"
        first, last = given.time("startTime"), given.time("endTime")
        earliest = "" if first is None else iso(first)
        latest = "~" if last is None else iso(last)  # sorts behind every time
        sums: dict[tuple[str, str, str], int] = {}
        for row in account.transactions:
            inside = earliest <= str(row["timestamp"]) <= latest
            if inside and currency in ("all", row["currency"]):
                key = (str(row["currency"]), str(row["transactType"]), str(row.get("address", "")))
                amount = row["amount"]
                assert isinstance(amount, int)
                sums[key] = sums.get(key, 0) + amount
        return [
            {
                "account": account.number,
                "currency": name,
                "transactType": kind,
                **({"symbol": symbol} if symbol else {}),
                "amount": amount,
            }
            for (name, kind, symbol), amount in sums.items()
        ]

    def commission(self, _account: Account, _given: Parameters) -> Row:
        """Return the fees by symbol."""
        return {
            symbol: {
                "maxFee": max(i.contract.maker_ppm, i.contract.taker_ppm) / MILLION,
                "makerFee": i.contract.maker_ppm / MILLION,
                "takerFee": i.contract.taker_ppm / MILLION,
                "settlementFee": 0,
            }
            for symbol, i in self._exchange.instruments.items()
        }

    def trading_volume(self, _account: Account, _given: Parameters) -> list[Row]:
        """Return the average daily volume; discounts by volume do not exist here."""
        return [{"advUsd": 0.0, "advUsdSpot": 0.0, "advUsdContract": 0.0}]

    def execution_history(self, account: Account, given: Parameters) -> list[Row]:
        """Return the executions of one symbol on the day of a time."""
        given.require("symbol", "timestamp")
        symbol, time = resolve(self._exchange, given.text("symbol")), given.time("timestamp")
        assert time is not None
        day = iso(time)[:10]
        return [
            row
            for row in account.history
            if row["symbol"] == symbol and str(row["transactTime"]).startswith(day)
        ]

    def api_keys(self, account: Account, given: Parameters) -> list[Row]:
        """Return the keys of the account, without their secrets."""
        keys = reversed(account.keys) if given.flag("reverse") else account.keys
        return [
            {
                "id": key.key,
                "secret": "",
                "name": "",
                "nonce": 0,
                "cidr": "127.0.0.1/32",
                "cidrs": ["127.0.0.1/32"],
                "permissions": sorted(key.permissions),
                "enabled": True,
                "userId": account.number,
                "created": iso(account.created),
            }
            for key in keys
        ]

    def orders(self, account: Account, given: Parameters) -> list[Row]:
        """Return orders, open or finished."""
        only_open = given.mapping("filter").get("open") is True
        orders = account.open_orders() if only_open else account.orders.values()
        rows = (order.published for order in orders if order.published)
        return select(self._exchange, rows, given, model="Order", keys=("orderID",))

    def executions(self, account: Account, given: Parameters) -> list[Row]:
        """Return every execution report."""
        return select(
            self._exchange, account.reports, given, model="Execution", keys=_EXECUTION_KEYS
        )

    def trade_history(self, account: Account, given: Parameters) -> list[Row]:
        """Return the executions that moved money, in the order of their transactTime."""
        rows, since = account.history, given.time("startTime")
        if since is not None:  # the rows are in the order of time
            rows = rows[bisect_left(rows, iso(since), key=_timestamp) :]
        return select(self._exchange, rows, given, model="Execution", keys=_EXECUTION_KEYS)

    def positions(self, account: Account, given: Parameters) -> list[Row]:
        """Return every position ever touched, flat ones too."""
        rows = self._exchange.feed.position_rows(account)
        required = conditions(given.mapping("filter"), MODELS["Position"].types)
        chosen = [row for row in rows if all(fulfilled(row) for fulfilled in required)]
        count = given.integer("count")
        if count is not None and count < 0:
            raise invalid("count is invalid")
        return [columns(row, given, ("account", "symbol", "currency")) for row in chosen[:count]]

    def _unrealised_row(self, margin: Row) -> Row:
        return {
            "account": margin["account"],
            "currency": margin["currency"],
            "transactType": "UnrealisedPNL",
            "transactStatus": "Pending",
            "amount": margin["unrealisedPnl"],
            "fee": 0,
            "walletBalance": margin["walletBalance"],
            "marginBalance": margin["marginBalance"],
            "transactTime": iso(self._exchange.time),
        }


def _timestamp(row: Row) -> str:
    return str(row["timestamp"])


def _by_currency(rows: list[Row], given: Parameters) -> Json:
    currency = given.text("currency") or "XBt"
    if currency == "all":
        return rows
    for row in rows:
        if row["currency"] == currency:
            return row
    raise invalid("Unknown Currency.")
