"""Cancellations of many orders: few requests, and an answer to each of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence

import pytest

from api.bitmex import rows
from api.bitmex.auth import Signer
from api.bitmex.budget import Budget
from api.bitmex.calls import Calls
from api.bitmex.cancellations import Cancellations
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.rest import RestClient
from api.bitmex.rest_worker import CANCELS_AT_ONCE, RestWorker
from api.bitmex.wire import Row, encode
from common.domain.orders import Order, Phase
from common.engine.requests import DisarmSwitch, SendCancel
from common.errors import (
    ExchangeUnavailable,
    OrderNotFound,
    OrderRefused,
    Overloaded,
    ProtocolError,
    TmaticError,
)
from common.settings_types import Secret
from tests.api.bitmex import samples
from tests.api.bitmex.http_peer import Peer, answer, http_peer
from tests.api.bitmex.samples import ORDER

ONE, TWO, THREE = (SendCancel(name, f"{n}.Ema") for n, name in enumerate("abc", 1))


def canceled(name: str) -> Row:
    return {**ORDER, "orderID": name, "ordStatus": "Canceled"}


class Exchange:
    """Answers cancellations as a test says, one after another."""

    def __init__(self, *answers: list[Row] | TmaticError) -> None:
        self.asked: list[object] = []
        self._answers = list(answers)

    def cancel(self, path: str, body: Mapping[str, object]) -> object:
        assert path == "/order"
        self.asked.append(body["orderID"])
        given = self._answers.pop(0)
        if isinstance(given, TmaticError):
            raise given
        return given


def together(exchange: Exchange, *requests: SendCancel) -> list[Order | TmaticError]:
    directory = samples.directory()
    return Cancellations(exchange, lambda row: rows.order(row, directory)).together(requests)


def test_orders_are_cancelled_with_one_request_and_each_has_its_own_answer() -> None:
    exchange = Exchange([canceled("c"), {"orderID": "b", "error": "Not found"}, canceled("a")])
    first, second, third = together(exchange, ONE, TWO, THREE)
    assert exchange.asked == [["a", "b", "c"]]
    assert isinstance(first, Order)
    assert isinstance(third, Order)
    assert (first.order_id, first.phase, third.order_id) == ("a", Phase.CANCELED, "c")
    assert isinstance(second, OrderNotFound)


def test_an_order_that_the_answer_passes_over_is_not_taken_for_cancelled() -> None:
    first, second = together(Exchange([canceled("a")]), ONE, TWO)
    assert isinstance(first, Order)
    assert isinstance(second, OrderNotFound)


def test_of_a_list_that_is_refused_each_order_is_cancelled_alone() -> None:
    exchange = Exchange(OrderRefused("no"), [canceled("a")], OrderRefused("not this"))
    first, second = together(exchange, ONE, TWO)
    assert exchange.asked == [["a", "b"], "a", "b"]
    assert isinstance(first, Order)
    assert str(second) == "not this"


@pytest.mark.parametrize("error", [Overloaded("busy"), ExchangeUnavailable("gone")])
def test_an_exchange_that_is_busy_or_gone_is_not_asked_once_more_for_each(
    error: TmaticError,
) -> None:
    exchange = Exchange(error)
    assert together(exchange, ONE, TWO) == [error, error]
    assert len(exchange.asked) == 1


# ---- the thread that sends them ------------------------------------------------------------------


def served(peer: Peer, requests: Sequence[object]) -> list[tuple[int, object, TmaticError | None]]:
    """Return what a worker tells of requests that were all queued before it could start."""
    told: list[tuple[int, object, TmaticError | None]] = []

    def new_calls() -> tuple[RestClient, Calls]:
        clock = ExchangeClock()
        client = RestClient(
            peer.url, Signer(Secret("key"), Secret("secret")), clock, Budget(), threading.Event()
        )
        return client, Calls(client, samples.directory(), clock)

    worker = RestWorker("cancels", new_calls, lambda n, _, r, e: told.append((n, r, e)))
    for number, request in enumerate(requests):
        worker.put(number, request)
    worker.end()
    worker.start()
    assert worker.join(20)
    return told


def test_cancellations_that_wait_together_leave_together() -> None:
    given = [*map(SendCancel, "ab", ("", "")), SendCancel("", "3.Ema"), SendCancel("d", "")]
    alone = {**ORDER, "clOrdID": "3.Ema", "ordStatus": "Canceled"}
    bodies = [[canceled("b"), canceled("a")], [alone], [canceled("d")]]
    with http_peer(*(answer(200, encode(body)) for body in bodies)) as peer:
        told = served(peer, given)
    sent = [json.loads(asked.body) for asked in peer.asked]
    assert sent == [{"orderID": ["a", "b"]}, {"clOrdID": "3.Ema"}, {"orderID": "d"}]
    assert [number for number, _, _ in told] == [0, 1, 2, 3]
    results = [result for _, result, _ in told if isinstance(result, Order)]
    assert [order.order_id for order in results] == ["a", "b", ORDER["orderID"], "d"]


def test_no_more_orders_than_fit_into_a_request_leave_with_it() -> None:
    given = [SendCancel(str(n), "") for n in range(CANCELS_AT_ONCE + 2)]
    body = [canceled(request.order_id) for request in given]
    with http_peer(answer(200, encode(body))) as peer:
        told = served(peer, given)
    sent = [len(json.loads(asked.body)["orderID"]) for asked in peer.asked]
    assert sent == [CANCELS_AT_ONCE, 2]
    assert [error for _, _, error in told if error] == []
    assert len(told) == len(given)


def test_an_answer_that_is_no_list_fails_each_of_them() -> None:
    with http_peer(answer(200, encode("done"))) as peer:
        told = served(peer, [ONE, TWO])
    assert [type(error) for _, _, error in told] == [ProtocolError, ProtocolError]


def test_the_word_at_the_end_goes_after_the_cancellations() -> None:
    bodies = [[canceled("a"), canceled("b")], {}]
    with http_peer(*(answer(200, encode(body)) for body in bodies)) as peer:
        told = served(peer, [ONE, TWO, DisarmSwitch()])
    assert [asked.target for asked in peer.asked][1].endswith("/order/cancelAllAfter")
    assert [error for _, _, error in told] == [None, None, None]
