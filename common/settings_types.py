"""The settings of the program as frozen values; `settings.py` reads them from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from common.domain.executions import Network
from common.domain.instruments import Symbol
from common.domain.trading_limits import TradingLimits


class Secret:
    """A text that never shows itself: `repr`, `str` and formatting give `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one place that needs it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled")


class Depth(str, Enum):
    """ORDER_BOOK_DEPTH: how much of the order book is streamed."""

    TEN = "orderBook10"  # ten levels of each side
    BEST = "quote"  # only the best bid and ask


@dataclass(frozen=True, slots=True)
class MarketSettings:
    """How to reach one exchange and what to trade there."""

    name: str  # as in MARKET_LIST
    network: Network
    http_url: str  # ends with "/"
    ws_url: str
    api_key: Secret
    api_secret: Secret
    symbols: tuple[Symbol, ...]  # in the order of the settings
    currencies: tuple[str, ...]
    depth: Depth
    dead_man: int = 0  # seconds of the dead man's switch; 0: off
    limits: TradingLimits = field(default_factory=TradingLimits)
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    # key -> "file, line N", for sentences about a value that only the exchange can judge


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """The books in one file."""

    path: Path


@dataclass(frozen=True, slots=True)
class MysqlSettings:
    """The books on a MySQL or MariaDB server."""

    host: str
    port: int
    user: str
    password: Secret
    database: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a profile says."""

    profile: Path  # folder of settings, history.ini, tmatic.db, data/, logs/ and perhaps algo/
    demo: bool  # no .env: the embedded exchange is started as a child
    markets: tuple[MarketSettings, ...]
    database: SqliteSettings | MysqlSettings
    refresh_rate: int  # repaints a second, 1 .. 10
    warnings: tuple[str, ...] = ()  # shown at start, e.g. an instrument that cannot be used
