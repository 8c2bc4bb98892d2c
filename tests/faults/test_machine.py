"""Faults of the machine, L1 to L5, on whole terminals: kills, second starts, full disks."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from common.domain.orders import Side
from common.engine.snapshot import Health
from common.history_ini import HistoryFile
from common.ledger.connecting import open_database
from common.logs import LogFile, Logs
from common.profile import ProfileLock
from common.settings_types import SqliteSettings
from tests.campaigns.truth import wrongs
from tests.faults.scene import SYMBOL, Scene
from tests.faults.whole import Whole
from tests.support.profiles import write_profile
from tests.support.program import run_program
from tests.support.venue import ExchangeProcess

log = logging.getLogger(__name__)


def test_l1_an_intent_of_unknown_outcome_is_settled_first_after_a_kill(tmp_path: Path) -> None:
    """The engine is left as it stands, with an order on its way."""
    killed = Scene(tmp_path)
    killed.__enter__()
    killed.live()
    killed.arm(fault="lose", table="order")  # the stream would tell at once what became of it
    killed.arm(fault="silent", after=True, method="POST", path="/order")
    killed.place()
    killed.until(lambda: killed.fired("silent"), 5)
    killed.market.gateway.stop()
    killed.engine._ledger.stop()  # its thread ends with the process; what was written stays
    order = killed.open_there()[0]
    with Scene(tmp_path) as again:
        again.venue = killed.venue
        intents = open_intents(tmp_path)
        assert intents == [order["clOrdID"]]
        again.until(lambda: again.market.completed)  # this exchange knows nothing of it
        assert again.health is Health.RECONCILING
        assert again.reason == "asking what became of 1 request of an earlier run"
        assert open_intents(tmp_path) == intents
        again.live(16)
        again.until(lambda: not open_intents(tmp_path), 1)
        assert again.sent("POST") == 0


def open_intents(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "books.db")) as connection:
        rows = connection.execute("SELECT CLORDID FROM order_intents WHERE STATE = 'OPEN'")
        return [row[0] for row in rows]


def test_l2_what_is_booked_is_on_the_disk(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
    database = open_database(SqliteSettings(tmp_path / "books.db"))
    try:
        assert database.query("PRAGMA synchronous")[0][0] == 2  # FULL: flushed at each commit
    finally:
        database.close()


def test_l3_a_second_start_on_the_same_folder_ends_with_code_3(tmp_path: Path) -> None:
    write_profile(tmp_path)
    with ProfileLock(tmp_path):
        second = run_program(tmp_path, "--headless")
    assert second.returncode == 3
    assert "in use" in second.stderr + second.stdout


@pytest.mark.parametrize(
    "content", ["", "garbage", "\x00", "2999-01-01 00:00:00", "2000-01-01 00:00:00", None]
)
def test_l5_whatever_history_ini_holds_the_books_know_where_they_end(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "history.ini"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with Scene(tmp_path) as scene:
        asked: list[datetime | None] = []

        def first_date(cursor: datetime | None) -> datetime | None:
            date = HistoryFile(path).read(scene.market.state.key, scene.clock.now())
            asked.append(cursor)
            return date.wished(cursor)

        scene.market.bring_up._first_date = first_date
        scene.live()
        scene.buy_and_fill()
        cursor = scene.market.bring_up._cursor
        scene.arm(fault="drop")
        scene.until(lambda: scene.market.bring_up.running, 30)
        scene.agrees()
        assert scene.market.bring_up._cursor >= (cursor or scene.market.bring_up._cursor)
        assert scene.market.state.booked_position(SYMBOL) == 1000
        assert len(asked) == 2


def test_l4_a_log_that_cannot_be_written_stops_no_trading(scene: Scene, tmp_path: Path) -> None:
    """Trading, books and what is in the file already are as if the disk had room."""
    logs = Logs(tmp_path)
    level = logging.getLogger().level
    logs.start()
    try:
        log.info("before")
        (handler,) = (h for h in logging.getLogger().handlers if isinstance(h, LogFile))
        room = handler.stream
        with open(os.devnull, encoding="utf-8") as full:  # noqa: PTH123 - not a path of ours
            handler.stream = full
            scene.buy_and_fill()
            order = scene.rest(Side.SELL)
            scene.terminal.cancel(order["clOrdID"])
            scene.arm(fault="drop")
            scene.until(lambda: scene.market.bring_up.running, 30)
            scene.agrees()
            log.info("lost")
            handler.stream = room
        log.info("after")
        lost = logs.lost
    finally:
        logs.stop()
        logging.getLogger().setLevel(level)
    assert scene.market.state.booked_position(SYMBOL) == 1000
    assert scene.open_there() == []
    assert lost > 1  # what the terminal said, and the line of this test
    lines = logs.path.read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith("before")
    assert f"{lost} log lines could not be written before this one" in lines[1]
    assert lines[2].endswith("after")


if os.name == "posix":

    def test_l1_a_terminal_that_is_ended_properly_writes_everything(
        exchange: Callable[..., ExchangeProcess], tmp_path: Path
    ) -> None:
        whole = Whole(exchange(seed=6), tmp_path)
        whole.start()
        whole.trade(5)
        whole.wait_for_trades(5)
        assert whole.process is not None
        whole.process.send_signal(signal.SIGTERM)
        assert whole.process.wait(30) == 0
        assert wrongs(whole.truth(), whole.tables()) == []
