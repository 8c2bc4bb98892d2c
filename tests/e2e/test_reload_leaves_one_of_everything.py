"""F3 during anything leaves one of everything: threads, workers, sockets, timers, bindings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.e2e.reloading import SLOW
from tests.support.places import ROOT
from tests.support.profiles import demo_access, write_profile
from tests.support.venue import ExchangeProcess

if sys.platform.startswith("linux"):

    def test_m1_b22_f3_at_bad_moments_leaves_one_of_everything(
        xvfb: str, exchange: Callable[..., ExchangeProcess], tmp_path: Path
    ) -> None:
        venue = exchange(seed=5, no_limits=True)
        write_profile(tmp_path, demo_access(venue.rest, venue.ws, venue.key, venue.secret))
        books = SqliteSettings(tmp_path / "tmatic.db")
        add_robot(books, "Bitmex", "slowBot", "XBTUSDT", "linear", 1, 1)
        (tmp_path / "algo").mkdir()
        (tmp_path / "algo" / "init.py").write_text(SLOW, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.reloading", str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, "DISPLAY": xvfb},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        counts = json.loads(done.stdout.splitlines()[-1])
        before = counts.pop("before")
        assert before["threads"]["engine"] == before["threads"]["ledger"] == 1
        assert before["processes"] == 1  # the worker of the one bot
        for moment, after in counts.items():
            assert after == before, moment
