from __future__ import annotations

import pytest

from display.heartbeat import Heartbeat


def test_a_punctual_loop_is_not_late() -> None:
    heartbeat = Heartbeat(0.1)
    now = 5.0
    for _ in range(5):
        heartbeat.begin(now)
        now += heartbeat.end(now + 0.02) + 0.02
    assert heartbeat.worst_late == pytest.approx(0.0)
    assert heartbeat.worst_paint == pytest.approx(0.02)
    assert now == pytest.approx(5.5)


def test_a_held_up_loop_reports_the_delay_and_does_not_hurry() -> None:
    heartbeat = Heartbeat(0.1)
    heartbeat.begin(0.0)
    heartbeat.end(0.0)
    heartbeat.begin(2.0)
    assert heartbeat.late == pytest.approx(1.9)
    assert heartbeat.end(2.0) == pytest.approx(0.1)
    heartbeat.reset()
    assert heartbeat.worst_late == 0.0
