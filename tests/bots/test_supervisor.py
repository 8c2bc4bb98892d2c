"""The supervisor's own rules, with workers that are no processes."""

from __future__ import annotations

import queue
import time

import pytest

from bots.events import Batch, Event, Heard, Limits, Load, Start, Stop
from bots.supervisor import Supervisor
from common.engine.bot_items import BotCall, BotLoaded
from tests.bots.terminal import ticker, view


class SilentWorker:
    """Takes everything and says nothing."""

    pid = 0

    def __init__(self, *_: object) -> None: ...

    def send(self, message: object) -> None: ...

    def leave(self, patience: float) -> None: ...

    def end(self) -> str:
        return "ended"


def heard_of_nobody(after: float) -> Heard:
    """Return an event that lets time have passed, in seconds from now."""
    return Heard(SilentWorker(), None, time.monotonic() + after)  # type: ignore[arg-type]


def test_a_worker_and_the_one_beside_it_may_be_overdue_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bots.roster.WorkerProcess", SilentWorker)
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    told: queue.SimpleQueue[object] = queue.SimpleQueue()
    batch = Batch(["bot"])
    events.put(Load(batch, (view("bot"),), {}, None))
    events.put(Start(batch, BotCall(view("bot"), (), ticker(), ())))
    events.put(heard_of_nobody(100))  # both are asked where they are
    events.put(heard_of_nobody(200))  # neither has answered
    events.put(Stop())
    Supervisor(events, told, Limits(60.0, 60.0, 0)).run()
    outcomes = [told.get_nowait() for _ in range(told.qsize())]
    loaded = [each for each in outcomes if isinstance(each, BotLoaded)]
    assert loaded == [BotLoaded("bot", "not loaded within 60 s")]
    assert "supervisor of the bots failed" not in caplog.text
