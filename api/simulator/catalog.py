"""The catalogue of REST routes: one line each, from which requests are routed and described.

Permissions and the limit of ten a second are decided here, the handlers of the venue are looked up
by what stands here, and the description at /api/explorer/swagger.json is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Key = tuple[str, str]  # method in upper case, path below /api/v1


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a route: of the query of a GET, of the body of any other."""

    name: str
    kind: str = "string"  # string, integer, number or boolean
    required: bool = False
    default: str | int | bool | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """What is known of a route without its handler."""

    operation: str  # name for clients that are generated from the description
    summary: str
    model: str  # of the answer; "": an object of any form
    many: bool  # whether the answer is an array
    parameters: Sequence[Parameter]
    permissions: frozenset[str] | None = None  # any of them suffices, none: any key; None: no key
    per_second: bool = False  # counts in the limit of ten a second


def _parameters(text: str) -> list[Parameter]:
    """Read `name`, `name:kind`, `name:kind=default` and `name*` (required), set apart by blanks."""
    return [_parameter(word) for word in text.split()]


def _parameter(word: str) -> Parameter:
    declared, _, default = word.partition("=")
    declared, _, kind = declared.partition(":")
    kind = kind or "string"
    value: str | int | bool | None = default or None
    if default and kind == "integer":
        value = int(default)
    elif default and kind == "boolean":
        value = default == "true"
    return Parameter(declared.rstrip("*"), kind, declared.endswith("*"), value)


_PAGE = "count:integer=100 start:integer=0 reverse:boolean=false"
_TABLE = f"symbol filter columns {_PAGE} startTime endTime"
_BINS = f"binSize=1m partial:boolean=false {_TABLE}"
_CURRENCY = "currency=XBt"
_NEW_ORDER = (
    "symbol* side orderQty:integer price:number displayQty:integer stopPx:number clOrdID"
    " clOrdLinkID pegOffsetValue:number pegPriceType ordType timeInForce execInst contingencyType"
    " text"
)
_AMENDMENT = (
    "orderID origClOrdID clOrdID orderQty:integer leavesQty:integer price:number stopPx:number"
    " pegOffsetValue:number text"
)


def _market(operation: str, summary: str, model: str, parameters: str = "") -> Route:
    """Return a route that anybody may ask for rows."""
    return Route(operation, summary, model, True, _parameters(parameters))


def _own(
    operation: str, summary: str, model: str, parameters: str = "", *, many: bool = True
) -> Route:
    """Return a route that shows an account to any of its keys."""
    return Route(operation, summary, model, many, _parameters(parameters), frozenset())


def _trade(
    operation: str,
    summary: str,
    model: str,
    parameters: str,
    *,
    many: bool = False,
    cancels: bool = False,
    per_second: bool = True,
) -> Route:
    """Return a route that needs a key which may trade, or for `cancels` at least cancel."""
    allowed = frozenset({"order", "orderCancel"} if cancels else {"order"})
    return Route(operation, summary, model, many, _parameters(parameters), allowed, per_second)


