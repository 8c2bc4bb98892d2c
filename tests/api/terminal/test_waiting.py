"""At every start what could not be booked is tried once more, and bots go on when it fits."""

from __future__ import annotations

import json
from pathlib import Path

from common.classify_command import run_classify
from common.engine.snapshot import Health
from common.settings_types import SqliteSettings
from tests.api.simulator.venues import START
from tests.faults.scene import SYMBOL, Scene, after_one_fill

LATER = "2026-11-23 12:00:00.000"  # the history before it is not read again by itself


def forget_the_way_back(scene: Scene) -> None:
    """Have the execution lie before what is read again of the history."""
    scene.sleep(900)
    scene.sql(f"UPDATE ledger_cursor SET BOOKED_UNTIL = '{LATER}'")


def to_quarantine(scene: Scene, raw: str | None = None) -> str:
    """Have the books as a program would have left them that could not book the only fill."""
    ((exec_id, told),) = scene.sql("SELECT EXECID, RAW FROM executions")
    key = "MARKET, NETWORK, ACCOUNT, EXECID"
    scene.sql(
        f"INSERT INTO quarantine ({key}, REASON, RAW) SELECT {key}, 'odd', ? FROM executions",
        (raw or told,),
    )
    for table in ("executions", "coins", "ledger_tally", "kept_sums"):
        scene.sql(f"DELETE FROM {table}")
    return str(exec_id)


def test_a_row_in_quarantine_that_fits_now_is_booked_at_the_start_and_bots_go_on(
    tmp_path: Path,
) -> None:
    scene = after_one_fill(tmp_path)
    before = scene.sql("SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins")
    forget_the_way_back(scene)
    exec_id = to_quarantine(scene)
    with Scene(tmp_path, former=scene) as again:
        again.agrees()
        after = again.sql("SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins")
        assert after == before
        assert again.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]
        kept = again.sql("SELECT EXECID, OUTCOME, REASON FROM quarantine_left")
        assert kept == [(exec_id, "booked", "odd")]


def test_a_row_in_quarantine_that_never_fits_blocks_with_its_reason_and_loops_nowhere(
    tmp_path: Path,
) -> None:
    scene = after_one_fill(tmp_path)
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
        assert scene.sql("SELECT COUNT(*) FROM quarantine") == [(1,)]


def test_an_execution_of_unknown_kind_is_booked_at_the_start_after_a_person_said_what_it_is(
    tmp_path: Path,
) -> None:
    scene = after_one_fill(tmp_path)
    forget_the_way_back(scene)
    ((exec_id, raw),) = scene.sql("SELECT EXECID, RAW FROM executions")
    strange = {**json.loads(raw), "execType": "Novation"}
    del strange["side"], strange["homeNotional"], strange["foreignNotional"]
    text = json.dumps(strange)
    scene.sql(f"UPDATE executions SET KIND = 'Unknown', ROW_COUNT = 0, RAW = '{text}'")
    for table in ("coins", "ledger_tally", "kept_sums"):
        scene.sql(f"DELETE FROM {table}")
    with Scene(tmp_path, former=scene) as scene:
        scene.until(lambda: scene.market.completed > 0)
        assert scene.health is Health.BLOCKED
        assert "unknown type 'Novation'" in scene.reason
    # Without a side it is no trade that can be booked: the person's word meets its limits.
    run_classify(SqliteSettings(scene.terminal.books), exec_id, "trade", START)
    with Scene(tmp_path, former=scene) as scene:
        scene.until(lambda: scene.market.completed > 0)
        assert "side is missing" in scene.reason
    scene.sql("DELETE FROM quarantine")
    text = json.dumps({**strange, "side": "Buy", "lastQty": strange["lastQty"]})
    scene.sql(f"UPDATE executions SET RAW = '{text}'")
    with Scene(tmp_path, former=scene) as scene:
        scene.agrees()
        assert scene.market.state.booked_position(SYMBOL) == 1000
        assert scene.sql("SELECT KIND, ROW_COUNT FROM executions") == [("Trade", 1)]
