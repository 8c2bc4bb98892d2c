"""What a request for an order must look like, and the order it becomes."""

from __future__ import annotations

from decimal import Decimal

from api.simulator.accounts import Account
from api.simulator.contracts import BUY, SELL, SIDE_NAMES, Contract
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.linking import CONTINGENCIES, has_primary
from api.simulator.orders import POST_ONLY, PRICED_TYPES, STOP_TYPES, Order
from api.simulator.parameters import Parameters
from api.simulator.refusals import Refused

_TYPES = frozenset({"Limit", "Market", "Pegged"}) | STOP_TYPES
_TIMES = frozenset({"GoodTillCancel", "Day", "ImmediateOrCancel", "FillOrKill"})
_TRIGGERS = ("MarkPrice", "LastPrice", "IndexPrice")
_INSTRUCTIONS = frozenset({POST_ONLY, "ReduceOnly", "Close", "LastWithinMark", "Fixed", *_TRIGGERS})
_NOT_FOR_SPOT = frozenset({"ReduceOnly", "Close", "IndexPrice", "LastWithinMark"})
_PEGS = frozenset({"PrimaryPeg", "MarketPeg"})
_SIDES = {name: side for side, name in SIDE_NAMES.items()}
_CLIENT_ID_LENGTH = 36
_TICK_TOLERANCE = Decimal("1e-6")  # clients send 0.30000000000000004 for 0.3
ORDERS_PER_SYMBOL, STOPS_PER_SYMBOL = 200, 10


def new_order(exchange: Exchange, account: Account, given: Parameters) -> Order:
    """Return the order that a request asks for, or refuse it. It is not placed yet."""
    given.require("symbol")
    instrument = exchange.instrument((given.text("symbol") or "").upper())
    contract = instrument.contract
    instructions = _instructions(given, contract)
    kind = _kind(given, instructions)
    side, quantity = _side_and_quantity(account, given, contract, kind, instructions)
    if side * quantity == 0:
        raise Refused("Invalid orderQty")
    order = Order(
        order_id=exchange.ids.order(),
        number=exchange.ids.number(),
        client_id=client_id(account, given.text("clOrdID")),
        link_id=given.text("clOrdLinkID"),
        account=account.number,
        symbol=contract.symbol,
        side=side,
        quantity=quantity,
        leaves=quantity,
        ticks=_pegged_price(given, instrument, side)
        if kind == "Pegged"
        else _price(given, contract, kind),
        stop=_stop(given, contract, kind),
        display=_display(given, contract, quantity),
        kind=kind,
        time_in_force=_time_in_force(given, kind),
        instructions=instructions,
        contingency=_contingency(given),
        whole=kind in STOP_TYPES and "orderQty" not in given,
        text=_text(given),
        transacted=exchange.time,
        updated=exchange.time,
    )
    if kind == "Pegged":
        order.peg_type = given.text("pegPriceType")
        order.peg_offset = _offset(given, contract)
    else:
        _trail(given, instrument, order)
    order.awaits_fill = has_primary(account, order)
    _check_reduction(account, contract, order)
    check_counts(account, order)
    return order


def price_ticks(contract: Contract, price: Decimal, name: str) -> int:
    """Return a price in ticks, or refuse one that is out of range or off the lattice."""
    if price <= 0 or price > contract.max_price:
        raise Refused(f"Invalid {name}")
    exact = price * contract.ticks_per_unit
    ticks = int(exact.to_integral_value())
    if abs(exact - ticks) > _TICK_TOLERANCE or ticks <= 0 or ticks % contract.step:
        raise Refused(f"Invalid {name} tickSize")
    return ticks


def check_quantity(contract: Contract, quantity: int, name: str = "orderQty") -> None:
    """Refuse a quantity that is out of range or not in whole lots."""
    if quantity <= 0 or quantity > contract.max_quantity:
        raise Refused(f"Invalid {name}")
    if quantity % contract.lot:
        if name == "leavesQty":
            raise Refused("Invalid leavesQty for lotSize")
        raise Refused(f"Order quantity must be a multiple of lot size: {contract.lot}")


