"""What a person types -> prices and contracts, and who may trade what. Pure.

Every refusal is a sentence for the place beside the field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from common.domain.instruments import Instrument, Symbol
from common.domain.market import Book
from common.domain.money import amount, trade_value
from common.domain.orders import Side
from common.domain.robots import ONLY_CLOSED, Status
from common.engine.snapshot import RobotRow
from display.formats import price_text, quantity_text

FAR = Decimal("0.05")  # share of the best price beyond which an order is asked about again

_LONGEST = 18  # characters; any tick and unit stay exact within Decimal's 28 digits

_SPACES = re.compile(r"[\s'\u00a0\u2009\u202f\u066c]+")
_PLAIN = re.compile(r"\d+([.,]\d+)?|[.,]\d+")
_GROUPED = re.compile(r"\d{1,3}(?:(,\d{3})+(\.\d+)?|(\.\d{3})+(,\d+)?)")
_LIKE_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")


class FieldError(ValueError):
    """The text of a field cannot be used; says why and what would be right."""


def parse_decimal(text: str) -> Decimal:
    """Read a number with a point or a comma, of any script's digits.

    Grouped thousands are accepted where they cannot mean anything else: `1,234.5` and
    `1 234,5` are, `1,234` could be either and is refused.
    """
    shown = text.strip()
    compact = _SPACES.sub("", shown).replace("\u066b", ".")
    if not compact:
        raise FieldError("a number is needed")
    if compact.startswith(("-", "\u2212")):
        raise FieldError("must be above zero")
    if len(compact) > _LONGEST:
        raise FieldError("too long for a number")
    if _LIKE_THOUSANDS.fullmatch(compact):
        plain = compact.replace(",", "")
        raise FieldError(f"{shown} has two meanings: write {plain} or {compact.replace(',', '.')}")
    if _PLAIN.fullmatch(compact):
        return Decimal(compact.replace(",", "."))
    grouped = _GROUPED.fullmatch(compact)
    if grouped is None:
        raise FieldError(f"{shown[:20]!r} is not a number")
    thousands, point = (",", ".") if grouped.group(1) else (".", ",")
    return Decimal(compact.replace(thousands, "").replace(point, "."))


def parse_price(text: str, instrument: Instrument) -> Decimal:
    """Read a price on the tick grid of an instrument, or raise FieldError."""
    price = parse_decimal(text)
    if price <= 0:
        raise FieldError("must be above zero")
    if price % instrument.tick_size:
        below = snap(price, instrument.tick_size, ROUND_FLOOR)
        above = snap(price, instrument.tick_size, ROUND_CEILING)
        near = " or ".join(price_text(each, instrument) for each in (below, above) if each > 0)
        raise FieldError(f"not on the tick of {instrument.tick_size:f}: {near}")
    if instrument.max_price is not None and price > instrument.max_price:
        raise FieldError(f"above the highest price, {price_text(instrument.max_price, instrument)}")
    return price


def parse_quantity(text: str, instrument: Instrument) -> int:
    """Read a quantity in the screen's unit as contracts, a multiple of the lot, or raise."""
    contracts = parse_decimal(text) * instrument.contracts_per_unit
    lot = instrument.lot_size
    if contracts <= 0:
        raise FieldError("must be above zero")
    if contracts % lot:
        raise FieldError(f"not a multiple of the lot, {quantity_text(lot, instrument)}")
    most = instrument.max_quantity
    if most is not None and contracts > most:
        raise FieldError(f"above the largest order, {quantity_text(most, instrument)}")
    return int(contracts)


def snap(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    """Return the price on the tick grid, rounded as told."""
    return (price / tick).to_integral_value(rounding) * tick


def step_price(text: str, instrument: Instrument, steps: int, start: Decimal | None) -> str:
    """Return the price `steps` ticks further; from `start` where the text is no number."""
    tick = instrument.tick_size
    try:
        price = parse_decimal(text)
    except FieldError:
        return "" if start is None else price_text(start, instrument)
    on_grid = snap(price, tick, ROUND_FLOOR if steps > 0 else ROUND_CEILING)
    return price_text(max(tick, on_grid + steps * tick), instrument)


def step_quantity(text: str, instrument: Instrument, steps: int) -> str:
    """Return the quantity `steps` lots further, at least one lot."""
    lot = instrument.lot_size
    try:
        contracts = parse_decimal(text) * instrument.contracts_per_unit
    except FieldError:
        return quantity_text(lot, instrument)
    on_grid = snap(contracts, Decimal(lot), ROUND_FLOOR if steps > 0 else ROUND_CEILING)
    return quantity_text(max(lot, int(on_grid) + steps * lot), instrument)


def emi_choices(robots: Sequence[RobotRow], market: str, symbol: Symbol) -> list[RobotRow]:
    """Return the bots that a manual order of `symbol` can be made for."""
    return [
        robot
        for robot in robots
        if robot.market == market and robot.symbol == symbol and _may_trade(robot)
    ]


def _may_trade(robot: RobotRow) -> bool:
    if robot.status in ONLY_CLOSED:
        return robot.position != 0
    return robot.status in (Status.WORK, Status.OFF, Status.RESERVED)


def check_bot(robot: RobotRow, side: Side, contracts: int) -> None:
    """Raise FieldError when a bot that can only be closed would be opened or turned."""
    if robot.status not in ONLY_CLOSED:
        return
    if robot.position * side.sign >= 0 or contracts > abs(robot.position):
        most = quantity_text(abs(robot.position), robot.instrument)
        closing = Side.SELL if robot.position > 0 else Side.BUY
        raise FieldError(f"{robot.emi} is {robot.status}: only {closing} up to {most} closes it")


def far_from_book(side: Side, price: Decimal, book: Book) -> str | None:
    """Return a question when an order would trade more than 5 % worse than the best price."""
    facing = book.asks if side is Side.BUY else book.bids
    if not facing:
        return None
    best = facing[0][0]
    distance = (price / best - 1) * side.sign
    if distance <= FAR:
        return None
    word = "above the best ask" if side is Side.BUY else "below the best bid"
    return f"{distance * 100:.1f} % {word}, {best:f}"


def second_thought(
    side: Side,
    price: Decimal,
    contracts: int,
    book: Book,
    instrument: Instrument,
    robot: RobotRow | None,
) -> str | None:
    """Return the question for an order that looks like a slip of the hand; None: it does not.

    That is a price far through the book, with what it may cost, or a bot whose position would turn.
    """
    found = []
    far = far_from_book(side, price, book)
    if far is not None:
        found.append(far + _cost(side, price, contracts, book, instrument, robot))
    position = robot.position * side.sign if robot else 0  # < 0: the order reduces it
    if robot and position < 0 < position + contracts:
        after = robot.position + side.sign * contracts
        shown = [quantity_text(each, instrument) for each in (robot.position, after)]
        found.append(f"this turns {robot.emi} from {shown[0]} to {shown[1]}")
    return f"{'; '.join(found)}. Press again to send." if found else None


def _cost(
    side: Side,
    price: Decimal,
    contracts: int,
    book: Book,
    instrument: Instrument,
    robot: RobotRow | None,
) -> str:
    """Return in money how much worse than the best price the order may be filled."""
    if robot is None:
        return ""
    best = (book.asks if side is Side.BUY else book.bids)[0][0]
    signed = contracts * side.sign
    values = [trade_value(instrument, each, signed, robot.scale) for each in (best, price)]
    loss = amount(values[0] - values[1], robot.scale)
    return f": up to {loss:f} {robot.currency} worse"
