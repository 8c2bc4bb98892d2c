"""The objects that REST answers consist of: their columns, types and required columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.simulator.tables import TABLES, typed


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of object; types are those of the realtime tables, and "list" and "object"."""

    types: Mapping[str, str]
    required: Sequence[str] = ()
    table: str = ""  # the realtime table with the same rows


def _table(name: str, *required: str) -> Model:
    return Model(TABLES[name].types, required or TABLES[name].keys, name)


MODELS: Mapping[str, Model] = {
    "Announcement": _table("announcement", "id"),
    "APIKey": Model(
        typed(
            plain="id name cidr",
            long="nonce userId",
            list="cidrs permissions",
            boolean="enabled",
            timestamp="created",
        ),
        ("id", "name", "nonce", "userId"),
    ),
    "AssetsConfig": Model(
        typed(
            plain="asset currency majorCurrency name currencyType",
            long="scale minDepositAmount minWithdrawalAmount maxWithdrawalAmount",
            boolean="enabled isMarginCurrency memoRequired",
            list="networks",
        ),
        ("asset",),
    ),
    "Execution": _table("execution", "execID", "timestamp"),
    "Funding": _table("funding"),
    "GlobalNotification": Model(
        typed(long="id ttl", plain="title body type", timestamp="date"),
        ("date", "title", "body", "ttl"),
    ),
    "Instrument": _table("instrument"),
    "InstrumentInterval": Model(typed(list="intervals symbols"), ("intervals", "symbols")),
    "Insurance": _table("insurance"),
    "Leaderboard": Model(typed(plain="name", boolean="isRealName", float="profit"), ("name",)),
    "Liquidation": _table("liquidation"),
    "Margin": _table("margin"),
    "NetworksConfig": Model(
        typed(
            plain="network name currency networkSymbol transactionExplorer tokenExplorer",
            long="depositConfirmations",
            boolean="enabled",
        ),
        ("network",),
    ),
    # The answer to a cancel that failed also has "error".
    "Order": Model({**TABLES["order"].types, "error": ""}, (), "order"),
    "OrderBookL2": _table("orderBookL2"),
    "Position": _table("position", "account", "symbol"),
    "Quote": _table("quote", "timestamp", "symbol"),
    "Settlement": _table("settlement"),
    "Stats": Model(
        typed(symbol="rootSymbol currency", long="volume24h turnover24h openInterest openValue"),
        ("rootSymbol",),
    ),
    "Trade": _table("trade", "timestamp", "symbol"),
    "TradeBin": _table("tradeBin1m", "timestamp", "symbol"),
    "TradingVolume": Model(typed(float="advUsd advUsdSpot advUsdContract"), ("advUsd",)),
    # The row of the unrealised profit of now, which leads the history, has no transactID.
    "Transaction": Model({**TABLES["transact"].types, "marginBalance": "long"}, (), "transact"),
    "User": Model(
        typed(
            long="id",
            plain="username accountName email TFAEnabled affiliateID country geoipCountry"
            " geoipRegion typ",
            boolean="isUser",
            timestamp="created lastUpdated firstTradeTimestamp firstDepositTimestamp",
            object="preferences",
        ),
        ("username", "isUser"),
    ),
    "UserCommissionsBySymbol": Model({}),
    "Wallet": _table("wallet"),
    "WalletSummaryRecord": Model(
        typed(
            long="account amount pendingDebit realisedPnl walletBalance unrealisedPnl"
            " marginBalance",
            symbol="currency transactType symbol",
        ),
        ("account",),
    ),
}