def client_id(account: Account, text: str | None) -> str | None:
    """Return a clOrdID, or refuse one that is too long or that an open order has."""
    if text is None:
        return None
    if len(text) > _CLIENT_ID_LENGTH:
        raise Refused("Invalid clOrdID")
    if any(order.client_id == text for order in account.open_orders()):
        raise Refused("Duplicate clOrdID")
    return text


def _instructions(given: Parameters, contract: Contract) -> tuple[str, ...]:
    instructions = tuple(given.texts("execInst"))
    if any(name not in _INSTRUCTIONS for name in instructions):
        raise Refused("Unsupported execInst")
    if contract.is_spot and _NOT_FOR_SPOT.intersection(instructions):
        raise Refused("Invalid execInst")
    if sum(name in _TRIGGERS for name in instructions) > 1:
        raise Refused("Invalid execInst")
    return instructions


def _kind(given: Parameters, instructions: tuple[str, ...]) -> str:
    kind = given.text("ordType")
    if kind is None:
        if "stopPx" in given:
            kind = "StopLimit" if "price" in given else "Stop"
        elif "pegPriceType" in given:
            kind = "Pegged"
        else:
            kind = "Limit" if "price" in given else "Market"
    if kind not in _TYPES:
        raise Refused("Unsupported ordType")
    if POST_ONLY in instructions and kind not in PRICED_TYPES:
        raise Refused("Invalid ordType for execInst")
    if ("Fixed" in instructions) != (kind == "Pegged"):
        raise Refused("Invalid execInst" if kind == "Pegged" else "Invalid ordType for execInst")
    if "LastWithinMark" in instructions:
        if kind not in ("Stop", "StopLimit"):
            raise Refused("Invalid ordType for execInst")
        if "LastPrice" not in instructions:
            raise Refused("Invalid execInst")
    return kind


def _contingency(given: Parameters) -> str | None:
    name = given.text("contingencyType")
    if name is None:
        return None
    if name not in CONTINGENCIES:
        raise Refused("Invalid contingencyType")
    if given.text("clOrdLinkID") is None:
        raise Refused("Invalid clOrdLinkID")
    return name


def _side_and_quantity(
    account: Account,
    given: Parameters,
    contract: Contract,
    kind: str,
    instructions: tuple[str, ...],
) -> tuple[int, int]:
    name, quantity = given.text("side"), given.integer("orderQty")
    if name is not None and name not in _SIDES:
        raise Refused("Invalid side")
    if quantity is None and "Close" in instructions:
        held = account.position(contract).quantity
        if name is None and kind in STOP_TYPES:
            raise Refused("Invalid side")  # above or below stopPx? Nobody can tell
        side = _SIDES[name] if name is not None else (SELL if held > 0 else BUY)
        if not held:
            _refuse_reduction(side, held)
        return side, abs(held)
    if quantity is None:
        raise Refused("Invalid orderQty")
    side = SELL if quantity < 0 else _SIDES[name or "Buy"]
    check_quantity(contract, abs(quantity))
    return side, abs(quantity)


def _price(given: Parameters, contract: Contract, kind: str) -> int | None:
    price = given.number("price")
    if kind not in PRICED_TYPES:
        return None
    if price is None:
        raise Refused("Invalid price")
    return price_ticks(contract, price, "price")


def _pegged_price(given: Parameters, instrument: Instrument, side: int) -> int:
    """Return the price of a pegged order: an offset from the near or the far touch price."""
    contract, book, name = instrument.contract, instrument.book, given.text("pegPriceType")
    if name not in _PEGS:
        raise Refused("Invalid pegPriceType")
    touch = (book.own(side) if name == "PrimaryPeg" else book.opposite(side)).best
    if touch is None:
        raise Refused("Invalid price")  # there is nothing to be pegged to
    ticks = touch + _offset(given, contract)
    if ticks <= 0 or ticks > contract.max_price * contract.ticks_per_unit:
        raise Refused("Invalid price")
    return ticks


