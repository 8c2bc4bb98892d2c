"""The rules of faults and what they make of texts: no sockets."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from api.simulator.fault_kinds import KINDS, Place
from api.simulator.faults import Bite, Event, Faults
from api.simulator.frame_faults import CHANGES, RawText, head, spoil
from api.simulator.ports import Answer, Json
from api.simulator.refusals import Refused
from api.simulator.request_faults import (
    AnswerFaults,
    Ending,
    Raw,
    answer_event,
    mishap,
    request_event,
)


class Hand:
    """A clock in the hand of the test."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def armed(plan: dict[str, Json], clock: Hand | None = None) -> Faults:
    faults = Faults(clock or Hand())
    faults.arm(plan)
    return faults


def post(path: str = "/order", account: int = 1) -> Event:
    return request_event("POST", path, account)


def bites(faults: Faults, *events: Event) -> list[bool]:
    return [faults.bite(event) is not None for event in events]


def test_a_rule_bites_as_often_as_it_says_after_those_it_skips() -> None:
    faults = armed({"fault": "reset", "skip": 2, "times": 2})
    assert bites(faults, *[post()] * 6) == [False, False, True, True, False, False]
    assert faults.fired["reset"] == 2
    assert faults.idle  # the rule is spent


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({"method": "POST"}, [True, True, False, True]),
        ({"path": "/order"}, [True, False, True, True]),
        ({"account": 2}, [False, False, False, True]),
        ({"method": "POST", "path": "/order", "account": 1}, [True, False, False, False]),
    ],
)
def test_a_rule_meets_only_what_it_names(rule: dict[str, Json], met: list[bool]) -> None:
    faults = armed({"fault": "reset", "times": 0, **rule})
    events = [post(), post("/other"), request_event("GET", "/order", 1), post(account=2)]
    assert bites(faults, *events) == met


def test_a_rule_bites_between_its_times_only() -> None:
    clock = Hand()
    faults = armed({"fault": "reset", "times": 0, "from": 5, "until": 10}, clock)
    seen = []
    for clock.seconds in (104.9, 105.0, 109.9, 110.0):
        seen += bites(faults, post())
    assert seen == [False, True, True, False]


def test_chance_follows_the_seed() -> None:
    def run(seed: int) -> list[bool]:
        rule: Json = {"fault": "reset", "times": 0, "chance": 0.3}
        return bites(armed({"seed": seed, "rules": [rule]}), *[post()] * 200)

    assert run(1) == run(1) != run(2)
    assert 30 < sum(run(1)) < 90


def test_cancels_are_exempt_from_overload() -> None:
    faults = armed({"fault": "overload", "times": 0})
    assert bites(faults, request_event("DELETE", "/order", 1), post()) == [False, True]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({}, "fault None is unknown"),
        ({"fault": "meteor"}, "'meteor' is unknown"),
        ({"fault": "reset", "seconds": 1}, "seconds is no field"),
        ({"fault": "late", "seconds": "soon"}, "'soon' is no number"),
        ({"fault": "late", "after": "perhaps"}, "neither true nor false"),
        ({"fault": "reset", "times": -1}, "times -1"),
        ({"fault": "reset", "chance": "often"}, "chance 'often'"),
        ({"fault": "reset", "path": 3}, "path 3 is no text"),
        ({"rules": [{"fault": "reset"}, {"fault": "meteor"}]}, r"rules\[1\]\.fault"),
        ({"rules": ["reset"]}, r"rules\[0\]\."),
        ({"rules": [], "others": []}, "a plan holds"),
    ],
)
def test_a_wrong_plan_is_refused_in_words_and_adds_nothing(
    plan: dict[str, Json], words: str
) -> None:
    faults = Faults(Hand())
    with pytest.raises(Refused, match=words):
        faults.arm(plan)
    assert faults.rules == []


def test_skew_is_counted_and_ends_with_its_rule() -> None:
    clock = Hand()
    faults = armed({"fault": "clock-skew", "seconds": -300, "until": 5}, clock)
    assert (faults.skew(), faults.skew()) == (-300.0, -300.0)
    clock.seconds += 5
    assert faults.skew() == 0.0
    assert faults.fired["clock-skew"] == 2


