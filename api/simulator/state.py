"""The durable state of the exchange as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from api.simulator.accounts import ORDERS_KEPT, Account
from api.simulator.contracts import Contract, future_expiring, perpetuals_and_spot
from api.simulator.exchange import Exchange
from api.simulator.ids import Ids
from api.simulator.instruments import Hour, Instrument
from api.simulator.matching import Resting
from api.simulator.orders import restored
from api.simulator.ports import ApiKey, Json
from api.simulator.rows import order_row

VERSION = 1
_POSITION_FIELDS = ("quantity", "cost", "leverage", "rebalanced", "previous", "touched")
_LATER_POSITION_FIELDS = ("transferred", "risk_limit")  # older states do not have them
_INSTRUMENT_FIELDS = (
    *("state", "settled", "last", "direction", "mark", "index", "previous_close"),
    *("open_interest", "total_volume", "total_turnover"),
)


def save(exchange: Exchange) -> dict[str, Json]:
    """Return everything that must survive a restart.

    What grows is under "history", in lists to which rows are only ever added, so that a writer
    need not write them anew; everything else is small. Nothing in it is a copy.
    """
    customers = list(exchange.customers())
    return {
        "version": VERSION,
        "seed": exchange.seed,
        "time": exchange.time,
        "dawn": exchange.dawn,
        "lastID": exchange.ids.last,
        "supply": dict(exchange.supply),
        "shift": {asset: [*moves] for asset, moves in exchange.prices.shift.items()},
        "instruments": {s: _save_instrument(i) for s, i in exchange.instruments.items()},
        "accounts": {str(n): _save_account(a) for n, a in exchange.accounts.items()},
        "orders": {o.order_id: o.figures() for a in customers for o in a.open_orders()},
        "resting": _resting_ids(exchange),
        "journal": exchange.journal.save(),
        "history": {
            "settlements": exchange.settlements,
            "fundings": exchange.fundings,
            **{f"orders {a.number}": a.archive for a in customers},
            **{f"executions {a.number}": a.history for a in customers},
            **{f"transactions {a.number}": a.transactions for a in customers},
            **{
                f"journal {a.number}": exchange.journal.entries.setdefault(a.number, [])
                for a in customers
            },
            **{f"candles {s}": i.candles.archive for s, i in exchange.instruments.items()},
        },
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
    for asset, moves in reader.get("shift", dict).items():
        exchange.prices.shift[asset] = [(int(start), float(move)) for start, move in moves]
    history = _Reader(reader.get("history", dict), "state.history")
    exchange.settlements.extend(history.rows("settlements"))
    exchange.fundings.extend(history.rows("fundings"))
    for symbol, row in reader.get("instruments", dict).items():
        where = f"state.instruments.{symbol}"
        _restore_instrument(exchange, symbol, _Reader(row, where), history)
    for number, row in reader.get("accounts", dict).items():
        _restore_account(exchange, _Reader(row, f"state.accounts.{number}"), history)
    for order_id, row in reader.get("orders", dict).items():
        _restore_order(exchange, row, f"state.orders.{order_id}")
    for account in exchange.customers():
        account.sort_orders()
    _restore_book(exchange, reader.get("resting", list))
    _restore_journal(exchange, reader, history)
    try:
        exchange.check()
    except (AssertionError, TypeError, AttributeError) as error:
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

    def rows(self, name: str) -> list[Any]:
        """Return a list that may be missing."""
        return list(self.get(name, list)) if self.maybe(name) is not None else []


def _save_instrument(instrument: Instrument) -> dict[str, Json]:
    expiry = instrument.contract.expiry
    return {
        **{name: getattr(instrument, name) for name in _INSTRUMENT_FIELDS},
        "expiry": None if expiry is None else expiry.isoformat(),
        "marked": instrument.marked,
        "lot": instrument.contract.lot,
        "step": instrument.contract.step,
        "hours": [
            [h.number, h.volume, h.turnover, h.high, h.low, h.first] for h in instrument.hours
        ],
    }


def _restore_instrument(exchange: Exchange, symbol: str, reader: _Reader, history: _Reader) -> None:
    contract = _contract(symbol, reader)
    if reader.maybe("step") is not None:  # lot and tick may have been changed
        contract = replace(contract, lot=reader.get("lot", int), step=reader.get("step", int))
    instrument = exchange.list_contract(contract)
    for name in _INSTRUMENT_FIELDS:
        kind = str if name in ("state", "direction") else int
        optional = name == "settled" and reader.maybe(name) is None
        setattr(instrument, name, None if optional else reader.get(name, kind))
    if reader.maybe("marked") is not None:
        instrument.marked = reader.get("marked", int)
    try:
        instrument.hours.clear()
        instrument.hours.extend(Hour(*row) for row in reader.get("hours", list))
        instrument.candles.load(history.rows(f"candles {symbol}"))
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{reader.where}: hours or candles are malformed: {error}") from None


def _contract(symbol: str, reader: _Reader) -> Contract:
    if reader.maybe("expiry") is not None:
        try:
            contract = future_expiring(datetime.fromisoformat(reader.get("expiry", str)))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{reader.where}.expiry: {error}") from None
        if contract.symbol == symbol:
            return contract
    for contract in perpetuals_and_spot():
        if contract.symbol == symbol:
            return contract
    raise ValueError(f"{reader.where}: not traded here")


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
            symbol: {
                name: getattr(position, name)
                for name in (*_POSITION_FIELDS, *_LATER_POSITION_FIELDS)
            }
            for symbol, position in account.positions.items()
        },
    }


def _restore_account(exchange: Exchange, reader: _Reader, history: _Reader) -> None:
    number = reader.get("number", int)
    account = Account(
        number,
        reader.get("username", str),
        house=reader.get("house", bool),
        created=reader.get("created", int),
        wallet=dict(reader.get("wallet", dict)),
        deposited=dict(reader.get("deposited", dict)),
        history=history.rows(f"executions {number}"),
        transactions=history.rows(f"transactions {number}"),
        cancel_at=None if reader.maybe("cancelAt") is None else reader.get("cancelAt", int),
    )
    account.reports.extend(account.history)
    for place, row in enumerate(reader.get("keys", list)):
        key = _Reader(row, f"{reader.where}.keys[{place}]")
        permissions = frozenset(key.get("permissions", list))
        account.keys.append(
            ApiKey(key.get("key", str), key.get("secret", str), number, permissions)
        )
    for symbol, row in reader.get("positions", dict).items():
        values = _Reader(row, f"{reader.where}.positions.{symbol}")
        if symbol not in exchange.instruments:
            raise ValueError(f"{values.where}: not traded here")
        position = account.position(exchange.instruments[symbol].contract)
        for name in _POSITION_FIELDS:
            setattr(position, name, values.get(name, float if name == "leverage" else int))
        for name in _LATER_POSITION_FIELDS:
            if values.maybe(name) is not None:
                setattr(position, name, values.get(name, int))
    exchange.accounts[number] = account
    for place, row in enumerate(_latest(history.rows(f"orders {number}"))):
        _restore_order(exchange, row, f"state.history.orders {number}[{place}]")


def _restore_journal(exchange: Exchange, reader: _Reader, history: _Reader) -> None:
    journal = exchange.journal
    if reader.maybe("journal") is None:
        journal.adopt(exchange.accounts.values())
        return
    saved = _Reader(reader.get("journal", dict), "state.journal")
    try:
        journal.restore(saved.get("money", list), saved.get("sums", list))
    except (TypeError, ValueError) as error:
        raise ValueError(f"state.journal: {error}") from None
    for account in exchange.customers():
        journal.entries[account.number] = history.rows(f"journal {account.number}")


def _latest(rows: list[Any]) -> list[Any]:
    """Return the archived orders, the last state of each, without old ones that never traded."""
    kept = rows[-ORDERS_KEPT:]
    filled = [row for row in rows[:-ORDERS_KEPT] if isinstance(row, dict) and row.get("fills")]
    return filled + kept


def _restore_order(exchange: Exchange, row: Any, where: str) -> None:  # noqa: ANN401 - JSON
    try:
        order = restored(row)
        contract = exchange.instruments[order.symbol].contract
        account = exchange.accounts[order.account]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error!r}") from None
    order.published = order_row(order, contract)
    account.orders[order.order_id] = order
    if order.is_open:
        account.live[order.order_id] = order
    else:
        account.live.pop(order.order_id, None)
        account.archive.append(order.figures())


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
