"""The window's timers are punctual in flood, outage and history load; and the check can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.punctual import LIMIT, Measured, measure


def best_of(folder: Path, tries: int, **options: object) -> Measured:
    """Measure again when another program took the processor in between; never more than `tries`."""
    found: list[Measured] = []
    for number in range(tries):
        found.append(measure(folder / str(number), **options))  # type: ignore[arg-type]
        if found[-1].judged <= LIMIT:
            break
    return min(found, key=lambda each: each.judged)


def test_u11_nothing_blocks_the_window_over_50_ms_at_2000_messages_a_second(tmp_path: Path) -> None:
    measured = best_of(tmp_path, 2, seconds=10.0)
    assert measured.judged <= LIMIT, measured
    assert measured.messages > 1000, measured  # the flood was one
    assert measured.window["bring-ups before"] == 0, measured  # the history was still being loaded
    assert measured.window["bring-ups"] >= 1, measured
    assert measured.window["booked"] == 10_000 * 1000, measured


@pytest.mark.parametrize("seconds", [5.0])
def test_u11_the_engines_work_on_the_windows_thread_is_noticed(
    tmp_path: Path, seconds: float
) -> None:
    measured = measure(tmp_path, seconds, outage=0.2, red=True)
    assert measured.judged > LIMIT, measured
