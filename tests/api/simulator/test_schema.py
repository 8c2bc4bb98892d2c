"""The answers of the live exchange against the published description of the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from api.simulator.catalog import CATALOG
from api.simulator.encoding import to_json
from tests.api.simulator.swagger import problems
from tests.api.simulator.venues import BEFORE_EXPIRY, START, Desk, new_desk

pytestmark = pytest.mark.needs_shared

# What the real exchange did otherwise than its own description says.
DIFFERENCES: Mapping[str, str] = {
    "Transaction.transactID: required": "the leading row of the unrealised profit has none",
    "Order.orderID: required": "a cancel by an unknown clOrdID cannot name one",
}

Asked = tuple[str, str, dict[str, Any]]
Swagger = Mapping[str, Any]


@pytest.fixture(scope="module")
def swagger(shared_folder: Path) -> Swagger:
    text = (shared_folder / "bitmex" / "swagger.json").read_text(encoding="utf-8")
    described: Swagger = json.loads(text)
    return described


def traded() -> Desk:
    """Return an account that has lived through everything: all kinds, funding and a settlement."""
    desk = new_desk(now=BEFORE_EXPIRY)
    dated = next(r["symbol"] for r in desk.get("/instrument/active") if "expiry" in r)
    desk.order("XBTUSDT", "Buy", 5000, ordType="Market")
    desk.order("XBTUSD", "Sell", 300, ordType="Market", clOrdID="a", text="by hand")
    desk.order("ETHUSD", "Buy", 10, ordType="Market")
    desk.order("XBT_USDT", "Buy", 2000, ordType="Market")
    desk.order(dated, "Buy", 100, ordType="Market")
    away = desk.away("XBTUSDT", "Buy", 0.1)
    desk.order("XBTUSDT", "Sell", 1000, ordType="Stop", stopPx=away, execInst="LastPrice")
    kept = desk.order("XBTUSDT", "Buy", 2000, price=away, displayQty=1000)
    desk.body("PUT", "/order", orderID=kept["orderID"], orderQty=1000)
    gone = desk.order("XBTUSDT", "Buy", 1000, price=away, clOrdID="b")
    desk.body("DELETE", "/order", orderID=gone["orderID"])
    desk.wait(minutes=61)
    desk.wait(hours=7)
    return desk


CHANGES: list[Asked] = [
    ("POST", "/order", {"symbol": "XBTUSDT", "orderQty": 1000, "price": 20000, "clOrdID": "z"}),
    ("PUT", "/order", {"origClOrdID": "z", "price": 20001}),
    ("DELETE", "/order", {"clOrdID": ["z", "unknown"]}),
    ("DELETE", "/order", {"orderID": "00000000-0000-0000-0000-000000000009"}),
    ("POST", "/order/cancelAllAfter", {"timeout": 60000}),
    ("POST", "/position/leverage", {"symbol": "XBTUSDT", "leverage": 5}),
    ("POST", "/position/transferMargin", {"symbol": "XBTUSDT", "amount": 1000}),
    ("POST", "/position/isolate", {"symbol": "XBTUSD", "enabled": True}),
    ("POST", "/position/riskLimit", {"symbol": "XBTUSD", "riskLimit": 35_000_000_000}),
    ("POST", "/order/closePosition", {"symbol": "XBTUSDT"}),
    ("DELETE", "/order/all", {"symbol": "XBTUSDT"}),
]
QUERIES: list[Asked] = [
    ("GET", "/orderBook/L2", {"symbol": "XBTUSD", "depth": 0}),
    ("GET", "/trade/bucketed", {"symbol": "XBTUSD", "binSize": "1h", "partial": "true"}),
    ("GET", "/quote/bucketed", {"symbol": "XBTUSD", "reverse": "true"}),
    ("GET", "/user/executionHistory", {"symbol": "XBTUSD", "timestamp": BEFORE_EXPIRY.isoformat()}),
    ("GET", "/user/walletHistory", {"currency": "all"}),
    ("GET", "/user/walletSummary", {"currency": "all"}),
    ("GET", "/user/wallet", {"currency": "USDt"}),
    ("GET", "/user/margin", {}),
]
EMPTY = {  # routes without rows here
    *("/announcement/urgent", "/globalNotification", "/insurance", "/leaderboard", "/liquidation"),
}


def plain_queries() -> list[Asked]:
    special = {path for _, path, _ in QUERIES}
    return [
        ("GET", path, {"count": "500"} if _counts(path) else {})
        for method, path in CATALOG
        if method == "GET" and path not in special
    ]


def _counts(path: str) -> bool:
    return any(parameter.name == "count" for parameter in CATALOG["GET", path].parameters)


def test_every_answer_is_as_the_description_says(swagger: Swagger) -> None:
    desk = traded()
    asked = plain_queries() + QUERIES + CHANGES
    assert {(method, path) for method, path, _ in asked} == set(CATALOG)
    seen: set[str] = set()
    wrong: dict[str, str] = {}
    for method, path, given in asked:
        answer = json.loads(to_json(desk.body(method, path, **given)))
        assert answer or path in EMPTY, f"{path} shows nothing that could be judged"
        schema = swagger["paths"][path][method.lower()]["responses"]["200"]["schema"]
        for problem in problems(swagger, schema, answer):
            if problem in DIFFERENCES:
                seen.add(problem)
            else:
                wrong[problem] = path
    assert wrong == {}
    assert seen == set(DIFFERENCES), "a difference that is not there any more"


def test_the_account_judged_above_has_seen_every_kind_of_row() -> None:
    desk = traded()
    kinds = {row["execType"] for row in desk.get("/execution", count=500)}
    assert kinds == {"New", "Trade", "Replaced", "Canceled", "Funding", "Settlement"}
    wallet = {row["transactType"] for row in desk.get("/user/walletHistory", currency="all")}
    assert {"Deposit", "RealisedPNL", "Funding", "SpotTrade", "UnrealisedPNL"} <= wallet


def test_all_currencies_come_as_rows_of_the_described_model(swagger: Swagger) -> None:
    desk = new_desk()
    for path, model in (("/user/margin", "Margin"), ("/user/wallet", "Wallet")):
        rows = json.loads(to_json(desk.get(path, currency="all")))
        assert {row["currency"] for row in rows} >= {"XBt", "USDt"}
        schema = {"type": "array", "items": {"$ref": f"#/definitions/{model}"}}
        assert list(problems(swagger, schema, rows)) == []


def test_errors_are_as_the_description_says(swagger: Swagger) -> None:
    desk = Desk(new_desk().venue, START)
    answers = [
        desk.ask("GET", "/order", count="501"),
        desk.ask("POST", "/order", symbol="XBTUSD", orderQty=10**9, price=1000),
        desk.ask("GET", "/nothing"),
    ]
    for answer in answers:
        assert answer.status >= 400
        assert list(problems(swagger, {"$ref": "#/definitions/Error"}, answer.body)) == []


def test_routes_and_parameters_are_among_those_described(swagger: Swagger) -> None:
    for (method, path), route in CATALOG.items():
        described = swagger["paths"][path][method.lower()]
        assert described["operationId"] == route.operation
        there = {parameter["name"]: parameter for parameter in described["parameters"]}
        for parameter in route.parameters:
            real = there[parameter.name]
            where = "query" if method == "GET" else "formData"
            assert (real["in"], real.get("required", False)) == (where, parameter.required)
            kinds = {"integer", "number"} if parameter.kind == "integer" else {parameter.kind}
            assert real["type"] in kinds, (path, parameter.name)


def test_validator_sees_what_is_wrong(swagger: Swagger) -> None:
    def found(model: str, value: dict[str, Any]) -> list[str]:
        return list(problems(swagger, {"$ref": f"#/definitions/{model}"}, value))

    good = {"timestamp": "2026-05-03T05:01:40.510Z", "symbol": "XBTUSD", "bidSize": 1}
    assert found("Quote", good) == []
    assert found("Quote", {**good, "bidSize": None}) == []
    for change in ({"bidSize": 1.5}, {"bidSize": True}, {"bidSize": "1"}, {"timestamp": "now"}):
        assert len(found("Quote", {**good, **change})) == 1
    assert found("Quote", {"symbol": "XBTUSD"}) == ["Quote.timestamp: required"]
    assert found("Order", {"orderID": "no-guid"}) == ["Order.orderID: 'no-guid' is no guid"]
    assert found("User", {"username": "a", "isUser": 1}) == ["User.isUser: 1 is no boolean"]
