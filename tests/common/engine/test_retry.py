"""Delays between attempts."""

from __future__ import annotations

import random

from common.engine.retry import Retry
from common.errors import AuthenticationFailed, ExchangeUnavailable, RateLimited

GONE = ExchangeUnavailable("gone")


def test_n1_delays_are_jittered_and_grow_from_half_a_second_to_thirty() -> None:
    chance = random.Random(1).random
    runs = [[retry.after(GONE) for _ in range(12)] for retry in (Retry(chance), Retry(chance))]
    assert runs[0] != runs[1]
    for delays in runs:
        assert 0.34 < delays[0] < 0.65
        assert 22.0 < delays[-1] < 38.0
        assert delays[:6] == sorted(delays[:6])


def test_n1_never_more_than_three_connections_a_second() -> None:
    for chance in (0.0, 0.5, 0.999):
        assert Retry(lambda given=chance: given).after(GONE) > 1 / 3  # type: ignore[misc]


def test_n16_the_wait_that_a_refusal_asks_for_is_the_least() -> None:
    assert Retry(lambda: 0.0).after(RateLimited("slow down", 42.0)) == 42.0


def test_n18_a_refused_key_is_tried_again_slowly() -> None:
    retry = Retry(lambda: 0.5)
    assert [retry.after(AuthenticationFailed("no")) for _ in range(3)] == [30.0] * 3
