from __future__ import annotations

import pytest

from api.simulator.limits import RateLimited, RateLimits


def charge(limits: RateLimits, now: float, **options: bool) -> dict[str, str]:
    options = {"authenticated": True, "changes_orders": False, **options}
    return dict(limits.charge("client", now, **options))


def refused(limits: RateLimits, now: float, **options: bool) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        charge(limits, now, **options)
    return caught.value


@pytest.mark.parametrize(("authenticated", "allowed"), [(True, 120), (False, 30)])
def test_requests_a_minute_are_limited_and_refill(authenticated: bool, allowed: int) -> None:
    limits = RateLimits()
    for used in range(1, allowed + 1):
        headers = charge(limits, 1000.0, authenticated=authenticated)
        assert headers["x-ratelimit-limit"] == str(allowed)
        assert headers["x-ratelimit-remaining"] == str(allowed - used)
    pause = 60 / allowed
    refusal = refused(limits, 1000.0 + 0.9 * pause, authenticated=authenticated)
    assert refusal.status == 429
    charge(limits, 1000.0 + pause, authenticated=authenticated)
    refused(limits, 1000.0 + pause, authenticated=authenticated)


def test_refusal_tells_when_to_come_back_and_that_is_enough() -> None:
    limits = RateLimits()
    for _ in range(30):
        charge(limits, 1000.25, authenticated=False)
    refusal = refused(limits, 1000.25, authenticated=False)
    assert refusal.message == "Rate limit exceeded, retry in 2 seconds."
    assert refusal.name == "RateLimitError"
    assert refusal.headers["retry-after"] == "2"
    assert refusal.headers["x-ratelimit-remaining"] == "0"
    charge(limits, float(refusal.headers["x-ratelimit-reset"]), authenticated=False)


def test_ten_order_changes_a_second() -> None:
    limits = RateLimits()
    for used in range(1, 11):
        headers = charge(limits, 1000.0, changes_orders=True)
        assert headers["x-ratelimit-remaining-1s"] == str(10 - used)
        assert headers["x-ratelimit-limit-1s"] == "10"
    refusal = refused(limits, 1000.05, changes_orders=True)
    assert refusal.headers["x-ratelimit-remaining"] == "110"  # a refused request costs nothing
    assert "x-ratelimit-remaining-1s" not in charge(limits, 1000.05)
    charge(limits, 1000.1, changes_orders=True)


def test_clients_do_not_share_their_limits() -> None:
    limits = RateLimits()
    for _ in range(30):
        limits.charge("one", 1000.0, authenticated=False, changes_orders=False)
    limits.charge("two", 1000.0, authenticated=False, changes_orders=False)
    with pytest.raises(RateLimited):
        limits.charge("one", 1000.0, authenticated=False, changes_orders=False)


def test_clock_set_back_gives_nothing_away() -> None:
    limits = RateLimits()
    for _ in range(30):
        charge(limits, 1000.0, authenticated=False)
    refused(limits, 900.0, authenticated=False)
    refused(limits, 901.0, authenticated=False)
    charge(limits, 902.0, authenticated=False)


def test_limits_that_are_off_keep_their_headers() -> None:
    limits = RateLimits(enabled=False)
    for _ in range(1000):
        headers = charge(limits, 1000.0, changes_orders=True)
    assert headers["x-ratelimit-remaining"] == "120"


def test_connections_an_hour_are_limited_and_refill() -> None:
    limits = RateLimits()
    left = [limits.connect("client", 1000.0) for _ in range(720)]
    assert (left[0], left[-1]) == (719, 0)
    with pytest.raises(RateLimited) as caught:
        limits.connect("client", 1000.0)
    assert (caught.value.status, caught.value.headers["retry-after"]) == (429, "5")
    assert limits.connect("another", 1000.0) == 719
    assert limits.connect("client", 1005.0) == 0
    assert RateLimits(enabled=False).connect("client", 1000.0) is None


def test_topics_of_a_stream_are_paced() -> None:
    now = [1000.0]
    pace = RateLimits().pace(lambda: now[0])
    assert {pace() for _ in range(1000)} == {0.0}
    assert 0 < pace() <= 0.01
    now[0] += 0.011
    assert pace() == 0.0 and pace() > 0.0
    free = RateLimits(enabled=False).pace(lambda: now[0])
    assert {free() for _ in range(2000)} == {0.0}
