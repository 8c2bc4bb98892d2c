"""The end of a whole terminal while exchange or database hang: bounded, and nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from common.ending import END_WITHIN, end_within
from display.closing import WITHIN
from tests.campaigns.truth import wrongs
from tests.faults.whole import Whole
from tests.support.database import MariaDB
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

STARTED = 3.0  # seconds more that a process takes to notice a signal and to be gone


def test_what_ends_by_itself_is_waited_for_and_its_error_is_raised() -> None:
    def fail() -> None:
        raise ValueError("the end failed")

    assert end_within(lambda: None, 10)
    with pytest.raises(ValueError, match="the end failed"):
        end_within(fail, 10)


def test_u7_dialog_and_end_together_take_five_seconds_at_most() -> None:
    assert END_WITHIN + WITHIN <= 5


if os.name == "posix":

    @pytest.mark.parametrize("hung", [{"database"}, {"exchange", "database"}])
    def test_u7_the_end_is_bounded_whatever_hangs_and_nothing_is_lost(
        exchange: Callable[..., ExchangeProcess],
        mariadb: MariaDB,
        tmp_path: Path,
        hung: Collection[str],
    ) -> None:
        venue = exchange(seed=6)
        whole = Whole(venue, tmp_path, mariadb, DEAD_MANS_SWITCH="600")
        whole.start()
        assert whole.process is not None
        pids = {"exchange": venue.process.pid, "database": mariadb.pid}
        try:
            if "database" in hung:  # the ledger waits in the middle of a transaction
                os.kill(pids["database"], signal.SIGSTOP)
            whole.trade(5)
            wait_until(lambda: "has not answered" in whole.said, 30, "the database to be missed")
            if "exchange" in hung:
                os.kill(pids["exchange"], signal.SIGSTOP)
            asked = time.monotonic()
            whole.process.send_signal(signal.SIGTERM)
            assert whole.process.wait(30) == 0
            took = time.monotonic() - asked
            print(f"{' and '.join(sorted(hung))} hung: ended after {took:.1f} s")
        finally:
            for pid in pids.values():
                os.kill(pid, signal.SIGCONT)
        assert took < END_WITHIN + STARTED
        log = (tmp_path / "logs" / "tmatic.log").read_text(encoding="utf-8")
        assert "executions and outcomes of orders that it has not written are fetched" in log
        assert ("dead man's switch may stay armed" in log) is ("exchange" in hung)
        whole.start()
        try:
            whole.wait_for_trades(5)
        finally:
            whole.end()
        assert wrongs(whole.truth(), whole.tables()) == []
