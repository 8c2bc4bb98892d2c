"""The exchange's description of itself, the forms of its answers, and who may ask for what."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import websocket

from api.simulator.catalog import CATALOG
from api.simulator.description import describe
from api.simulator.formats import encode
from api.simulator.ports import Answer, Request
from api.simulator.server import ExchangeServer
from tests.api.simulator.running import RunningServer, hang_up, read, running
from tests.api.simulator.swagger import problems
from tests.api.simulator.venues import TRADING, Desk, new_desk

DESCRIBED = "/api/explorer/swagger.json"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    desk = new_desk()
    clock = lambda: desk.now  # noqa: E731 - the venue's own time: nothing moves
    build = lambda: ExchangeServer(desk.venue, rate_limits=False, now=clock)  # noqa: E731
    with running(build) as started:
        yield started


def get(server: RunningServer, path: str) -> Any:
    answer = server.rest("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_description_names_this_server(server: RunningServer) -> None:
    spec = get(server, DESCRIBED)
    assert (spec["host"], spec["schemes"]) == (f"127.0.0.1:{server.port}", ["http"])
    assert (spec["swagger"], spec["basePath"]) == ("2.0", "/api/v1")


def test_every_route_is_answered_and_described(server: RunningServer) -> None:
    desk = new_desk()
    assert set(desk.venue.routes) == set(CATALOG)
    spec = get(server, DESCRIBED)
    described = {(m.upper(), path) for path, entry in spec["paths"].items() for m in entry}
    assert described == set(CATALOG)


def test_every_model_that_is_named_is_defined() -> None:
    text = json.dumps(describe(CATALOG, "127.0.0.1:1"))
    spec = json.loads(text)
    named = {part.split('"')[0] for part in text.split("#/definitions/")[1:]}
    assert named == set(spec["definitions"])


def test_answers_are_as_the_own_description_says(server: RunningServer) -> None:
    spec = get(server, DESCRIBED)
    judged = 0
    for path, entry in spec["paths"].items():
        if "get" not in entry or "security" in entry["get"]:
            continue
        needed = {p["name"]: "XBTUSD" for p in entry["get"]["parameters"] if p["name"] == "symbol"}
        query = "?" + "&".join(f"{name}={value}" for name, value in needed.items())
        answer = get(server, f"/api/v1{path}{query if needed else ''}")
        schema = entry["get"]["responses"]["200"]["schema"]
        assert list(problems(spec, schema, answer)) == [], path
        judged += 1
    assert judged >= 20


def test_rows_come_as_csv(server: RunningServer) -> None:
    rows = get(server, "/api/v1/instrument/active")
    answer = server.rest("GET", "/api/v1/instrument/active?_format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["symbol"] for row in table] == [row["symbol"] for row in rows]
    for line, row in zip(table, rows, strict=True):
        assert set(row) <= set(line)
        assert all(value == "" for name, value in line.items() if name not in row)
        assert float(line["tickSize"]) == row["tickSize"]
        assert line["isInverse"] == str(row["isInverse"]).lower()


def test_rows_come_as_xml(server: RunningServer) -> None:
    answer = server.rest("GET", "/api/v1/trade?symbol=XBTUSD&count=3&_format=xml")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    root = ElementTree.fromstring(answer.text)
    assert {result.findtext("symbol") for result in root.findall("result")} <= {"XBTUSD"}


def test_errors_stay_json_in_any_format(server: RunningServer) -> None:
    answer = server.rest("GET", "/api/v1/trade?count=9999&_format=csv")
    assert answer.status_code == 400 and answer.json()["error"]["name"] == "HTTPError"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], ""),
        ([{"a": 1, "b": None}, {"c": 'x,"y"'}], 'a,b,c\n1,,\n,,"x,""y"""\n'),
        ({"a": [1, 2], "b": True}, 'a,b\n"[1,2]",true\n'),
    ],
)
def test_csv_of(body: object, text: str) -> None:
    assert encode(Answer(200, body), "csv") == (text.encode(), "text/csv")


def test_xml_escapes_texts_and_names() -> None:
    body, _ = encode(Answer(200, {"a": "<&>", "XBT/USD": 1}), "xml")
    root = ElementTree.fromstring(body)
    assert [(child.tag, child.text) for child in root] == [("a", "<&>"), ("item", "1")]


def test_platform_stream_knows_announcements_only(server: RunningServer) -> None:
    topics = "announcement,publicNotifications,chat,connected"
    with server.socket(f"Platform?subscribe={topics}") as client:
        for topic in topics.split(","):
            assert read(client)["subscribe"] == topic
            partial = read(client)
            assert (partial["table"], partial["action"]) == (topic, "partial")
            assert bool(partial["data"]) == (topic in ("announcement", "connected"))
        client.send(json.dumps({"op": "subscribe", "args": ["trade"]}))
        assert read(client)["error"] == "Unknown table: trade"


@pytest.mark.parametrize(
    ("method", "path", "permissions", "status"),
    [
        ("GET", "/trade", None, 200),
        ("GET", "/user", None, 401),
        ("GET", "/user", frozenset(), 200),
        ("POST", "/order", frozenset(), 403),
        ("POST", "/order", frozenset({"orderCancel"}), 403),
        ("POST", "/order", frozenset({"withdraw"}), 403),
        ("DELETE", "/order/all", frozenset({"orderCancel"}), 200),
        ("DELETE", "/order/all/", TRADING, 200),
        ("POST", "/position/leverage", frozenset({"orderCancel"}), 403),
        ("PATCH", "/order", TRADING, 404),
        ("POST", "/order/bulk", TRADING, 404),
    ],
)
def test_permission_decides(
    method: str, path: str, permissions: frozenset[str] | None, status: int
) -> None:
    desk: Desk = new_desk()
    account = None if permissions is None else desk.account
    request = Request(method, path, {}, account, permissions or frozenset())
    assert desk.venue.handle(request).status == status


def test_connections_are_counted_and_refused_as_http() -> None:
    desk = new_desk()
    with running(lambda: ExchangeServer(desk.venue, now=lambda: desk.now)) as server:
        counted = server.server._limits
        server.call(lambda: [counted.connect("127.0.0.1", time.time()) for _ in range(718)])
        url = f"ws://127.0.0.1:{server.port}/realtime"
        for left in (1, 0):
            client = websocket.create_connection(url, timeout=10)
            assert read(client)["limit"] == {"remaining": left}
            hang_up(client)
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            websocket.create_connection(url, timeout=10)
        assert refused.value.status_code == 429
        assert int((refused.value.resp_headers or {})["retry-after"]) >= 1