def _offset(given: Parameters, contract: Contract) -> int:
    """Return pegOffsetValue in ticks, which may be negative."""
    offset = given.number("pegOffsetValue")
    if offset is None:
        raise Refused("Invalid pegOffsetValue")
    ticks = int((offset * contract.ticks_per_unit).to_integral_value())
    if ticks % contract.step or abs(offset * contract.ticks_per_unit - ticks) > _TICK_TOLERANCE:
        raise Refused("Invalid pegOffsetValue")
    return ticks


def check_trail(order: Order, offset: int) -> None:
    """Refuse an offset on the wrong side: stops to sell and touches to buy trail from below."""
    rises = order.side if order.kind in ("Stop", "StopLimit") else -order.side
    if offset * rises <= 0:
        raise Refused("Invalid pegOffsetValue")


def _stop(given: Parameters, contract: Contract, kind: str) -> int | None:
    price = given.number("stopPx")
    if kind not in STOP_TYPES:
        if price is not None:
            raise Refused("Invalid stopPx for ordType")
        return None
    if price is None:
        if given.text("pegPriceType") == "TrailingStopPeg":
            return None
        raise Refused("Invalid stopPx")
    return price_ticks(contract, price, "stopPx")


def _display(given: Parameters, contract: Contract, quantity: int) -> int | None:
    display = given.integer("displayQty")
    if display is None:
        return None
    if display < 0 or display > quantity or display % contract.lot:
        raise Refused("Invalid displayQty")
    return display


def _time_in_force(given: Parameters, kind: str) -> str:
    default = "ImmediateOrCancel" if kind == "Market" else "GoodTillCancel"
    name = given.text("timeInForce") or default
    if name not in _TIMES:
        raise Refused("Unsupported timeInForce")
    return "ImmediateOrCancel" if kind == "Market" and name != "FillOrKill" else name


def _text(given: Parameters) -> str:
    text = given.text("text")
    return f"{text}\nSubmitted via API." if text else "Submitted via API."


def _trail(given: Parameters, instrument: Instrument, order: Order) -> None:
    kind, offset = given.text("pegPriceType"), given.number("pegOffsetValue")
    if kind is None and offset is None:
        return
    if kind != "TrailingStopPeg" or order.kind not in STOP_TYPES:
        raise Refused("Invalid pegPriceType")
    order.peg_type, order.peg_offset = kind, _offset(given, instrument.contract)
    check_trail(order, order.peg_offset)
    if order.stop is None:
        order.stop = instrument.trigger_ticks(order.trigger) + order.peg_offset
        if order.stop <= 0:
            raise Refused("Invalid stopPx")


def _check_reduction(account: Account, contract: Contract, order: Order) -> None:
    """Refuse a reduce-only order with nothing to reduce, and cut one that is too large."""
    if not order.reduces_only or order.kind in STOP_TYPES:
        return
    order.quantity = order.leaves = min(order.quantity, reducible(account, contract, order.side))


def reducible(account: Account, contract: Contract, side: int) -> int:
    """Return how much an order of this side may reduce, or refuse if there is nothing."""
    held = account.position(contract).quantity
    if held * side >= 0:
        _refuse_reduction(side, held)
    return abs(held)


def _refuse_reduction(side: int, held: int) -> None:
    raise Refused(
        f"Order had execInst of Close or ReduceOnly and side of {SIDE_NAMES[side]} "
        f"but current position is {held}"
    )


def check_counts(account: Account, order: Order) -> None:
    """Refuse an order beyond the most that may be open in its instrument."""
    others = account.open_orders(order.symbol)
    if len(others) >= ORDERS_PER_SYMBOL:
        raise Refused(f"Too many open orders: the limit is {ORDERS_PER_SYMBOL} per symbol")
    stops = sum(other.waits_for_trigger for other in others)
    if order.kind in STOP_TYPES and stops >= STOPS_PER_SYMBOL:
        raise Refused(f"Too many stop orders: the limit is {STOPS_PER_SYMBOL} per symbol")
