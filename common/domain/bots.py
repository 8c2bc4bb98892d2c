"""What the terminal knows of a bot's strategy: its code, its log, and what a stop means for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from common.domain.orders import Side


class OnStop(str, Enum):
    """What becomes of a bot's open orders when it is stopped by its own fault."""

    LEAVE = "leave"
    CANCEL = "cancel"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class BotCode:
    """The code that a bot runs."""

    file: str  # of its function, e.g. "algo/strategy.py"
    saved: datetime | None  # when that file was changed last, aware UTC
    digest: str  # eight hexadecimal digits over its files: equal code has equal digits


@dataclass(frozen=True, slots=True)
class BotFill:
    """Contracts that a bot has bought or sold, by a row of the books."""

    side: Side
    price: Decimal | None  # None: the exchange told none
    quantity: int  # contracts
    order: str  # clOrdID; "": not an order of this program's
    at: datetime  # aware UTC


@dataclass(frozen=True, slots=True)
class BotLine:
    """One line of a bot's log."""

    at: datetime  # aware UTC
    text: str
    error: bool = False  # counted in ERRORS
