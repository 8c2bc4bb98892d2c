"""What the settings file of one market says: instruments, currencies, limits, and its access."""

from __future__ import annotations

import re
from decimal import Decimal

from common.domain.instruments import Category, Symbol
from common.domain.trading_limits import TradingLimits
from common.env_file import EnvFile, showable_name
from common.market_access import ACCESS_KEYS, TESTNET_PREFIX, read_access
from common.settings_types import Depth, MarketSettings

LIMIT_KEYS = (
    "PRICE_BAND_PERCENT",
    "MAX_ORDER_LOTS",
    "MAX_ORDER_VALUE",
    "MAX_POSITION_LOTS",
    "BOT_REQUESTS_PER_MINUTE",
)
SYMBOL_KEYS = {f"{category.value.upper()}_SYMBOLS": category for category in Category}
MARKET_KEYS = (
    *SYMBOL_KEYS,
    "CURRENCIES",
    "DEAD_MANS_SWITCH",
    *LIMIT_KEYS,
    *ACCESS_KEYS,
    *(TESTNET_PREFIX + key for key in ACCESS_KEYS),
)
LONGEST_SHOWN = 20  # characters; keys and secrets of exchanges are longer
LONGEST_TICKER = 25  # characters
SWITCH_SECONDS = range(10, 3601)  # of the dead man's switch

_LIMIT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,8})?")
_TICKER = re.compile(rf"[0-9A-Za-z_.:-]{{1,{LONGEST_TICKER}}}")
_CURRENCY = re.compile(r"[0-9A-Za-z]{2,10}")
_SEPARATE = "separate the entries with commas"


def shown(text: str) -> str:
    """Return a wrong value for a message; a long one, perhaps a misplaced secret, is left out."""
    if len(text) <= LONGEST_SHOWN and text.isprintable():
        return f'"{text}"'
    return f"a text of {len(text)} characters"


def read_market(
    file: EnvFile, name: str, *, testnet: bool | None, depth: Depth
) -> MarketSettings | None:
    """Return the settings of market `name`, or None when `file.problems` says why not.

    `testnet` chooses between the plain keys and those with TESTNET_ in front; None: not known,
    so that only what both networks share is checked.
    """
    symbols = _symbols(file)
    currencies = _currencies(file)
    dead_man = _dead_man(file)
    limits = _limits(file)
    if testnet is None:
        return None
    access = read_access(file, testnet=testnet)
    if access is None:
        return None
    return MarketSettings(
        name=name,
        network=access.network,
        http_url=access.http_url,
        ws_url=access.ws_url,
        api_key=access.key,
        api_secret=access.secret,
        symbols=symbols,
        currencies=currencies,
        depth=depth,
        dead_man=dead_man,
        limits=limits,
        places={key: file.place(key) for key in MARKET_KEYS},
    )


def _entries(file: EnvFile, key: str) -> list[str]:
    return [part.strip() for part in file.optional(key).split(",") if part.strip()]


def _symbols(file: EnvFile) -> tuple[Symbol, ...]:
    _refuse_unknown_categories(file)
    found: dict[str, Symbol] = {}
    named = False
    for key, category in SYMBOL_KEYS.items():
        entries = _entries(file, key)
        named = named or bool(entries) or key in file.broken
        if category is Category.OPTION:
            _warn_of_options(file, key, entries)
            continue
        for ticker in entries:
            _take_symbol(file, key, Symbol(ticker, category), found)
    if not named or not (found or file.problems):
        file.problems.append(
            f"{file.path}: {', '.join(SYMBOL_KEYS)} name no instrument that can be traded;"
            " write at least one symbol into the list of its category"
        )
    return tuple(found.values())


def _refuse_unknown_categories(file: EnvFile) -> None:
    categories = ", ".join(str(category) for category in Category)
    for key in file.values:
        if key.endswith("_SYMBOLS") and key not in SYMBOL_KEYS:
            file.problems.append(
                f"{file.place(key)}: {showable_name(key, MARKET_KEYS)} names no category;"
                f" the categories are {categories}, as in LINEAR_SYMBOLS"
            )


def _take_symbol(file: EnvFile, key: str, symbol: Symbol, found: dict[str, Symbol]) -> None:
    ticker = symbol.ticker
    known = found.get(ticker)
    if not _TICKER.fullmatch(ticker):
        file.refuse(key, f"names {shown(ticker)}, which is not a symbol; {_SEPARATE}")
    elif known is None:
        found[ticker] = symbol
    elif known == symbol:
        file.refuse(key, f"names {ticker} twice; delete one of them")
    else:
        file.refuse(
            key,
            f"names {ticker}, which {known.category.value.upper()}_SYMBOLS names too;"
            " an instrument has one category: delete the wrong one",
        )


def _warn_of_options(file: EnvFile, key: str, entries: list[str]) -> None:
    if entries:
        file.warn(
            key,
            f"names {', '.join(shown(ticker) for ticker in entries)}: options cannot be traded"
            " with this program yet and are left out; empty the list to end this message",
        )


def _currencies(file: EnvFile) -> tuple[str, ...]:
    if file.required("CURRENCIES", "XBt, USDt") is None:
        return ()
    found: list[str] = []
    for currency in _entries(file, "CURRENCIES"):
        if not _CURRENCY.fullmatch(currency):
            file.refuse(
                "CURRENCIES", f"names {shown(currency)}, which is not a currency; {_SEPARATE}"
            )
        elif currency in found:
            file.refuse("CURRENCIES", f"names {currency} twice; delete one of them")
        else:
            found.append(currency)
    if not found and not file.problems:
        file.refuse("CURRENCIES", 'names no currency; write e.g. CURRENCIES = "XBt, USDt"')
    return tuple(found)


def _dead_man(file: EnvFile) -> int:
    """Return the seconds of the dead man's switch; 0: off."""
    text = file.optional("DEAD_MANS_SWITCH").strip()
    if text in ("", "0"):
        return 0
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if seconds not in SWITCH_SECONDS:
        file.refuse(
            "DEAD_MANS_SWITCH",
            f"is {shown(text)}; write the seconds of silence after which the exchange cancels all"
            f" orders of the account, {SWITCH_SECONDS[0]} to {SWITCH_SECONDS[-1]}, or 0 for none",
        )
    return seconds


def _limits(file: EnvFile) -> TradingLimits:
    """Return the limits of orders; a key that is absent or empty keeps its default."""
    usual = TradingLimits()
    return TradingLimits(
        price_band=_limit(file, "PRICE_BAND_PERCENT", usual.price_band),
        order_lots=_whole_limit(file, "MAX_ORDER_LOTS", usual.order_lots),
        order_value=_limit(file, "MAX_ORDER_VALUE", usual.order_value),
        position_lots=_whole_limit(file, "MAX_POSITION_LOTS", usual.position_lots),
        bot_requests=_whole_limit(file, "BOT_REQUESTS_PER_MINUTE", usual.bot_requests),
    )


def _limit(file: EnvFile, key: str, usual: Decimal) -> Decimal:
    text = file.optional(key).strip()
    if not text:
        return usual
    if not _LIMIT.fullmatch(text):
        file.refuse(key, f"is {shown(text)}; write a number such as {usual or 100}, 0 for no limit")
        return usual
    return Decimal(text)


def _whole_limit(file: EnvFile, key: str, usual: int) -> int:
    number = _limit(file, key, Decimal(usual))
    if number != number.to_integral_value():
        file.refuse(key, f"is {number:f}; write a whole number, 0 for no limit")
        return usual
    return int(number)
