"""What a request to amend an order must look like, and the figures it leads to."""

from __future__ import annotations

from dataclasses import dataclass

from api.simulator.accounts import Account
from api.simulator.contracts import Contract
from api.simulator.entry import check_counts, check_quantity, check_trail, client_id, price_ticks
from api.simulator.exchange import Exchange
from api.simulator.orders import PRICED_TYPES, STOP_TYPES, Order
from api.simulator.parameters import Parameters
from api.simulator.refusals import Refused

REVIVAL = 60_000  # ms within which a filled order may get a new rest


@dataclass(frozen=True, slots=True)
class Amendment:
    """The figures of an order after an amend."""

    quantity: int
    ticks: int | None
    stop: int | None
    peg_offset: int | None
    client_id: str | None
    text: str
    names: tuple[str, ...]  # what changed, in the words of the request


def amended_figures(
    exchange: Exchange, account: Account, contract: Contract, order: Order, given: Parameters
) -> Amendment:
    """Return what an order becomes, or refuse the amend."""
    _check_state(exchange, account, order, given)
    quantity = _quantity(contract, order, given)
    ticks, stop, offset = order.ticks, order.stop, order.peg_offset
    if (price := given.number("price")) is not None:
        if order.kind not in PRICED_TYPES:
            raise Refused("Invalid price")
        ticks = price_ticks(contract, price, "price")
    if (price := given.number("stopPx")) is not None:
        if order.kind not in STOP_TYPES or not order.waits_for_trigger:
            raise Refused("Invalid stopPx for ordType")
        stop = price_ticks(contract, price, "stopPx")
    if (distance := given.number("pegOffsetValue")) is not None:
        if offset is None or not order.waits_for_trigger:
            raise Refused("Invalid pegOffsetValue")
        offset = int((distance * contract.ticks_per_unit).to_integral_value())
        check_trail(order, offset)
        stop = exchange.instruments[order.symbol].trigger_ticks(order.trigger) + offset
    name, text = _new_client_id(account, order, given), _text(order, given)
    changes = (
        ("clOrdID", name != order.client_id),
        ("orderQty" if "orderQty" in given else "leavesQty", quantity != order.quantity),
        ("price", ticks != order.ticks),
        ("stopPx", stop != order.stop),
        ("pegOffsetValue", offset != order.peg_offset),
        ("text", text != _plain(order.text)),
    )
    names = tuple(name for name, changed in changes if changed)
    if not names:
        raise Refused("Invalid amend: orderQty, leavesQty, price, stopPx unchanged")
    return Amendment(quantity, ticks, stop, offset, name, text, names)


def _check_state(exchange: Exchange, account: Account, order: Order, given: Parameters) -> None:
    if order.is_open:
        return
    recent = exchange.time - order.transacted <= REVIVAL
    revives = order.status == "Filled" and order.limit is not None and "leavesQty" in given
    if not (revives and recent):
        raise Refused("Invalid ordStatus")
    client_id(account, order.client_id)  # another open order may have it by now
    check_counts(account, order)


def _quantity(contract: Contract, order: Order, given: Parameters) -> int:
    """Return the new total: orderQty itself, or what is filled and the wanted rest."""
    total, rest = given.integer("orderQty"), given.integer("leavesQty")
    if total is not None and rest is not None:
        raise Refused("Invalid leavesQty")
    if rest is not None:
        if rest < 0:
            raise Refused("Invalid leavesQty")
        if rest:
            check_quantity(contract, rest, "leavesQty")
        if rest + order.filled == 0:
            return 0
        return order.filled + rest
    if total is not None:
        total = abs(total)
        check_quantity(contract, total)
        if total < order.filled:
            raise Refused("Invalid orderQty")
        return total
    return order.quantity


def _new_client_id(account: Account, order: Order, given: Parameters) -> str | None:
    name = given.text("clOrdID")
    if name is None or name == order.client_id:
        return order.client_id
    if "origClOrdID" not in given:
        raise Refused("Invalid origClOrdID")
    return client_id(account, name)


def _plain(text: str) -> str:
    """Return the text of an order without what amends put before it."""
    lines = text.split("\n")
    return "\n".join(line for line in lines if not line.startswith("Amended "))


def _text(order: Order, given: Parameters) -> str:
    text = given.text("text")
    return f"{text}\nSubmitted via API." if text else _plain(order.text)
