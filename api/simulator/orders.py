"""Orders: their life and their figures. What a request must look like is in `entry`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from api.simulator.contracts import Contract, Kind
from api.simulator.matching import Resting
from api.simulator.ports import Row

STOP_TYPES = frozenset({"Stop", "StopLimit", "MarketIfTouched", "LimitIfTouched"})
PRICED_TYPES = frozenset({"Limit", "StopLimit", "LimitIfTouched", "Pegged"})
_SAVED = (
    *(
        "order_id",
        "number",
        "account",
        "symbol",
        "side",
        "quantity",
        "ticks",
        "kind",
        "time_in_force",
    ),
    *("client_id", "link_id", "display", "stop", "peg_offset", "peg_type", "contingency"),
    *("text", "status", "leaves", "filled", "triggered", "working", "transacted", "updated"),
)
_SAVED_IF_SET = ("whole", "awaits_fill", "reject_reason")  # states of before lack them
POST_ONLY = "ParticipateDoNotInitiate"


def restored(figures: Mapping[str, Any]) -> Order:
    """Return the order whose `figures` these are. Raises KeyError, TypeError or ValueError."""
    values = {name: figures[name] for name in _SAVED}
    for name in (
        "number",
        "account",
        "side",
        "quantity",
        "leaves",
        "filled",
        "transacted",
        "updated",
    ):
        if type(values[name]) is not int:
            raise TypeError(f"{name} {values[name]!r} is not a whole number")
    order = Order(**values, instructions=tuple(figures["instructions"]))
    for name in _SAVED_IF_SET:
        if name in figures:
            setattr(order, name, figures[name])
    order.fills = {int(ticks): int(quantity) for ticks, quantity in figures["fills"]}
    return order


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """An order of a customer, in the exchange's words."""

    order_id: str
    account: int
    symbol: str
    number: int = 0  # later orders have higher ones
    side: int  # BUY or SELL
    quantity: int  # orderQty, the total
    ticks: int | None  # limit price; None: market
    kind: str  # ordType
    time_in_force: str
    client_id: str | None = None  # clOrdID
    link_id: str | None = None  # clOrdLinkID
    display: int | None = None
    stop: int | None = None  # stopPx in ticks
    peg_offset: int | None = None  # pegOffsetValue in ticks
    peg_type: str | None = None
    instructions: tuple[str, ...] = ()  # execInst
    contingency: str | None = None
    whole: bool = False  # a Close stop without orderQty: takes the position there is by then
    awaits_fill: bool = False  # of the order that triggers this one
    text: str = "Submitted via API."
    status: str = "New"
    leaves: int = 0
    filled: int = 0  # cumQty
    fills: dict[int, int] = field(default_factory=dict)  # contracts by price in ticks
    triggered: str | None = None
    reject_reason: str | None = None
    working: bool = False
    transacted: int = 0  # ms
    updated: int = 0  # ms
    resting: Resting | None = None
    published: Row | None = None  # the row as the order table last showed it

    @property
    def is_open(self) -> bool:
        """Tell whether the order may still trade."""
        return self.status in ("New", "PartiallyFilled")

    @property
    def waits_for_trigger(self) -> bool:
        """Tell whether the order is a stop whose price was not reached yet."""
        return self.kind in STOP_TYPES and self.triggered is None

    @property
    def is_dormant(self) -> bool:
        """Tell whether the order binds no margin and cannot trade yet."""
        return self.waits_for_trigger or self.awaits_fill

    @property
    def limit(self) -> int | None:
        """Return the worst price it trades at, in ticks; None: any price."""
        return self.ticks if self.kind in PRICED_TYPES else None

    @property
    def reduces_only(self) -> bool:
        """Tell whether it must not open or enlarge a position."""
        return "ReduceOnly" in self.instructions or "Close" in self.instructions

    @property
    def trigger(self) -> str:
        """Return which price triggers it: MarkPrice, LastPrice or IndexPrice."""
        for name in ("LastPrice", "IndexPrice"):
            if name in self.instructions:
                return name
        return "MarkPrice"

    def is_reached(self, price: int, scale: int, ticks_per_unit: int) -> bool:
        """Tell whether a trigger price (price / scale) has reached stopPx.

        A stop buys when the price rises to stopPx and sells when it falls to it; an if-touched
        order the other way round.
        """
        if self.stop is None:
            return False
        direction = self.side if self.kind in ("Stop", "StopLimit") else -self.side
        return direction * (price * ticks_per_unit - self.stop * scale) >= 0

    def fill(self, ticks: int, quantity: int) -> None:
        """Count a fill."""
        self.filled += quantity
        self.leaves -= quantity
        self.fills[ticks] = self.fills.get(ticks, 0) + quantity
        self.status = "PartiallyFilled" if self.leaves else "Filled"
        self.working = self.leaves > 0

    def figures(self) -> Row:
        """Return everything that must survive a restart, as JSON."""
        row: Row = {name: getattr(self, name) for name in _SAVED}
        for name in _SAVED_IF_SET:
            if value := getattr(self, name):
                row[name] = value
        row["instructions"] = list(self.instructions)
        row["fills"] = [[ticks, quantity] for ticks, quantity in self.fills.items()]
        return row

    def finish(self, reason: str) -> None:
        """Cancel what is left, saying why before the text of the order."""
        self.status, self.leaves, self.working = "Canceled", 0, False
        self.text = f"{reason}\n{self.text}"

    def reject(self, reason: str) -> None:
        """End an order that was accepted but could not be executed when its time came."""
        self.finish(f"Rejected: {reason}")
        self.status, self.reject_reason = "Rejected", reason


def average_price(order: Order, contract: Contract) -> float | None:
    """Return avgPx: the price at which all fills together would have cost the same.

    Inverse contracts: the harmonic mean, else the arithmetic one, to 4 decimals.
    """
    if not order.fills:
        return None
    if len(order.fills) == 1:
        return contract.price(next(iter(order.fills)))
    if contract.kind is Kind.INVERSE:
        total = sum(Fraction(quantity, ticks) for ticks, quantity in order.fills.items())
        average = Fraction(order.filled) / total
    else:
        average = Fraction(sum(t * q for t, q in order.fills.items()), order.filled)
    return round(float(average / contract.ticks_per_unit), 4)
