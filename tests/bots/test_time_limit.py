"""The end of user code that does not come back."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from bots.time_limit import TooLongError, time_limit
from tests.support.waiting import wait_until

NUMBER = getattr(signal, "SIGALRM", signal.SIGTERM)


def spin() -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pass


def test_a_loop_ends_although_it_catches_every_exception() -> None:
    with pytest.raises(TooLongError, match=r"within 0\.05 s"), time_limit(0.05):
        try:
            spin()
        except Exception:  # noqa: BLE001 - as users write it
            raise AssertionError("held up") from None


def test_a_system_without_timers_ends_a_loop_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "setitimer")
    with pytest.raises(TooLongError), time_limit(0.05):
        spin()


def due() -> bool:
    """Whether something will strike later."""
    running = any(isinstance(thread, threading.Timer) for thread in threading.enumerate())
    return running or (sys.platform != "win32" and signal.getitimer(signal.ITIMER_REAL)[0] > 0.0)


@pytest.mark.parametrize("timers", [True, False])
def test_code_that_comes_back_is_not_interrupted_later(
    monkeypatch: pytest.MonkeyPatch, timers: bool
) -> None:
    if not timers:
        monkeypatch.delattr(signal, "setitimer", raising=False)
    before = signal.getsignal(NUMBER)
    with time_limit(600.0):
        assert due()
        assert signal.getsignal(NUMBER) is not before
    assert signal.getsignal(NUMBER) is before
    wait_until(lambda: not due(), 30, "the timer to be called off")


def test_no_limit_is_no_limit() -> None:
    with time_limit(0.0):
        pass
