"""Which gateway serves which market name of MARKET_LIST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from api.bitmex import files
from api.bitmex.closure import check_endpoints
from api.bitmex.currencies import SHIPPED
from api.bitmex.gateway import BitmexGateway
from common.domain.imports import FileRows
from common.domain.instruments import Currency
from common.engine.ports import Gateway
from common.errors import ConfigurationError
from common.settings_types import MarketSettings

_FACTORIES: dict[str, Callable[[MarketSettings], Gateway]] = {"Bitmex": BitmexGateway}
_ENDPOINT_CHECKS: dict[str, Callable[[MarketSettings], None]] = {"Bitmex": check_endpoints}

_CURRENCIES: dict[str, tuple[Currency, ...]] = {"Bitmex": SHIPPED}

_FILES: dict[str, Callable[[Path, int | None], FileRows]] = {"Bitmex": files.read_executions}

MARKETS = tuple(_FACTORIES)  # the names that MARKET_LIST may hold


def create_gateway(settings: MarketSettings) -> Gateway:
    """Return the gateway of a market; ConfigurationError for an unknown name or a bad address."""
    check_market(settings)
    return _FACTORIES[settings.name](settings)


def read_executions(market: str, path: Path, account: int | None = None) -> FileRows:
    """Return the executions of a file in the form of a market; ConfigurationError.

    `account`: whose the rows are that name none.
    """
    return _FILES[market](path, account)


def currency_scales() -> dict[str, int]:
    """Return currency -> decimal places of its smallest unit, without asking any exchange."""
    return {c.code: c.scale for known in _CURRENCIES.values() for c in known}


def check_market(settings: MarketSettings) -> None:
    """Raise ConfigurationError where a market cannot be served as its settings say."""
    if settings.name not in _FACTORIES:
        known = ", ".join(MARKETS)
        raise ConfigurationError(
            f".env: MARKET_LIST names {settings.name!r}, which is not known; use {known}"
        )
    _ENDPOINT_CHECKS[settings.name](settings)
