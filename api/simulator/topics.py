"""Topics of the realtime API: their names, who may see them and what they select."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from api.simulator.ports import Json, Row

# Tables whose rows belong to an account.
PRIVATE_TABLES = frozenset(
    {
        "account",
        "affiliate",
        "execution",
        "margin",
        "order",
        "position",
        "privateNotifications",
        "transact",
        "wallet",
    }
)
ACCOUNT_LOCKED = ",".join(sorted(PRIVATE_TABLES))
PUBLIC_TABLES = frozenset(
    {
        "announcement",
        "chat",
        "connected",
        "funding",
        "instrument",
        "insurance",
        "liquidation",
        "orderBook10",
        "orderBookL2",
        "orderBookL2_25",
        "publicNotifications",
        "quote",
        "quoteBin1m",
        "quoteBin5m",
        "quoteBin1h",
        "quoteBin1d",
        "settlement",
        "trade",
        "tradeBin1m",
        "tradeBin5m",
        "tradeBin1h",
        "tradeBin1d",
    }
)
PLATFORM_TABLES = frozenset(
    {"announcement", "chat", "connected", "privateNotifications", "publicNotifications"}
)
# Tables that know no symbol; `margin:XBTUSD` is a topic all the same, with the rows of `margin`.
WITHOUT_SYMBOL = frozenset(
    {
        "account",
        "affiliate",
        "announcement",
        "chat",
        "connected",
        "insurance",
        "margin",
        "privateNotifications",
        "publicNotifications",
        "transact",
        "wallet",
    }
)
# First letters of an instrument's `typ` (ISO 10962): futures and swaps, spot pairs, indices.
GROUPS = {
    "CONTRACTS": ("F", "O"),
    "DERIVATIVES": ("F", "O"),
    "SPOT": ("I",),
    "INDICES": ("M",),
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A table and the part of it that a client asked for."""

    table: str
    filter: str = ""  # a symbol or a group of instruments; "": everything
    symbols: frozenset[str] | None = None  # what the filter stands for; None: rows of any symbol

    @property
    def canonical(self) -> str:
        """Name that two spellings of one topic share."""
        return f"{self.table}:{self.filter or '*'}"

    @property
    def is_symbol(self) -> bool:
        """Whether the filter is one symbol rather than a group."""
        return self.symbols is not None and self.filter in self.symbols


def parse_topic(name: str) -> Topic | None:
    """Read `table` or `table:FILTER`; None for a table that does not exist."""
    table, _, wanted = name.partition(":")
    if table not in PRIVATE_TABLES and table not in PUBLIC_TABLES:
        return None
    return Topic(table, "" if wanted == "*" else wanted)


def select(topic: Topic, instruments: Iterable[Row]) -> Topic:
    """Return the topic with the symbols that its filter stands for; empty if it names nothing."""
    kinds = GROUPS.get(topic.filter) if topic.table == "instrument" else None
    symbols = frozenset(
        str(row["symbol"])
        for row in instruments
        if (str(row.get("typ", "")).startswith(kinds) if kinds else row["symbol"] == topic.filter)
    )
    return replace(topic, symbols=symbols)


def help_text() -> dict[str, Json]:
    """Return what the operation `help` and the route /schema/websocketHelp tell."""
    return {
        "info": "See https://www.bitmex.com/app/wsAPI for more documentation.",
        "usage": 'Send a JSON message: {"op": <operation>, "args": [<topic>, ...]}.',
        "ops": ["authKeyExpires", "cancelAllAfter", "help", "subscribe", "unsubscribe"],
        "subscribe": 'A topic is "table" or "table:SYMBOL", for example "trade:XBTUSD".',
        "subscriptionSubjects": {
            "authenticationRequired": sorted(PRIVATE_TABLES),
            "public": sorted(PUBLIC_TABLES),
        },
    }
