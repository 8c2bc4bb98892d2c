"""The ledger's process is killed in the middle of writing, again and again.

Whole terminals, the server and schemes that must fail: `python -m tests.campaigns.kills`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from common.domain.executions import ExecutionKind
from common.ledger.database import DatabaseSettings, to_int
from common.settings_types import SqliteSettings
from tests.common.ledger.kill_victim import BOTS, LENGTH, SEED, SETTLED_FEE, stream
from tests.common.ledger.support import add_bots, coin_rows, query
from tests.support.books import as_json
from tests.support.places import ROOT
from tests.support.waiting import wait_until

KILLS = 8


def wrongs(settings: DatabaseSettings) -> list[str]:
    """Return what is lost, doubled or partial against the stream."""
    rows = coin_rows(settings)
    found: list[str] = []
    by_bot = Counter((str(row[0]), str(row[1])) for row in rows)
    found += [f"doubled {key}" for key, count in by_bot.items() if count > 1]
    present = {str(row[0]) for row in rows}
    for execution in stream(SEED):
        mine = [row for row in rows if row[0] == execution.exec_id]
        if execution.exec_id not in present:
            found.append(f"lost {execution.exec_id}")
        elif execution.kind is ExecutionKind.FUNDING:
            if sum(to_int(row[4]) for row in mine) != SETTLED_FEE:
                found.append(f"partial {execution.exec_id}")
        elif [(row[2], row[3]) for row in mine] != [(execution.quantity, -execution.cost)]:
            found.append(f"wrong {execution.exec_id}")
    return found


def run_killed(settings: DatabaseSettings, kills: int) -> int:
    """Run the victim, killing it at random growth of the table; return how often it was killed."""
    rng = random.Random(SEED)
    command = [sys.executable, "-m", "tests.common.ledger.kill_victim"]
    killed = 0
    while True:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(as_json(settings)) + "\n")
            process.stdin.close()
            assert process.stdout.readline() == "begun\n"
            if killed < kills:
                aim = _count(settings) + rng.randint(1, LENGTH // kills)
                wait_until(partial(_grown, process, settings, aim), 60, "rows to be written")
                killed += process.poll() is None
                process.kill()
            rest = process.stdout.read()
            process.wait(60)
        finally:
            process.kill()
            process.stdout.close()
            process.wait()
        if rest == "done\n":
            return killed


def _grown(process: subprocess.Popen[str], settings: DatabaseSettings, aim: int) -> bool:
    return process.poll() is not None or _count(settings) >= aim


def _count(settings: DatabaseSettings) -> int:
    return to_int(query(settings, "SELECT COUNT(*) FROM coins")[0][0])


def test_l2_a_killed_ledger_goes_on_without_loss_double_or_part(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    add_bots(settings, *BOTS)
    assert run_killed(settings, KILLS) >= KILLS // 2
    assert wrongs(settings) == []
    unharmed = SqliteSettings(tmp_path / "unharmed.db")
    add_bots(unharmed, *BOTS)
    assert run_killed(unharmed, 0) == 0
    assert coin_rows(settings) == coin_rows(unharmed)
