"""The tables of the realtime API: their keys and the types of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """What a partial says about its rows."""

    keys: Sequence[str]
    types: Mapping[str, str]
    private: bool = False  # rows belong to an account
    by_symbol: bool = True  # a subscription may name a symbol


def typed(**columns: str) -> dict[str, str]:
    """Return {column: type} for columns named per type, "plain" being the empty type."""
    return {
        name: "" if kind == "plain" else kind
        for kind, names in columns.items()
        for name in names.split()
    }


_ORDER = typed(
    guid="orderID",
    plain="clOrdID clOrdLinkID ordRejReason text",
    long="account orderQty displayQty leavesQty cumQty",
    symbol="symbol strategy side pegPriceType currency settlCurrency ordType timeInForce execInst"
    " contingencyType ordStatus triggered",
    float="price stopPx pegOffsetValue avgPx",
    boolean="workingIndicator",
    timestamp="transactTime timestamp",
)
_EXECUTION = _ORDER | typed(
    guid="execID trdMatchID",
    long="lastQty execCost execComm brokerExecComm realisedPnl",
    float="lastPx commission brokerCommission homeNotional foreignNotional",
    symbol="lastLiquidityInd execType feeType tradePublishIndicator trdType",
)
_POSITION = typed(
    long="account riskLimit rebalancedPnl prevRealisedPnl prevUnrealisedPnl openingQty"
    " openOrderBuyQty openOrderBuyCost openOrderBuyPremium openOrderSellQty openOrderSellCost"
    " openOrderSellPremium currentQty currentCost currentComm realisedCost unrealisedCost"
    " grossOpenPremium markValue riskValue posCost posCross posComm posLoss posMargin posMaint"
    " posInit initMargin maintMargin realisedPnl unrealisedPnl",
    symbol="symbol strategy currency underlying quoteCurrency posState",
    float="commission initMarginReq maintMarginReq leverage deleveragePercentile markPrice"
    " homeNotional foreignNotional unrealisedPnlPcnt unrealisedRoePcnt avgCostPrice avgEntryPrice"
    " breakEvenPrice marginCallPrice liquidationPrice bankruptPrice",
    boolean="crossMargin isOpen",
    timestamp="timestamp",
)
_MARGIN = typed(
    long="account riskLimit amount prevRealisedPnl grossComm grossOpenCost grossOpenPremium"
    " grossExecCost grossMarkValue riskValue initMargin maintMargin targetExcessMargin realisedPnl"
    " unrealisedPnl walletBalance marginBalance excessMargin availableMargin withdrawableMargin"
    " systemWithdrawableMargin foreignMarginBalance foreignRequirement",
    symbol="currency state",
    float="marginLeverage marginUsedPcnt makerFeeDiscount takerFeeDiscount",
    timestamp="timestamp",
)
_WALLET = typed(
    long="account deposited withdrawn transferIn transferOut amount pendingCredit pendingDebit"
    " confirmedDebit",
    symbol="currency",
    timestamp="timestamp",
)
_TRANSACT = typed(
    guid="transactID orderID",
    long="account amount fee walletBalance",
    symbol="currency network transactType transactStatus",
    plain="address tx text",
    timestamp="transactTime timestamp",
)
_INSTRUMENT = typed(
    symbol="symbol rootSymbol state typ positionCurrency underlying quoteCurrency underlyingSymbol"
    " reference referenceSymbol settlCurrency fundingBaseSymbol fundingQuoteSymbol"
    " fundingPremiumSymbol lastTickDirection fairMethod markMethod pool",
    timestamp="listing front expiry settle listedSettle publishTime fundingTimestamp"
    " rebalanceTimestamp openingTimestamp closingTimestamp timestamp",
    timespan="calcInterval publishInterval fundingInterval rebalanceInterval",
    long="maxOrderQty lotSize multiplier underlyingToPositionMultiplier"
    " underlyingToSettleMultiplier quoteToSettleMultiplier riskLimit riskStep prevTotalVolume"
    " totalVolume volume volume24h prevTotalTurnover totalTurnover turnover turnover24h"
    " openInterest openValue instrumentID",
    float="maxPrice minPrice tickSize minTick initMargin maintMargin limit makerFee takerFee"
    " settlementFee fundingBaseRate fundingQuoteRate fundingRate indicativeFundingRate"
    " prevClosePrice limitDownPrice limitUpPrice homeNotional24h foreignNotional24h prevPrice24h"
    " vwap highPrice lowPrice lastPrice lastPriceProtected lastChangePcnt bidPrice midPrice"
    " askPrice impactBidPrice impactMidPrice impactAskPrice fairBasisRate fairBasis fairPrice"
    " markPrice indicativeSettlePrice settledPriceAdjustmentRate settledPrice",
    boolean="isQuanto isInverse capped taxed deleverage hasLiquidity instantPnl",
)
_LEVEL = typed(
    symbol="symbol side", long="id size", float="price", timestamp="timestamp transactTime"
)
_TRADE = typed(
    timestamp="timestamp",
    symbol="symbol side tickDirection trdType",
    long="size grossValue",
    float="price homeNotional foreignNotional",
    guid="trdMatchID",
)
_BIN = typed(
    timestamp="timestamp",
    symbol="symbol",
    float="open high low close vwap homeNotional foreignNotional",
    long="trades volume lastSize turnover",
)
_QUOTE = typed(
    timestamp="timestamp", symbol="symbol", long="bidSize askSize", float="bidPrice askPrice"
)
_NOTICE = typed(long="id", plain="link title content", timestamp="date")

TABLES: Mapping[str, Table] = {
    "instrument": Table(("symbol",), _INSTRUMENT),
    "quote": Table((), _QUOTE),
    "trade": Table((), _TRADE),
    "orderBookL2": Table(("symbol", "id", "side"), _LEVEL),
    "orderBookL2_25": Table(("symbol", "id", "side"), _LEVEL),
    "orderBook10": Table(
        ("symbol",), {"symbol": "symbol", "bids": "", "asks": "", "timestamp": "timestamp"}
    ),
    **{f"tradeBin{size}": Table((), _BIN) for size in ("1m", "5m", "1h", "1d")},
    **{f"quoteBin{size}": Table((), _QUOTE) for size in ("1m", "5m", "1h", "1d")},
    "funding": Table(
        ("timestamp", "symbol"),
        typed(
            timestamp="timestamp",
            symbol="symbol",
            timespan="fundingInterval",
            float="fundingRate fundingRateDaily",
        ),
    ),
    "settlement": Table(
        ("timestamp", "symbol"),
        typed(
            timestamp="timestamp",
            symbol="symbol settlementType",
            float="settledPrice optionStrikePrice optionUnderlyingPrice taxRate",
            long="bankrupt taxBase",
        ),
    ),
    "liquidation": Table(
        ("orderID",),
        typed(guid="orderID", symbol="symbol side", float="price", long="leavesQty"),
    ),
    "insurance": Table(
        ("currency", "timestamp"),
        typed(symbol="currency", timestamp="timestamp", long="walletBalance"),
        by_symbol=False,
    ),
    "announcement": Table(("id",), _NOTICE, by_symbol=False),
    "publicNotifications": Table(("id",), _NOTICE, by_symbol=False),
    "connected": Table(("id",), typed(long="id users bots"), by_symbol=False),
    "chat": Table(
        ("id",),
        typed(long="id channelID", plain="user message html", timestamp="date", boolean="fromBot"),
        by_symbol=False,
    ),
    "order": Table(("orderID",), _ORDER, private=True),
    "execution": Table((), _EXECUTION, private=True),
    "position": Table(("account", "symbol", "strategy"), _POSITION, private=True),
    "margin": Table(("account", "currency"), _MARGIN, private=True),
    "wallet": Table(("account", "currency"), _WALLET, private=True),
    "transact": Table(("transactID",), _TRANSACT, private=True, by_symbol=False),
    "privateNotifications": Table(("id",), _NOTICE, private=True, by_symbol=False),
    "affiliate": Table(
        ("account", "currency"),
        typed(long="account", symbol="currency"),
        private=True,
        by_symbol=False,
    ),
}
