from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from api.simulator.credentials import Authenticator, sign
from api.simulator.ports import Action, ApiKey, Json, Row, TableEvent
from api.simulator.realtime import Realtime
from api.simulator.subscriptions import Session, Wanted
from tests.api.simulator.fakes import CANCELLER, READER, T0, TRADER, FakeVenue


@dataclass
class Client:
    """A session with the texts that were sent to it."""

    realtime: Realtime
    key: ApiKey | None = None
    subscribe: str = ""
    texts: list[str] = field(default_factory=list)
    closed: int | None = None

    def __post_init__(self) -> None:
        self.session: Session = self.realtime.open(self, self.key, self.subscribe)

    def send(self, text: str) -> None:
        self.texts.append(text)

    def close(self, code: int, reason: str) -> None:
        self.closed = code

    def take(self) -> list[Row]:
        texts, self.texts = self.texts, []
        return [json.loads(text) for text in texts]

    def ask(self, request: Json) -> list[Row]:
        self.take()
        self.realtime.receive(self.session, json.dumps(request))
        return self.take()

    def topics(self, *names: str) -> list[Row]:
        return self.ask({"op": "subscribe", "args": list(names)})


@pytest.fixture
def venue() -> FakeVenue:
    return FakeVenue()


@pytest.fixture
def realtime(venue: FakeVenue) -> Realtime:
    return Realtime(venue, Authenticator(venue.find_key, lambda: 1000.0), lambda: T0)


def insert(table: str, *rows: Row, account: int | None = None) -> TableEvent:
    return TableEvent(table, Action.INSERT, rows, account)


def test_welcome_comes_first(realtime: Realtime) -> None:
    (welcome,) = Client(realtime).take()
    assert welcome["info"] == "Welcome to the BitMEX Realtime API."
    assert welcome["timestamp"] == "2026-05-03T05:01:40.510Z"
    assert isinstance(welcome["limit"], dict)


def test_raw_ping_is_answered_by_raw_pong(realtime: Realtime) -> None:
    client = Client(realtime)
    client.take()
    realtime.receive(client.session, "ping")
    assert client.texts == ["pong"]


def test_each_topic_gets_its_ack_and_then_its_partial(realtime: Realtime, venue: FakeVenue) -> None:
    venue.tables["quote"] = [{"symbol": "XBTUSD", "bidPrice": 1}, {"symbol": "ETHUSD"}]
    request = {"op": "subscribe", "args": ["quote:XBTUSD", "trade"]}
    ack1, partial1, ack2, partial2 = Client(realtime).ask(request)
    assert ack1 == {"success": True, "subscribe": "quote:XBTUSD", "request": request}
    assert ack2["subscribe"] == "trade"
    assert partial1 == {
        "table": "quote",
        "action": "partial",
        "keys": ["symbol"],
        "types": {"symbol": "symbol"},
        "filter": {"symbol": "XBTUSD"},
        "data": [{"symbol": "XBTUSD", "bidPrice": 1}],
    }
    assert partial2["filter"] == {} and partial2["data"] == []


def test_single_topic_may_be_a_text_and_is_echoed_as_text(realtime: Realtime) -> None:
    ack, _ = Client(realtime).ask({"op": "subscribe", "args": "trade:XBTUSD"})
    assert ack["request"] == {"op": "subscribe", "args": "trade:XBTUSD"}


def test_topics_of_the_address_are_subscribed_after_the_welcome(realtime: Realtime) -> None:
    messages = Client(realtime, TRADER, "trade:XBTUSD,margin").take()
    assert [m.get("subscribe") or m.get("table") for m in messages[1:]] == [
        "trade:XBTUSD",
        "trade",
        "margin",
        "margin",
    ]
    assert messages[1]["request"] == {"op": "subscribe", "args": "trade:XBTUSD"}


def test_rows_go_to_who_asked_for_their_symbol_or_for_all(realtime: Realtime) -> None:
    xbt, everything, other = Client(realtime), Client(realtime), Client(realtime)
    xbt.topics("trade:XBTUSD")
    everything.topics("trade")
    other.topics("quote")
    realtime.publish([insert("trade", {"symbol": "XBTUSD"}, {"symbol": "ETHUSD"})])
    assert [m["data"] for m in xbt.take()] == [[{"symbol": "XBTUSD"}]]
    assert [m["data"] for m in everything.take()] == [[{"symbol": "XBTUSD"}, {"symbol": "ETHUSD"}]]
    assert other.take() == []