# ---- requests --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "carried_out", "ending", "status"),
    [
        ({"fault": "late"}, True, Ending.SEND, None),
        ({"fault": "silent"}, False, Ending.SILENCE, None),
        ({"fault": "silent", "after": True}, True, Ending.SILENCE, None),
        ({"fault": "reset"}, False, Ending.RESET, None),
        ({"fault": "reset", "after": True}, True, Ending.RESET, None),
        ({"fault": "half-answer"}, True, Ending.HALF, None),
        ({"fault": "rate-limit"}, False, Ending.SEND, 429),
        ({"fault": "overload"}, False, Ending.SEND, 503),
        ({"fault": "error-page", "status": 520}, False, Ending.SEND, 520),
        ({"fault": "error-page", "after": True}, True, Ending.SEND, 502),
        ({"fault": "error-json"}, False, Ending.SEND, 504),
        ({"fault": "ban"}, False, Ending.SEND, 403),
        ({"fault": "key-refused"}, False, Ending.SEND, 401),
        ({"fault": "key-refused", "status": 403}, False, Ending.SEND, 403),
        ({"fault": "maintenance"}, False, Ending.SEND, 503),
    ],
)
def test_what_befalls_a_request(
    rule: dict[str, Json], carried_out: bool, ending: Ending, status: int | None
) -> None:
    trouble = mishap(armed(rule), post(), 1_000.0)
    assert trouble is not None
    assert (trouble.carried_out, trouble.ending) == (carried_out, ending)
    assert (trouble.answer.status if trouble.answer else None) == status


def test_a_rate_limit_says_when_to_come_back() -> None:
    trouble = mishap(armed({"fault": "rate-limit", "seconds": 7}), post(), 1_000.5)
    assert trouble is not None
    assert trouble.answer is not None
    headers = trouble.answer.headers
    assert (headers["retry-after"], headers["x-ratelimit-reset"]) == ("7", "1008")
    assert b"retry in 7 seconds" in trouble.answer.body


def rows(*seconds: int) -> list[Json]:
    return [{"execID": str(s), "transactTime": f"2026-05-03T05:00:{s:02d}.000Z"} for s in seconds]


NOW = 1_777_784_430_000  # 2026-05-03T05:00:30Z


def altered(plan: dict[str, Json], *bodies: Json, path: str = "/execution/tradeHistory") -> Any:
    faults = AnswerFaults(armed(plan))
    answers = [faults.alter(answer_event("GET", path, 1), Answer(200, b), NOW) for b in bodies]
    last = answers[-1]
    return last.body.decode() if isinstance(last, Raw) else last.body


def test_young_rows_come_late() -> None:
    assert altered({"fault": "late-rows"}, rows(1, 19, 21, 30)) == rows(1, 19)


def test_pages_are_short_empty_or_repeated() -> None:
    assert altered({"fault": "short-page", "rows": 2}, rows(1, 2, 3)) == rows(1, 2)
    assert altered({"fault": "empty-page"}, rows(1, 2, 3)) == []
    assert altered({"fault": "repeated-page", "skip": 1}, rows(1), rows(2)) == rows(1)


def test_an_account_changes_and_a_number_is_none() -> None:
    user: Json = {"id": 7, "username": "me"}
    assert altered({"fault": "other-account"}, user, path="/user") == {"id": 4711, "username": "me"}
    assert altered({"fault": "odd-answer"}, user) == '{"id":NaN,"username":"me"}'


# ---- frames ----------------------------------------------------------------------------------

ORDER = {"orderID": "o1", "symbol": "XBTUSD", "account": 1, "price": 100.5, "leavesQty": 3}
UPDATE = {"table": "order", "action": "update", "data": [ORDER]}