CATALOG: Mapping[Key, Route] = {
    ("GET", "/announcement"): _market(
        "Announcement.get", "Announcements of the exchange.", "Announcement", "columns"
    ),
    ("GET", "/announcement/urgent"): _own(
        "Announcement.getUrgent", "Urgent announcements: there are none.", "Announcement"
    ),
    ("GET", "/apiKey"): _own(
        "APIKey.get", "API keys of the account.", "APIKey", "reverse:boolean=false"
    ),
    ("GET", "/execution"): _own(
        "Execution.get", "Every execution report of the account.", "Execution", _TABLE
    ),
    ("GET", "/execution/tradeHistory"): _own(
        "Execution.getTradeHistory", "Executions that moved money.", "Execution", _TABLE
    ),
    ("GET", "/funding"): _market("Funding.get", "Funding rates that were paid.", "Funding", _TABLE),
    ("GET", "/globalNotification"): _own(
        "GlobalNotification.get", "Notifications: there are none.", "GlobalNotification"
    ),
    ("GET", "/instrument"): _market(
        "Instrument.get", "Instruments and indices, settled ones too.", "Instrument", _TABLE
    ),
    ("GET", "/instrument/active"): _market(
        "Instrument.getActive", "Instruments that are open.", "Instrument"
    ),
    ("GET", "/instrument/activeAndIndices"): _market(
        "Instrument.getActiveAndIndices", "Open instruments and all indices.", "Instrument"
    ),
    ("GET", "/instrument/activeIntervals"): Route(
        "Instrument.getActiveIntervals",
        "Names such as XBT:perpetual and the symbols they stand for.",
        "InstrumentInterval",
        False,
        (),
    ),
    ("GET", "/instrument/indices"): _market(
        "Instrument.getIndices", "Price indices.", "Instrument"
    ),
    ("GET", "/insurance"): _market(
        "Insurance.get", "Insurance fund: there is none.", "Insurance", _TABLE
    ),
    ("GET", "/leaderboard"): _market(
        "Leaderboard.get", "Leaderboard: there is none.", "Leaderboard", "method=notional"
    ),
    ("GET", "/liquidation"): _market(
        "Liquidation.get", "Liquidation orders that rest: none does.", "Liquidation", _TABLE
    ),
    ("GET", "/order"): _own("Order.getOrders", "Orders of the account.", "Order", _TABLE),
    ("POST", "/order"): _trade("Order.new", "Place an order.", "Order", _NEW_ORDER),
    ("PUT", "/order"): _trade(
        "Order.amend", "Amend an order named by orderID or origClOrdID.", "Order", _AMENDMENT
    ),
    ("DELETE", "/order"): _trade(
        "Order.cancel",
        "Cancel orders; the answer has an element for each.",
        "Order",
        "orderID clOrdID text",
        many=True,
        cancels=True,
    ),
    ("DELETE", "/order/all"): _trade(
        "Order.cancelAll",
        "Cancel all orders, perhaps of one symbol or side only.",
        "Order",
        "symbol filter text",
        many=True,
        cancels=True,
    ),
    ("POST", "/order/cancelAllAfter"): _trade(
        "Order.cancelAllAfter",
        "Cancel all orders after a time in ms, unless called again; 0 disarms.",
        "",
        "timeout*:number",
        cancels=True,
        per_second=False,
    ),
    ("POST", "/order/closePosition"): _trade(
        "Order.closePosition",
        "Close a position at the market or at a limit price.",
        "Order",
        "symbol* price:number",
        per_second=False,
    ),
    ("GET", "/orderBook/L2"): _market(
        "OrderBook.getL2", "Book of an instrument.", "OrderBookL2", "symbol* depth:integer=25"
    ),
    ("GET", "/position"): _own(
        "Position.get", "Every position ever touched.", "Position", "filter columns count:integer"
    ),
    ("POST", "/position/isolate"): _trade(
        "Position.isolateMargin",
        "Isolate the margin of a position, or margin it with the whole account.",
        "Position",
        "symbol* enabled:boolean=true",
    ),
    ("POST", "/position/leverage"): _trade(
        "Position.updateLeverage",
        "Set the leverage of an isolated position; 0: margin it with the whole account.",
        "Position",
        "symbol* leverage*:number",
    ),
    ("POST", "/position/riskLimit"): _trade(
        "Position.updateRiskLimit",
        "Set the risk limit of a position.",
        "Position",
        "symbol* riskLimit*:integer",
        per_second=False,
    ),
    ("POST", "/position/transferMargin"): _trade(
        "Position.transferIsolatedMargin",
        "Add margin to an isolated position, or take it back with a negative amount.",
        "Position",
        "symbol* amount*:integer",
    ),
    ("GET", "/quote"): _market("Quote.get", "Recent quotes.", "Quote", _TABLE),
    ("GET", "/quote/bucketed"): _market(
        "Quote.getBucketed", "Last quotes of time buckets.", "Quote", _BINS
    ),
    ("GET", "/schema"): Route(
        "Schema.get", "Keys and types of the tables.", "", False, _parameters("model")
    ),
    ("GET", "/schema/websocketHelp"): Route(
        "Schema.websocketHelp", "How to use the realtime API.", "", False, ()
    ),
    ("GET", "/settlement"): _market(
        "Settlement.get", "Settlements of expired contracts.", "Settlement", _TABLE
    ),
    ("GET", "/stats"): _market("Stats.get", "Volume and open interest by root.", "Stats"),
    ("GET", "/trade"): _market("Trade.get", "Recent trades.", "Trade", _TABLE),
    ("GET", "/trade/bucketed"): _market("Trade.getBucketed", "Candles.", "TradeBin", _BINS),
    ("GET", "/user"): _own("User.get", "The user of the account.", "User", many=False),
    ("GET", "/user/commission"): _own(
        "User.getCommission", "Fees by symbol.", "UserCommissionsBySymbol", many=False
    ),
    ("GET", "/user/executionHistory"): _own(
        "User.getExecutionHistory",
        "Executions of a symbol on one day.",
        "Execution",
        "symbol* timestamp*",
    ),
    ("GET", "/user/margin"): _own(
        "User.getMargin",
        "Margin account of a currency; an array of all with currency=all.",
        "Margin",
        _CURRENCY,
        many=False,
    ),
    ("GET", "/user/tradingVolume"): _own(
        "User.getTradingVolume", "Average daily volume.", "TradingVolume"
    ),
    ("GET", "/user/wallet"): _own(
        "User.getWallet",
        "Wallet of a currency; an array of all with currency=all.",
        "Wallet",
        _CURRENCY,
        many=False,
    ),
    ("GET", "/user/walletHistory"): _own(
        "User.getWalletHistory",
        "Changes of the wallet, newest first unless reverse is false.",
        "Transaction",
        f"{_CURRENCY} count:integer=10000 start:integer=0 reverse:boolean=true",
    ),
    ("GET", "/user/walletSummary"): _own(
        "User.getWalletSummary",
        "Sums of the wallet's changes.",
        "WalletSummaryRecord",
        f"{_CURRENCY} startTime endTime",
    ),
    ("GET", "/wallet/assets"): _market("Wallet.getAssetsConfig", "Currencies.", "AssetsConfig"),
    ("GET", "/wallet/networks"): _market(
        "Wallet.getNetworksConfig", "Networks of the currencies.", "NetworksConfig"
    ),
}


def key_of(method: str, path: str) -> Key:
    """Return the key of a request's route, whether there is one or not."""
    return method.upper(), path.rstrip("/")


def route_of(method: str, path: str) -> Route | None:
    """Return the route of a request; None: there is none."""
    return CATALOG.get(key_of(method, path))
