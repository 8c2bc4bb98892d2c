"""The durable state of the exchange as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

from .accounts import Account, Position
from .contracts import Contract, future_expiring, perpetuals_and_spot
from .exchange import Exchange
from .ids import Ids
from .instruments import Hour, Instrument
from .matching import Resting
from .orders import Order
from .ports import ApiKey, Json
from .rows import order_row

VERSION = 1
_ORDER_FIELDS = ["order_id", "account", "symbol", "side", "quantity", "ticks", "kind", "time_in_force", "client_id", "link_id", "display", "stop", "peg_offset", "peg_type", "instructions", "contingency", "text", "status", "leaves", "filled", "triggered", "working", "transacted", "updated"]
_POSITION_FIELDS = ("quantity", "cost", "leverage", "rebalanced", "previous", "touched")


def save(exchange: Exchange) -> dict[str, Json]:
    """Return everything that must survive a restart."""
    return {
        "version": VERSION,
        "seed": exchange.seed,
        "time": exchange.time,
        "dawn": exchange.dawn,
        "lastID": exchange.ids.last,
        "supply": dict(exchange.supply),
        "shift": dict(exchange.prices.shift),
        "instruments": [_save_instrument(i) for i in exchange.instruments.values()],
        "accounts": [_save_account(account) for account in exchange.accounts.values()],
        "resting": _resting_ids(exchange),
        "settlements": list(exchange.settlements),
        "fundings": list(exchange.fundings),
    }


def restore(state: Mapping[str, Json], now: int) -> Exchange:
    """Return the exchange that `save` described; ids go on ahead of `now`.

    Raises ValueError naming the field that is wrong.
    """
    reader = _Reader(state, "state")
    if reader.get("version", int) != VERSION:
        raise ValueError(f"state.version: {state.get('version')!r} is not {VERSION}")
    exchange = Exchange(reader.get("seed", int), reader.get("time", int))
    exchange.dawn = reader.get("dawn", int)
    exchange.ids = Ids(exchange.seed, now)
    exchange.ids.resume(reader.get("lastID", int))
    exchange.random = Random(exchange.seed ^ exchange.time)
    exchange.supply.update(reader.get("supply", dict))
    exchange.prices.shift.update(reader.get("shift", dict))
    for place, row in enumerate(reader.get("instruments", list)):
        _restore_instrument(exchange, _Reader(row, f"state.instruments[{place}]"))
    for place, row in enumerate(reader.get("accounts", list)):
        _restore_account(exchange, _Reader(row, f"state.accounts[{place}]"))
    _restore_book(exchange, reader.get("resting", list))
    exchange.settlements.extend(reader.get("settlements", list))
    exchange.fundings.extend(reader.get("fundings", list))
    try:
        exchange.check()
    except AssertionError as error:
        raise ValueError(f"state.accounts: {error}") from None
    return exchange


class _Reader:
    """Reads fields of a mapping and names the one that is wrong."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, Mapping):
            raise ValueError(f"{where}: not an object")
        self._values = values
        self.where = where

    def get(self, name: str, kind: type) -> Any:  # noqa: ANN401 - JSON of the asked kind
        """Return a field of a kind."""
        value = self._values.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{self.where}.{name}: {value!r} is not {kind.__name__}")
        return value

    def maybe(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return a field that may be missing."""
        return self._values.get(name)


def _save_instrument(instrument: Instrument) -> dict[str, Json]:
    expiry = instrument.contract.expiry
    return {
        "symbol": instrument.symbol,
        "expiry": None if expiry is None else expiry.isoformat(),
        "state": instrument.state,
        "settled": instrument.settled,
        "last": instrument.last,
        "direction": instrument.direction,
        "mark": instrument.mark,
        "index": instrument.index,
        "previousClose": instrument.previous_close,
        "openInterest": instrument.open_interest,
        "totalVolume": instrument.total_volume,
        "totalTurnover": instrument.total_turnover,
        "hours": [
            [h.number, h.volume, h.turnover, h.high, h.low, h.first] for h in instrument.hours
        ],
        "candles": instrument.candles.dump(),
    }


def _restore_instrument(exchange: Exchange, reader: _Reader) -> None:
    instrument = exchange.list_contract(_contract(reader))
    instrument.state = reader.get("state", str)
    instrument.settled = reader.maybe("settled")
    instrument.last = reader.get("last", int)
    instrument.direction = reader.get("direction", str)
    instrument.mark = reader.get("mark", int)
    instrument.index = reader.get("index", int)
    instrument.previous_close = reader.get("previousClose", int)
    instrument.open_interest = reader.get("openInterest", int)
    instrument.total_volume = reader.get("totalVolume", int)
    instrument.total_turnover = reader.get("totalTurnover", int)
    try:
        instrument.hours.clear()
        instrument.hours.extend(Hour(*row) for row in reader.get("hours", list))
        instrument.candles.load(reader.get("candles", list))
    except (TypeError, IndexError) as error:
        raise ValueError(f"{reader.where}: hours or candles are malformed: {error}") from None


def _contract(reader: _Reader) -> Contract:
    symbol, expiry = reader.get("symbol", str), reader.maybe("expiry")
    if expiry is not None:
        contract = future_expiring(datetime.fromisoformat(reader.get("expiry", str)))
        if contract.symbol == symbol:
            return contract
    for contract in perpetuals_and_spot():
        if contract.symbol == symbol:
            return contract
    raise ValueError(f"{reader.where}.symbol: {symbol!r} is not traded here")


def _save_account(account: Account) -> dict[str, Json]:
    return {
        "number": account.number,
        "username": account.username,
        "house": account.house,
        "created": account.created,
        "wallet": dict(account.wallet),
        "deposited": dict(account.deposited),
        "cancelAt": account.cancel_at,
        "keys": [
            {"key": k.key, "secret": k.secret, "permissions": sorted(k.permissions)}
            for k in account.keys
        ],
        "positions": {
            symbol: {name: getattr(position, name) for name in _POSITION_FIELDS}
            for symbol, position in account.positions.items()
        },
        "orders": [_save_order(order) for order in account.orders.values()],
        "executions": list(account.executions),
        "transactions": list(account.transactions),
    }


def _restore_account(exchange: Exchange, reader: _Reader) -> None:
    account = Account(
        reader.get("number", int),
        reader.get("username", str),
        house=reader.get("house", bool),
        created=reader.get("created", int),
        wallet=dict(reader.get("wallet", dict)),
        deposited=dict(reader.get("deposited", dict)),
        executions=list(reader.get("executions", list)),
        transactions=list(reader.get("transactions", list)),
        cancel_at=reader.maybe("cancelAt"),
    )
    for place, row in enumerate(reader.get("keys", list)):
        key = _Reader(row, f"{reader.where}.keys[{place}]")
        permissions = frozenset(key.get("permissions", list))
        account.keys.append(
            ApiKey(key.get("key", str), key.get("secret", str), account.number, permissions)
        )
    for symbol, row in reader.get("positions", dict).items():
        where = f"{reader.where}.positions.{symbol}"
        if symbol not in exchange.instruments:
            raise ValueError(f"{where}: not traded here")
        position = Position(exchange.instruments[symbol].contract)
        values = _Reader(row, where)
        for name in _POSITION_FIELDS:
            kind = float if name == "leverage" else int
            setattr(position, name, values.get(name, kind))
        account.positions[symbol] = position
    exchange.accounts[account.number] = account
    for place, row in enumerate(reader.get("orders", list)):
        _restore_order(exchange, account, _Reader(row, f"{reader.where}.orders[{place}]"))


def _save_order(order: Order) -> dict[str, Json]:
    row: dict[str, Json] = {name: getattr(order, name) for name in _ORDER_FIELDS}
    row["instructions"] = list(order.instructions)
    row["fills"] = [[ticks, quantity] for ticks, quantity in order.fills.items()]
    return row


def _restore_order(exchange: Exchange, account: Account, reader: _Reader) -> None:
    if reader.get("symbol", str) not in exchange.instruments:
        raise ValueError(f"{reader.where}.symbol: not traded here")
    values = {name: reader.maybe(name) for name in _ORDER_FIELDS}
    values["instructions"] = tuple(reader.get("instructions", list))
    for name in ("side", "quantity", "leaves", "filled", "transacted", "updated"):
        reader.get(name, int)
    order = Order(**values)
    order.fills = {ticks: quantity for ticks, quantity in reader.get("fills", list)}
    order.published = order_row(order, exchange.instruments[order.symbol].contract)
    account.track(order)


def _resting_ids(exchange: Exchange) -> list[Json]:
    """Return the ids of the customers' resting orders, the first in time first at each price."""
    return [
        resting.order_id
        for instrument in exchange.instruments.values()
        for side in (instrument.book.bids, instrument.book.asks)
        for ticks in side.prices()
        for resting in side.levels[ticks].queue
        if resting.order_id
    ]


def _restore_book(exchange: Exchange, ids: list[Json]) -> None:
    orders = {order.order_id: order for a in exchange.customers() for order in a.open_orders()}
    for order_id in ids:
        order = orders.get(str(order_id))
        if order is None or order.ticks is None:
            raise ValueError(f"state.resting: {order_id!r} is not an open limit order")
        order.resting = Resting(
            order.order_id, order.account, order.side, order.ticks, order.leaves, order.display
        )
        exchange.instruments[order.symbol].book.rest(order.resting)
        exchange.resting[order.order_id] = order
