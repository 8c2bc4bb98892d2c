"""`history.ini` follows what the cursor of the books goes with, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.domain.books import AccountKey
from common.domain.executions import Network
from common.engine.items import Booked
from common.engine.mailbox import Mailbox
from common.history_ini import HistoryFile
from common.history_keeper import HistoryKeeper
from tests.common.engine.support import executed
from tests.common.engine.world import entry_of

WISH = "2000-01-01 00:00:00\n"
KEY = AccountKey("Venue", Network.DEMO, 1)


@pytest.mark.parametrize("moves_on", [True, False])
def test_a_row_that_is_booked_out_of_turn_does_not_take_a_persons_date_away(
    tmp_path: Path, moves_on: bool
) -> None:
    path, inbox = tmp_path / "history.ini", Mailbox()
    path.write_text(WISH, encoding="utf-8")
    booked = Booked(KEY, (entry_of(executed()),), frozenset({"x"}), 0, moves_on=moves_on)
    HistoryKeeper(HistoryFile(path), inbox).put(booked)
    assert inbox.get(0) is booked
    assert (path.read_text(encoding="utf-8") == WISH) is not moves_on
