"""The vocabulary between presenter and widgets: columns, rows, and colours by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from common.domain.orders import Side


class Tone(str, Enum):
    """Why a text has its colour; the theme decides which colour that is."""

    TEXT = "text"
    DIM = "dim"  # of minor interest, or nothing to show
    GOOD = "good"  # bought, gained, working
    BAD = "bad"  # sold, lost, stopped
    WARN = "warn"  # a person should look
    ACCENT = "accent"  # names, headings
    OWN_BUY = "own_buy"  # on the colour of an own buy order
    OWN_SELL = "own_sell"  # on the colour of an own sell order


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; `chars` is its width before any longer text has come."""

    title: str
    chars: int
    right: bool = False  # numbers are aligned at their last digit


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: texts and tones cell by cell. `key` names what the row is about."""

    key: str
    texts: tuple[str, ...]
    tones: tuple[Tone, ...]


@dataclass(frozen=True, slots=True)
class BookRow:
    """One price of an order book: left QTY, PRICE, right QTY.

    A bid has the market's quantity on the left and the account's own on the right; an ask the
    other way round. `share` is the market's quantity in per cent of the largest one shown.
    """

    side: Side  # Buy: a bid, Sell: an ask
    price: Decimal
    texts: tuple[str, str, str]
    own: bool
    share: int
    fresh: bool = True  # False: painted dim


@dataclass(frozen=True, slots=True)
class BookTable:
    """An order book as it is painted: asks from the best upwards, bids from the best down."""

    asks: Sequence[BookRow]
    bids: Sequence[BookRow]
    spread: str
    fresh: bool = True  # False: the last known prices