def test_rows_come_once_to_who_asked_for_one_symbol_and_for_all(realtime: Realtime) -> None:
    client = Client(realtime, TRADER)
    client.topics("trade:XBTUSD", "trade", "margin", "margin:XBTUSD", "margin:ETHUSD")
    realtime.publish([insert("trade", {"symbol": "XBTUSD"})])
    realtime.publish([insert("margin", {"currency": "XBt"}, account=TRADER.account)])
    assert [m["table"] for m in client.take()] == ["trade", "margin"]


def test_margin_takes_a_symbol_and_ignores_it(realtime: Realtime) -> None:
    client = Client(realtime, TRADER)
    ack, partial = client.topics("margin:XBTUSD")
    assert ack["subscribe"] == "margin:XBTUSD"
    assert partial["filter"] == {"account": 7}
    realtime.publish([insert("margin", {"currency": "XBt"}, account=7)])
    assert len(client.take()) == 1


def test_message_of_one_topic_is_encoded_once_for_all(realtime: Realtime) -> None:
    clients = [Client(realtime) for _ in range(3)]
    for client in clients:
        client.topics("trade:XBTUSD")
    realtime.publish([insert("trade", {"symbol": "XBTUSD"})])
    assert len({id(client.texts[0]) for client in clients}) == 1


def test_update_and_delete_keep_their_action(realtime: Realtime) -> None:
    client = Client(realtime)
    client.topics("orderBookL2:XBTUSD")
    row: Row = {"symbol": "XBTUSD", "id": 1}
    realtime.publish([TableEvent("orderBookL2", action, [row]) for action in Action])
    assert [m["action"] for m in client.take()] == ["insert", "update", "delete"]


def test_group_of_instruments_is_a_filter(realtime: Realtime) -> None:
    client = Client(realtime)
    _, partial = client.topics("instrument:SPOT")
    assert [row["symbol"] for row in partial["data"]] == ["XBT_USDT"]  # type: ignore[attr-defined]
    realtime.publish([insert("instrument", {"symbol": "XBTUSD"}, {"symbol": "XBT_USDT"})])
    assert [m["data"] for m in client.take()] == [[{"symbol": "XBT_USDT"}]]


def test_private_rows_reach_their_account_only(realtime: Realtime, venue: FakeVenue) -> None:
    venue.tables["order"] = [{"symbol": "XBTUSD", "account": 7}, {"symbol": "XBTUSD", "account": 8}]
    trader, reader = Client(realtime, TRADER), Client(realtime, READER)
    _, partial = trader.topics("order:XBTUSD")
    reader.topics("order")
    assert partial["data"] == [{"symbol": "XBTUSD", "account": 7}]
    assert partial["filter"] == {"account": 7, "symbol": "XBTUSD"}
    realtime.publish([insert("order", {"symbol": "XBTUSD"}, account=7)])
    assert len(trader.take()) == 1
    assert reader.take() == []


def test_private_topic_without_key_is_refused(realtime: Realtime) -> None:
    client = Client(realtime)
    (error,) = client.topics("margin")
    assert error["status"] == 401
    assert error["error"] == (
        "User requested an account-locked subscription but no authorization was provided."
    )
    assert error["meta"] == {
        "notes": "Account-locked tables include the following: account,affiliate,execution,"
        "margin,order,position,privateNotifications,transact,wallet"
    }
    realtime.publish([insert("margin", {"currency": "XBt"}, account=7)])
    assert client.take() == []


def test_unknown_table_is_refused_and_the_others_are_served(realtime: Realtime) -> None:
    error, ack, _ = Client(realtime).topics("foo", "trade")
    request = {"op": "subscribe", "args": ["foo", "trade"]}
    assert error == {"status": 400, "error": "Unknown table: foo", "meta": {}, "request": request}
    assert ack["success"] is True


def test_unknown_symbol_is_refused(realtime: Realtime) -> None:
    (error,) = Client(realtime).topics("trade:NOSUCH")
    assert error["status"] == 400
    assert error["error"] == "Unknown or expired symbol."


def test_topics_that_come_too_fast_are_refused(realtime: Realtime) -> None:
    client = Client(realtime)
    client.session.pace = lambda: 0.3
    (error,) = client.topics("trade")
    assert (error["status"], error["meta"]) == (429, {"retryAfter": 1})
    assert error["error"] == "Rate limit exceeded, retry in 1 seconds."
    client.session.pace = lambda: 0.0
    ack, _ = client.topics("trade")
    assert ack["success"] is True


def test_second_subscription_is_refused(realtime: Realtime) -> None:
    client = Client(realtime, TRADER)
    client.topics("order")
    (error,) = client.topics("order:*")
    assert error["error"] == "You are already subscribed to this topic: order:*"


