"""The dialect spoken until January 2023: every row carries every column, empty or not.

A column without a value is null, of texts and names "", of identifiers the zero guid. Columns of
later years are left out, those that have gone since are there, and a partial also tells foreign
keys and attributes. An update holds what changed, as it does today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from api.simulator.catalog import route_of
from api.simulator.models import MODELS
from api.simulator.parameters import Parameters
from api.simulator.ports import Action, Answer, Json, Partial, Request, Row, TableEvent
from api.simulator.tables import TABLES, typed
from api.simulator.venue import LiveVenue

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
_LATER: Mapping[str, frozenset[str]] = {  # columns that came after 2022
    "execution": frozenset(
        ["strategy", "feeType", "brokerCommission", "brokerExecComm", "realisedPnl", "trdType"]
    ),
    "instrument": frozenset(["minPrice", "minTick", "instantPnl", "instrumentID", "pool"]),
    "margin": frozenset(["systemWithdrawableMargin", "foreignMarginBalance", "foreignRequirement"]),
    "order": frozenset(["strategy"]),
    "orderBookL2": frozenset(["timestamp", "transactTime"]),
    "orderBookL2_25": frozenset(["timestamp", "transactTime"]),
    "position": frozenset(["strategy"]),
    "trade": frozenset(["trdType"]),
}
_ORDER = typed(
    float="simpleOrderQty simpleLeavesQty simpleCumQty",
    symbol="exDestination multiLegReportingType",
)
_GONE: Mapping[str, Mapping[str, str]] = {  # columns that have gone since
    "execution": _ORDER | typed(float="underlyingLastPx", symbol="lastMkt"),
    "instrument": typed(
        timespan="relistInterval sessionInterval",
        symbol="inverseLeg sellLeg buyLeg",
        float="optionStrikePcnt optionStrikeRound optionStrikePrice optionMultiplier insuranceFee"
        " bankruptLimitDownPrice bankruptLimitUpPrice indicativeTaxRate optionUnderlyingPrice",
    ),
    "order": _ORDER,
}
_CONSTANT = {"exDestination": "XBME", "lastMkt": "XBME", "multiLegReportingType": "SingleSecurity"}
_KEYS = {"execution": ("execID",), "position": ("account", "symbol")}
_FOREIGN = {"symbol": "instrument", "side": "side", "ordStatus": "ordStatus"}
_ATTRIBUTES: Mapping[str, Row] = {
    "execution": {
        "execID": "grouped",
        "account": "grouped",
        "execType": "grouped",
        "transactTime": "sorted",
    },
    "order": {
        "orderID": "grouped",
        "account": "grouped",
        "ordStatus": "grouped",
        "workingIndicator": "grouped",
    },
    "orderBookL2": {"symbol": "parted", "id": "sorted"},
    "orderBookL2_25": {"symbol": "parted", "id": "sorted"},
    "quote": {"timestamp": "sorted", "symbol": "grouped"},
    "trade": {"timestamp": "sorted", "symbol": "grouped"},
}


def old_types(table: str) -> Mapping[str, str]:
    """Return the types of a table's columns at the time; texts had the type symbol."""
    later = _LATER.get(table, frozenset())
    types = {name: kind for name, kind in TABLES[table].types.items() if name not in later}
    types |= _GONE.get(table, {})
    lists = table == "orderBook10"
    return types if lists else {name: kind or "symbol" for name, kind in types.items()}


_TYPES = {table: old_types(table) for table in TABLES}


def whole(table: str, row: Row, asked: Sequence[str] = ()) -> Row:
    """Return a whole row with all columns of its table, or with the asked ones."""
    later = _LATER.get(table, frozenset())
    if "price" not in row and row.get("ordType") == "Market" and "avgPx" in row:
        row = {**row, "price": row["avgPx"]}  # a market order was shown with the price it got
    types = _TYPES[table]
    filled = {
        name: _filled(name, row.get(name), kind)
        for name, kind in types.items()
        if not asked or name in asked or name in row
    }
    others = {n: value for n, value in row.items() if n not in types and n not in later}
    return {**filled, **others}


def changed(table: str, row: Row) -> Row:
    """Return an update of a row."""
    types = _TYPES[table]
    return {n: _filled(n, value, types[n]) for n, value in row.items() if n in types}


def _filled(name: str, value: Json, kind: str) -> Json:
    if value is not None:
        return value
    if kind == "guid":
        return ZERO_GUID
    return _CONSTANT.get(name, "") if kind == "symbol" else None


class OldDialectVenue(LiveVenue):
    """The live exchange in the dialect of before 2023."""

    def handle(self, request: Request) -> Answer:
        """Answer a request with whole rows."""
        answer = super().handle(request)
        route = route_of(request.method, request.path)
        table = MODELS[route.model].table if route is not None and route.model else ""
        if not table or answer.status >= 400:
            return answer
        asked = Parameters(request.params).texts("columns")
        body = answer.body
        if isinstance(body, list):
            return replace(answer, body=[whole(table, row, asked) for row in body])
        assert isinstance(body, dict)
        return replace(answer, body=whole(table, body, asked))

    def drain(self) -> Sequence[TableEvent]:
        """Return the table events since the last call."""
        return [_translated(event) for event in super().drain()]

    def partial(self, table: str, symbol: str | None, account: int | None) -> Partial | None:
        """Return the image of a table, with foreign keys and attributes."""
        image = super().partial(table, symbol, account)
        if image is None:
            return None
        types = _TYPES[table]
        return Partial(
            keys=list(_KEYS.get(table, image.keys)),
            types=types,
            rows=[whole(table, row) for row in image.rows],
            more={
                "foreignKeys": {name: kind for name, kind in _FOREIGN.items() if name in types},
                "attributes": _ATTRIBUTES.get(table, {}),
            },
        )


def _translated(event: TableEvent) -> TableEvent:
    if event.action is Action.INSERT:
        return replace(event, rows=[whole(event.table, row) for row in event.rows])
    return replace(event, rows=[changed(event.table, row) for row in event.rows])
