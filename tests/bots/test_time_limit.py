"""The end of user code that does not come back."""

from __future__ import annotations

import signal
import time

import pytest

from bots.time_limit import TooLongError, time_limit

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


def test_code_that_comes_back_is_not_interrupted_later() -> None:
    before = signal.getsignal(NUMBER)
    with time_limit(0.05):
        pass
    began = time.monotonic()
    while time.monotonic() - began < 0.15:  # the time in which a late timer would strike
        pass
    assert signal.getsignal(NUMBER) is before


def test_no_limit_is_no_limit() -> None:
    with time_limit(0.0):
        pass
