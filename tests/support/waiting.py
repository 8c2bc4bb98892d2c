"""Waiting for a condition instead of sleeping for a guess."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.01  # seconds between two looks; short beside what is waited for, cheap to run


def wait_until(
    condition: Callable[[], T | None],
    deadline_seconds: float = 30.0,
    message: str = "the condition",
) -> T:
    """Return the first truthy value of `condition`, looking until the deadline has passed.

    `message` names what is awaited; it stands in the AssertionError raised at the deadline together
    with the last value seen. An exception of `condition` is not caught.
    """
    end = time.monotonic() + deadline_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(
                f"waited {deadline_seconds:g} s in vain for {message}; last value: {value!r}"
            )
        time.sleep(_PAUSE)
