"""How long a cancellation that was not confirmed waits for its next try."""

from __future__ import annotations

import pytest

from common.engine.cancel_retry import pause_after
from common.errors import AuthenticationFailed, ExchangeUnavailable, RateLimited, TmaticError


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (ExchangeUnavailable("503"), [1, 2, 4, 5, 5, 5, 5]),
        (None, [1, 2, 4, 5, 5, 5, 5]),
        (AuthenticationFailed("403"), [1, 2, 4, 8, 16, 30, 30]),
        (RateLimited("429", 12.0), [12, 12, 12, 12, 16, 30, 30]),
        (RateLimited("429", 600.0), [30, 30, 30, 30, 30, 30, 30]),
    ],
)
def test_n14_n17_pauses_grow_and_longest_where_the_exchange_wants_to_hear_nothing(
    error: TmaticError | None, pauses: list[float]
) -> None:
    assert [pause_after(tries, error) for tries in range(1, 8)] == pauses
    assert pause_after(10**6, error) == pauses[-1]