def test_unsubscribed_topic_is_silent_and_can_come_back(realtime: Realtime) -> None:
    client = Client(realtime)
    client.topics("trade:XBTUSD")
    (ack,) = client.ask({"op": "unsubscribe", "args": ["trade:XBTUSD"]})
    assert ack["success"] is True and ack["unsubscribe"] == "trade:XBTUSD"
    realtime.publish([insert("trade", {"symbol": "XBTUSD"})])
    assert client.take() == []
    (error,) = client.ask({"op": "unsubscribe", "args": "trade:XBTUSD"})
    assert error["status"] == 400
    assert len(client.topics("trade:XBTUSD")) == 2


def test_closed_session_gets_nothing(realtime: Realtime) -> None:
    client = Client(realtime)
    client.topics("trade", "quote:XBTUSD")
    realtime.close(client.session)
    realtime.publish([insert("trade", {"symbol": "XBTUSD"}), insert("quote", {"symbol": "XBTUSD"})])
    assert client.take() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"op":5}', '{"args":[]}', "nul\x00l"])
def test_text_that_is_no_operation_is_answered_with_an_error(realtime: Realtime, text: str) -> None:
    client = Client(realtime)
    client.take()
    realtime.receive(client.session, text)
    (error,) = client.take()
    assert error["status"] == 400


@pytest.mark.parametrize("args", [None, 5, [5], {"a": 1}])
def test_subscription_without_topics_is_refused(realtime: Realtime, args: Json) -> None:
    (error,) = Client(realtime).ask({"op": "subscribe", "args": args})
    assert error["status"] == 400


def test_unknown_operation_is_refused(realtime: Realtime) -> None:
    (error,) = Client(realtime).ask({"op": "dance"})
    assert error["status"] == 400 and "dance" in str(error["error"])


@pytest.mark.parametrize("text", ["help", '{"op":"help"}'])
def test_help_names_the_topics(realtime: Realtime, text: str) -> None:
    client = Client(realtime)
    client.take()
    realtime.receive(client.session, text)
    (answer,) = client.take()
    subjects = answer["subscriptionSubjects"]
    assert isinstance(subjects, dict) and "orderBook10" in subjects["public"]


def authentication(key: ApiKey, expires: int, signature: str | None = None) -> Row:
    signature = signature or sign(key.secret, "GET", "/realtime", str(expires))
    return {"op": "authKeyExpires", "args": [key.key, expires, signature]}


def test_authentication_after_connecting_opens_private_topics(realtime: Realtime) -> None:
    client = Client(realtime)
    request = authentication(TRADER, 1001)
    assert client.ask(request) == [{"success": True, "request": request}]
    assert len(client.topics("order")) == 2
    (error,) = client.ask(request)
    assert error["status"] == 400


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (authentication(TRADER, 1001, "00"), "Signature not valid."),
        (authentication(ApiKey("x", "y", 1, frozenset()), 1001), "Invalid API Key."),
        (authentication(TRADER, 999), "This request has expired"),
    ],
)
def test_failed_authentication_is_told_and_ends_the_connection(
    realtime: Realtime, request_: Row, message: str
) -> None:
    client = Client(realtime)
    (error,) = client.ask(request_)
    assert str(error["error"]).startswith(message)
    assert error["request"] == request_
    assert client.closed == 1008
    assert len(client.topics("order")) == 1


def test_cancel_all_after_is_passed_on_with_the_account(
    realtime: Realtime, venue: FakeVenue
) -> None:
    request = {"op": "cancelAllAfter", "args": 60000}
    (answer,) = Client(realtime, CANCELLER).ask(request)
    assert answer == {"now": "now", "cancelTime": 60000, "request": request}
    assert venue.requests[-1].account == CANCELLER.account


@pytest.mark.parametrize(
    ("key", "args", "status"), [(None, 60000, 401), (READER, 60000, 403), (TRADER, "soon", 400)]
)
def test_cancel_all_after_needs_a_key_that_may_and_a_number(
    realtime: Realtime, key: ApiKey | None, args: Json, status: int
) -> None:
    (error,) = Client(realtime, key).ask({"op": "cancelAllAfter", "args": args})
    assert error["status"] == status


def test_change_of_what_is_followed_is_reported_before_the_image(venue: FakeVenue) -> None:
    told: list[frozenset[Wanted]] = []
    realtime = Realtime(
        venue, Authenticator(venue.find_key, lambda: 1000.0), lambda: T0, on_topics=told.append
    )
    first, second = Client(realtime), Client(realtime)
    first.topics("foo", "trade", "orderBookL2:XBTUSD")
    second.topics("trade")
    assert told == [{("trade", None)}, {("trade", None), ("orderBookL2", "XBTUSD")}]
    realtime.close(first.session)
    assert told[2:] == [{("trade", None)}]
    realtime.close(second.session)
    assert told[3:] == [frozenset()]
