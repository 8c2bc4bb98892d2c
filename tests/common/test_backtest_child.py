"""Back-tests beside the window: progress, reports, failures, and no child that stays behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from common.backtest_child import BackTests
from common.domain.backtests import BackTestState
from tests.support.waiting import wait_until

# What a child does that would run on; bounded, so that none outlives a test that failed.
FOR_LONG = "time.sleep(60)"


@contextmanager
def running(script: str) -> Iterator[BackTests]:
    """Run this Python instead of the program; sys.argv holds the options."""
    found = BackTests([sys.executable, "-c", script])
    try:
        yield found
    finally:
        found.close()


def ended(tests: BackTests) -> BackTestState:
    wait_until(lambda: not tests.state.running, 30, "the back-test to end")
    return tests.state


def test_the_report_is_what_the_child_prints() -> None:
    with running("import sys; print(*sys.argv[1:]); print('result 1.5')") as tests:
        assert tests.state == BackTestState()
        assert tests.start("myBot", "2026-01-01", "2026-02-01")
        state = ended(tests)
    assert state == BackTestState(
        "myBot",
        text="--backtest myBot --from 2026-01-01 --to 2026-02-01 --progress\nresult 1.5",
    )


def test_progress_is_told_while_it_runs_and_one_runs_at_a_time() -> None:
    script = "import sys, time\nsys.stderr.write('progress 25 100\\n'); sys.stderr.flush()\n"
    script += FOR_LONG
    with running(script) as tests:
        tests.start("myBot", "a", "b")
        wait_until(lambda: (tests.state.played, tests.state.total) == (25, 100), 30, "progress")
        assert not tests.start("other", "a", "b")
        assert tests.state.emi == "myBot"
        began = time.monotonic()
        tests.stop()
        state = ended(tests)
        assert time.monotonic() - began < 5
        assert (state.failed, state.text) == (True, "stopped")


def test_a_failure_is_told_in_the_childs_words() -> None:
    with running("import sys; sys.exit('There is no bot myBot')") as tests:
        tests.start("myBot", "a", "b")
        state = ended(tests)
        assert (state.failed, state.text) == (True, "There is no bot myBot")
        assert tests.start("myBot", "a", "b"), "it can be tried again"
        ended(tests)


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    tests = BackTests(["/no/such/program"])
    tests.start("myBot", "a", "b")
    state = ended(tests)
    assert state.failed
    assert "could not be run" in state.text
    tests.close()


def test_closing_ends_a_child_that_does_not_listen() -> None:
    script = (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "sys.stderr.write('progress 1 2\\n'); sys.stderr.flush()\n"
    )
    script += FOR_LONG
    with running(script) as tests:
        tests.start("myBot", "a", "b")
        wait_until(lambda: tests.state.total == 2, 30, "the child")
    assert not tests.state.running
