"""What the settings file of one market says: instruments, currencies, addresses and keys."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal

from common.domain.executions import Network
from common.domain.instruments import Category, Instrument, Symbol
from common.domain.trading_limits import TradingLimits
from common.endpoints import check_url, host_of, is_loopback
from common.env_file import EnvFile, showable_name
from common.settings_types import Depth, MarketSettings, Secret, Settings

LIMIT_KEYS = (
    "PRICE_BAND_PERCENT",
    "MAX_ORDER_LOTS",
    "MAX_ORDER_VALUE",
    "MAX_POSITION_LOTS",
    "BOT_REQUESTS_PER_MINUTE",
)
SYMBOL_KEYS = {f"{category.value.upper()}_SYMBOLS": category for category in Category}
TESTNET_PREFIX = "TESTNET_"
_ACCESS_KEYS = ("HTTP_URL", "WS_URL", "API_KEY", "API_SECRET")
MARKET_KEYS = (
    *SYMBOL_KEYS,
    "CURRENCIES",
    "DEAD_MANS_SWITCH",
    *LIMIT_KEYS,
    *_ACCESS_KEYS,
    *(TESTNET_PREFIX + key for key in _ACCESS_KEYS),
)
LONGEST_SHOWN = 20  # characters; keys and secrets of exchanges are longer
LONGEST_TICKER = 25  # characters
SWITCH_SECONDS = range(10, 3601)  # of the dead man's switch

_LIMIT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,8})?")
_TICKER = re.compile(rf"[0-9A-Za-z_.:-]{{1,{LONGEST_TICKER}}}")
_CURRENCY = re.compile(r"[0-9A-Za-z]{2,10}")
_CREDENTIAL = re.compile(r"[!-~]+")  # what fits into a request header
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
    prefix = TESTNET_PREFIX if testnet else ""
    urls = _urls(file, prefix, testnet=testnet)
    key = _credential(file, prefix + "API_KEY")
    secret = _credential(file, prefix + "API_SECRET")
    if urls is None or key is None or secret is None:
        return None
    network = _network(urls[0], testnet=testnet)
    if network is not Network.DEMO:
        _warn_of_one_key_for_both(file)
    return MarketSettings(
        name=name,
        network=network,
        http_url=urls[0],
        ws_url=urls[1],
        api_key=key,
        api_secret=secret,
        symbols=symbols,
        currencies=currencies,
        depth=depth,
        dead_man=dead_man,
        limits=limits,
        places={key: file.place(key) for key in MARKET_KEYS},
    )


def missing_currencies(settings: Settings, instruments: Collection[Instrument]) -> list[str]:
    """Return a sentence for every settlement currency that CURRENCIES does not list.

    Only the exchange knows what an instrument settles in, so this is asked after its answer;
    `instruments` outside the settings of their market are passed over.
    """
    by_symbol = {instrument.symbol: instrument for instrument in instruments}
    sentences = []
    for market in settings.markets:
        missing: dict[str, list[str]] = {}
        for symbol in market.symbols:
            instrument = by_symbol.get(symbol)
            if instrument and instrument.settlement_currency not in market.currencies:
                missing.setdefault(instrument.settlement_currency, []).append(symbol.ticker)
        wanted = ", ".join((*market.currencies, *missing))
        sentences += [
            f"{_place(market, 'CURRENCIES')}: CURRENCIES lacks {currency}, the settlement currency"
            f' of {", ".join(tickers)}; write CURRENCIES = "{wanted}"'
            for currency, tickers in missing.items()
        ]
    return sentences


def missing_symbols(
    market: MarketSettings, instruments: Collection[Instrument]
) -> dict[Symbol, str]:
    """Return symbols that the exchange does not have in their category, each with a sentence."""
    existing = {instrument.symbol for instrument in instruments}
    sentences = {}
    for symbol in market.symbols:
        if symbol in existing:
            continue
        key = f"{symbol.category.value.upper()}_SYMBOLS"
        sentences[symbol] = (
            f"{_place(market, key)}: {key} names {symbol.ticker}, but {market.name} has no such"
            f" {symbol.category} instrument; correct it, or move it to the list of its category"
        )
    return sentences


def _place(market: MarketSettings, key: str) -> str:
    return market.places.get(key, f"settings of {market.name}")


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


def _urls(file: EnvFile, prefix: str, *, testnet: bool) -> tuple[str, str] | None:
    """Return the addresses of REST (with a slash at its end) and WebSocket."""
    http_key, ws_key = prefix + "HTTP_URL", prefix + "WS_URL"
    http_url = _url(file, http_key, "https", "http", "/api/v1/")
    ws_url = _url(file, ws_key, "wss", "ws", "/realtime")
    if http_url is None or ws_url is None:
        return None
    if is_loopback(host_of(http_url)) != is_loopback(host_of(ws_url)):
        file.refuse(
            ws_key,
            f"and {http_key} must name the same exchange;"
            " one of them is on this machine and the other is not",
        )
        return None
    if not _networks_kept_apart(file, prefix, testnet=testnet):
        return None
    return http_url.rstrip("/") + "/", ws_url


def _url(file: EnvFile, key: str, secure: str, plain: str, path: str) -> str | None:
    text = file.required(key, f"{secure}://host of the exchange{path}")
    if text is None:
        return None
    complaint = check_url(text.strip(), secure, plain)
    if complaint:
        file.refuse(key, complaint)
        return None
    return text.strip()


def _networks_kept_apart(file: EnvFile, prefix: str, *, testnet: bool) -> bool:
    """Refuse addresses under which the chosen network would be the other one."""
    apart = True
    for key in ("HTTP_URL", "WS_URL"):
        host = host_of(file.optional(prefix + key).strip())
        other = host_of(file.optional(("" if testnet else TESTNET_PREFIX) + key).strip())
        if is_loopback(host):
            continue
        if host == other:
            file.refuse(
                prefix + key,
                "names the same host as the key of the other network;"
                " write the address of the real and of the test network into their own keys",
            )
            apart = False
        elif not testnet and "testnet" in host:
            file.refuse(
                prefix + key,
                'names a test network, but TESTNET is "False"; correct one of the two',
            )
            apart = False
    return apart


def _credential(file: EnvFile, key: str) -> Secret | None:
    text = file.required(key, "...")
    if text is None:
        return None
    if not _CREDENTIAL.fullmatch(text.strip()):
        file.refuse(
            key,
            "contains spaces or letters that no key has;"
            " copy it again from the page of the exchange where it was made",
        )
        return None
    return Secret(text.strip())


def _network(http_url: str, *, testnet: bool) -> Network:
    """Return whose money it is; an exchange on this machine is always the demo."""
    if is_loopback(host_of(http_url)):
        return Network.DEMO
    return Network.TEST if testnet else Network.REAL


def _warn_of_one_key_for_both(file: EnvFile) -> None:
    real, test = file.optional("API_KEY").strip(), file.optional("TESTNET_API_KEY").strip()
    if real and real == test:
        file.warn("TESTNET_API_KEY", "is the same as API_KEY; each network gives its own key")
