"""What is traded: symbols and the contract figures of their instruments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum


class Category(str, Enum):
    """How the value of a contract follows its price."""

    LINEAR = "linear"  # value = quantity x price x multiplier, settled in the quote currency
    INVERSE = "inverse"  # value = quantity / price x multiplier, settled in the underlying
    QUANTO = "quanto"  # value = quantity x price x multiplier, settled in a third currency
    SPOT = "spot"  # the currencies themselves change hands
    OPTION = "option"

    __hash__ = str.__hash__  # as equal texts have, and faster than that of an Enum

    __hash__ = str.__hash__  # the text's own: symbols are looked up for every row

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A ticker together with its category; `str()` is the RESERVED bot's EMI."""

    ticker: str
    category: Category

    def __str__(self) -> str:
        return f"{self.ticker}.{self.category.value}"


@dataclass(frozen=True, slots=True)
class Instrument:
    """The contract figures of one instrument.

    Quantities are whole contracts everywhere inside the program. A trader sees
    `contracts / contracts_per_unit`, e.g. 100 contracts of XBTUSDT are 0.0001 XBT.
    """

    symbol: Symbol
    tradable: bool  # the exchange accepts orders for it now
    state: str  # the exchange's own word: Open, Settled, ...
    tick_size: Decimal  # quote currency
    lot_size: int  # contracts; orders are multiples of it
    multiplier: int  # smallest unit of the settlement currency per contract; < 0: inverse
    contracts_per_unit: int  # "myMultiplier": contracts in one unit that the screen shows
    quote_currency: str  # e.g. "USD"
    settlement_currency: str  # e.g. "XBt"; of spot: the quote currency's wallet name
    base_currency: str  # e.g. "XBT"
    max_quantity: int | None = None  # contracts
    max_price: Decimal | None = None
    maker_fee: Decimal = Decimal(0)  # share of the value, > 0: paid
    taker_fee: Decimal = Decimal(0)
    expiry: datetime | None = None  # aware UTC; None: perpetual or spot
    listing: datetime | None = None
    ended: bool = False  # settled or delisted for good: neither streamed nor traded any more

    @property
    def price_decimals(self) -> int:
        """Digits after the point of a price on the tick grid."""
        return max(0, -int(self.tick_size.normalize().as_tuple().exponent))

    @property
    def quantity_decimals(self) -> int:
        """Digits after the point of a quantity in screen units."""
        smallest = Decimal(self.lot_size) / Decimal(self.contracts_per_unit)
        return max(0, -int(smallest.normalize().as_tuple().exponent))

    def shown(self, contracts: int) -> str:
        """Return a quantity as the screen shows it, e.g. "0.0001" for 100 contracts."""
        units = Decimal(contracts) / Decimal(self.contracts_per_unit)
        decimals = max(self.quantity_decimals, -int(units.normalize().as_tuple().exponent))
        return f"{units:.{decimals}f}"


@dataclass(frozen=True, slots=True)
class Currency:
    """A wallet currency: integers of it count units of 10**-scale of `major`."""

    code: str  # "XBt"
    major: str  # "XBT"
    scale: int  # 8
