"""The X server is killed while the window is open: the program ends in order."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from common.ending import END_WITHIN
from tests.campaigns.truth import wrongs
from tests.faults.whole import Whole
from tests.support.processes import end
from tests.support.program import start_program
from tests.support.screen import kill_display, virtual_display
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

SLACK = 5.0  # seconds on a busy machine


if sys.platform.startswith("linux"):  # displays go where X is

    def test_u13_when_the_display_goes_the_program_ends_in_order(
        exchange: Callable[..., ExchangeProcess], tmp_path: Path
    ) -> None:
        whole = Whole(exchange(seed=6), tmp_path, DEAD_MANS_SWITCH="600")
        with virtual_display() as display:
            terminal = start_program(tmp_path, DISPLAY=display)
            try:
                wait_until(lambda: whole.truth()["cancelAt"] is not None, 60, "the switch")
                whole.trade(5)
                whole.wait_for_trades(5)
                kill_display(display)
                killed = time.monotonic()
                _, complaints = terminal.communicate(timeout=60)
                took = time.monotonic() - killed
            finally:
                end(terminal)
        assert terminal.returncode == 4, complaints
        assert took < END_WITHIN + SLACK
        assert "the display has gone" in complaints
        assert "the display has gone" in (tmp_path / "logs/tmatic.log").read_text(encoding="utf-8")
        assert whole.truth()["cancelAt"] is not None
        assert wrongs(whole.truth(), whole.tables()) == []
