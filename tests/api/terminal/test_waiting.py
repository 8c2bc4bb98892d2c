"""At every start what could not be booked is tried once more, and bots go on when it fits."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from common.classify_command import run_classify
from common.engine.snapshot import Health
from common.settings_types import SqliteSettings
from tests.api.simulator.venues import START
from tests.faults.scene import SYMBOL, Scene

LATER = "2026-11-23 12:00:00.000"  # the history before it is not read again by itself


def query(scene: Scene, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(scene.terminal.books)) as connection, connection:
        return connection.execute(statement).fetchall()


def forget_the_way_back(scene: Scene) -> None:
    """Have the execution lie before what is read again of the history."""
    scene.exchange.run_until(scene.clock.monotonic() + 900.0)
    query(scene, f"UPDATE ledger_cursor SET BOOKED_UNTIL = '{LATER}'")


def to_quarantine(scene: Scene, raw: str | None = None) -> str:
    """Have the books as a program would have left them that could not book the only fill."""
    ((exec_id, told),) = query(scene, "SELECT EXECID, RAW FROM executions")
    key = "MARKET, NETWORK, ACCOUNT, EXECID"
    with closing(sqlite3.connect(scene.terminal.books)) as connection, connection:
        connection.execute(
            f"INSERT INTO quarantine ({key}, REASON, RAW) SELECT {key}, 'odd', ? FROM executions",
            (raw or told,),
        )
        for table in ("executions", "coins", "ledger_tally", "kept_sums"):
            connection.execute(f"DELETE FROM {table}")
    return str(exec_id)


def test_a_row_in_quarantine_that_fits_now_is_booked_at_the_start_and_bots_go_on(
    tmp_path: Path,
) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill(parts=1)
        before = query(scene, "SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins")
    forget_the_way_back(scene)
    exec_id = to_quarantine(scene)
    with Scene(tmp_path, former=scene) as again:
        again.agrees()
        after = query(again, "SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins")
        assert after == before
        assert query(again, "SELECT COUNT(*) FROM quarantine") == [(0,)]
        kept = query(again, "SELECT EXECID, OUTCOME, REASON FROM quarantine_left")
        assert kept == [(exec_id, "booked", "odd")]


def test_a_row_in_quarantine_that_never_fits_blocks_with_its_reason_and_loops_nowhere(
    tmp_path: Path,
) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill(parts=1)
    forget_the_way_back(scene)
    to_quarantine(scene, raw="{not json")
    for _ in range(2):
        with Scene(tmp_path, former=scene) as scene:
            scene.until(lambda: scene.market.completed > 0)
            assert scene.health is Health.BLOCKED
            assert "is kept in the table quarantine" in scene.reason
            scene.run(20)  # the difference that is found has everything read anew, once
            sessions = scene.market.bring_up.session
            scene.run(60)
            assert scene.market.bring_up.session == sessions
        assert query(scene, "SELECT COUNT(*) FROM quarantine") == [(1,)]


def test_an_execution_of_unknown_kind_is_booked_at_the_start_after_a_person_said_what_it_is(
    tmp_path: Path,
) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill(parts=1)
    forget_the_way_back(scene)
    ((exec_id, raw),) = query(scene, "SELECT EXECID, RAW FROM executions")
    strange = {**json.loads(raw), "execType": "Novation"}
    del strange["side"], strange["homeNotional"], strange["foreignNotional"]
    text = json.dumps(strange)
    query(scene, f"UPDATE executions SET KIND = 'Unknown', ROW_COUNT = 0, RAW = '{text}'")
    for table in ("coins", "ledger_tally", "kept_sums"):
        query(scene, f"DELETE FROM {table}")
    with Scene(tmp_path, former=scene) as scene:
        scene.until(lambda: scene.market.completed > 0)
        assert scene.health is Health.BLOCKED
        assert "unknown type 'Novation'" in scene.reason
    # Without a side it is no trade that can be booked: the person's word meets its limits.
    run_classify(SqliteSettings(scene.terminal.books), exec_id, "trade", START)
    with Scene(tmp_path, former=scene) as scene:
        scene.until(lambda: scene.market.completed > 0)
        assert "side is missing" in scene.reason
    query(scene, "DELETE FROM quarantine")
    text = json.dumps({**strange, "side": "Buy", "lastQty": strange["lastQty"]})
    query(scene, f"UPDATE executions SET RAW = '{text}'")
    with Scene(tmp_path, former=scene) as scene:
        scene.agrees()
        assert scene.market.state.booked_position(SYMBOL) == 1000
        assert query(scene, "SELECT KIND, ROW_COUNT FROM executions") == [("Trade", 1)]
