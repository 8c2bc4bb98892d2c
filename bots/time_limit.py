"""An end to user code that does not come back, within the process that runs it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType


class TooLongError(BaseException):
    """User code ran longer than it may. No `Exception`: `except Exception` does not hold it up."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError in the block once it has run for `seconds`; 0: never. Main thread only.

    Where the system has timers, a sleep or a read ends too; elsewhere a loop of Python code.
    """
    if not seconds:
        yield
        return

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"did not return within {seconds:g} s")

    number = getattr(signal, "SIGALRM", signal.SIGTERM)
    before = signal.signal(number, expire)
    end = _start(number, seconds)
    try:
        yield
    finally:
        end()
        signal.signal(number, before)


def _start(number: int, seconds: float) -> Callable[[], object]:
    """Have the main thread interrupted; returns what calls that off."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return partial(signal.setitimer, signal.ITIMER_REAL, 0)
    timer = threading.Timer(seconds, signal.raise_signal, (number,))
    timer.daemon = True
    timer.start()
    return timer.cancel