def wire(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def frames(fault: str, message: object = UPDATE, **options: Any) -> list[Any]:
    """Return what leaves, decoded where it can be."""
    kind = KINDS[fault]
    bite = Bite(fault, {**kind.options, **options})
    return [_decoded(frame) for frame in spoil(wire(message), bite, Random(1))]


def _decoded(frame: str | bytes | RawText) -> Any:
    if isinstance(frame, str):
        try:
            return json.loads(frame)
        except (ValueError, RecursionError):
            return frame
    return frame


def test_every_fault_of_a_frame_is_carried_out_somewhere() -> None:
    elsewhere = {"drop", "close", "half-open", "slow", "reorder", "second-partial", "maintenance"}
    of_frames = {name for name, kind in KINDS.items() if Place.FRAME in kind.places}
    assert set(CHANGES) == of_frames - elsewhere


@pytest.mark.parametrize("fault", ["truncate", "garble", "not-json"])
def test_a_broken_text_is_no_json(fault: str) -> None:
    for seed in range(50):
        [frame] = spoil(wire(UPDATE), Bite(fault, {}), Random(seed))
        assert isinstance(frame, str)
        with pytest.raises(ValueError, match=r"."):
            json.loads(frame)


def test_bytes_that_are_no_text() -> None:
    [frame] = frames("bad-utf8")
    with pytest.raises(UnicodeDecodeError):
        frame.data.decode()
    assert frames("binary") == [wire(UPDATE).encode()]


def test_texts_that_are_too_much() -> None:
    deep, after = frames("deep", levels=100_000)
    assert (deep[:3], len(deep), after) == ("[[[", 200_000, UPDATE)
    huge, after = frames("huge", megabytes=1)
    assert len(wire(huge)) > 1024 * 1024
    assert after == UPDATE


@pytest.mark.parametrize(
    ("fault", "options", "row"),
    [
        ("unknown-field", {}, {**ORDER, "novelty": {"since": 2027, "of": [1, None, "x"]}}),
        ("absent-field", {"field": "price"}, {k: ORDER[k] for k in ORDER if k != "price"}),
        ("null-field", {"field": "price"}, {**ORDER, "price": None}),
        ("empty-field", {"field": "price"}, {**ORDER, "price": ""}),
        ("null-field", {"field": "nothing"}, ORDER),
        ("null-field", {}, {**ORDER, "orderID": None}),
        ("wrong-type", {"field": "price"}, {**ORDER, "price": "text"}),
        ("odd-number", {"field": "leavesQty", "value": "1e308"}, {**ORDER, "leavesQty": 1e308}),
    ],
)
def test_rows_are_spoilt(fault: str, options: dict[str, Any], row: dict[str, Json]) -> None:
    assert frames(fault, **options) == [{**UPDATE, "data": [row]}]


def test_numbers_that_json_does_not_know_stand_in_the_text() -> None:
    for value in ("NaN", "Infinity", "9" * 5000):
        [frame] = spoil(wire(UPDATE), Bite("odd-number", {"field": "", "value": value}), Random(1))
        assert f'"account":{value},' in str(frame)


def test_a_column_is_named_twice_and_the_last_counts() -> None:
    [frame] = spoil(wire(UPDATE), Bite("duplicate-key", {}), Random(1))
    assert str(frame).count('"symbol":') == 2
    [row] = json.loads(str(frame))["data"]
    assert {name: row[name] for name in ORDER} == ORDER


@pytest.mark.parametrize(
    ("fault", "extra"),
    [
        ("unknown-table", {"table": "novelty", "action": "insert"}),
        ("unknown-action", {"table": "order", "action": "replace"}),
        ("unknown-type", {"table": "order", "action": "insert"}),
        ("unknown-symbol", {"table": "order", "action": "update"}),
        ("no-rows", {"table": "order", "action": "update", "data": []}),
    ],
)
def test_a_strange_text_leaves_before(fault: str, extra: dict[str, Json]) -> None:
    strange, after = frames(fault)
    assert after == UPDATE
    assert {name: strange[name] for name in extra} == extra


def test_unknown_rows_are_changed_and_deleted_before() -> None:
    update, delete, after = frames("unknown-row")
    assert (update["action"], delete["action"], after) == ("update", "delete", UPDATE)
    assert update["data"][0]["orderID"] != ORDER["orderID"]


def test_partials_are_missing_or_late() -> None:
    partial = {**UPDATE, "action": "partial", "keys": ["orderID"]}
    assert frames("no-partial", partial) == []
    early, after = frames("early-delta", partial)
    assert (early["action"], early["data"][0]["leavesQty"], after) == ("update", 0, partial)
    empty = {**partial, "data": []}
    assert [frame["action"] for frame in frames("early-delta", empty)] == ["update", "partial"]


def test_books_cross_and_empty() -> None:
    row = {"symbol": "XBTUSD", "bids": [[1, 2]], "asks": [[3, 4]]}
    book = {"table": "orderBook10", "action": "update", "data": [row]}
    [crossed] = frames("crossed-book", book)
    assert crossed["data"][0] == {"symbol": "XBTUSD", "bids": [[3, 4]], "asks": [[1, 2]]}
    [empty] = frames("empty-book", book)
    assert empty["data"][0]["bids"] == []


def test_a_token_expires_and_a_currency_appears() -> None:
    expired, _ = frames("token-expired")
    assert (expired["status"], expired["error"].rpartition(": ")[2]) == (419, "order:*")
    margin = {"table": "margin", "action": "update", "data": [{"account": 1, "currency": "XBt"}]}
    foreign, _ = frames("foreign-currency", margin)
    assert foreign["data"] == [{"account": 1, "currency": "NOSuch"}]


def test_head_reads_table_messages_only() -> None:
    assert head(wire(UPDATE)) == ("order", "update")
    assert head('{"info":"Welcome"}') == ("", "")
    assert head("pong") == ("", "")
