"""Profile folders for tests: settings files that are right except for what the test changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from common.market_settings import LIMIT_KEYS

MARKET = "Bitmex"
GENERAL: Mapping[str, str] = {
    "MARKET_LIST": MARKET,
    "ORDER_BOOK_DEPTH": "orderBook10",
    "REFRESH_RATE": "5",
    "TESTNET": "True",
}
MARKET_FILE: Mapping[str, str] = {
    "LINEAR_SYMBOLS": "XBTUSDT, SOLUSDT",
    "INVERSE_SYMBOLS": "XBTUSD",
    "QUANTO_SYMBOLS": "ETHUSD",
    "SPOT_SYMBOLS": "XBT_USDT",
    "OPTION_SYMBOLS": "",
    "CURRENCIES": "XBt, USDt",
    "HTTP_URL": "https://www.bitmex.com/api/v1/",
    "WS_URL": "wss://ws.bitmex.com/realtime",
    "API_KEY": "real-key-of-a-test",
    "API_SECRET": "real-secret-of-a-test",
    "TESTNET_HTTP_URL": "https://testnet.bitmex.com/api/v1/",
    "TESTNET_WS_URL": "wss://ws.testnet.bitmex.com/realtime",
    "TESTNET_API_KEY": "test-key-of-a-test",
    "TESTNET_API_SECRET": "test-secret-of-a-test",
}

OPTIONAL = ("DEAD_MANS_SWITCH", *LIMIT_KEYS)  # keys of the market's file that need not be there


def write_profile(folder: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Write `.env` and `.env.Bitmex` below `folder` and return it.

    `changes` replace or add values under their key, each in the file where the key belongs; None
    leaves the key out. MYSQL_* and keys that no file knows go into `.env`.
    """
    general: dict[str, str | None] = {**GENERAL}
    market: dict[str, str | None] = {**MARKET_FILE}
    for key, value in (changes or {}).items():
        (market if key in MARKET_FILE or key in OPTIONAL else general)[key] = value
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in ((".env", general), (f".env.{MARKET}", market)):
        lines = [f'{key} = "{value}"\n' for key, value in values.items() if value is not None]
        path = folder / name
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
        path.chmod(0o600)
    return folder


def demo_access(rest: str, ws: str, key: str, secret: str) -> dict[str, str]:
    """Return the changes for `write_profile` that make a profile use an exchange on loopback."""
    return {
        "TESTNET_HTTP_URL": rest,
        "TESTNET_WS_URL": ws,
        "TESTNET_API_KEY": key,
        "TESTNET_API_SECRET": secret,
    }
