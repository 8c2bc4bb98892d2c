"""Faults of the machine, L1 to L5, on whole terminals: kills, second starts, full disks."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from api.bitmex.auth import signature
from common.ledger.connecting import open_database
from common.profile import ProfileLock
from common.settings_types import SqliteSettings
from tests.faults.scene import SYMBOL, Scene
from tests.support.places import ROOT
from tests.support.processes import end
from tests.support.profiles import demo_access, write_profile
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

KILLS = 3


class Whole:
    """A terminal without a window as a process of its own, on an exchange of another."""

    def __init__(self, venue: ExchangeProcess, profile: Path) -> None:
        self._venue = venue
        self.profile = profile
        write_profile(profile, demo_access(venue.rest, venue.ws, venue.key, venue.secret))
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Start it; return the seconds until it was LIVE."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "main.py", "--headless", "--profile", str(self.profile)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        assert any("LIVE" in line for line in self.process.stdout)
        return time.monotonic() - began

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a signed request of another program on the account."""
        text = json.dumps(body) if body is not None else ""
        expires = int(time.time()) + 3600
        headers = {
            "content-type": "application/json",
            "api-key": self._venue.key,
            "api-expires": str(expires),
            "api-signature": signature(self._venue.secret, method, path, expires, text),
        }
        url = self._venue.rest.removesuffix("/api/v1/") + path
        request = urllib.request.Request(url, text.encode() or None, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def trade(self, parts: int) -> None:
        """Have an order filled in parts."""
        bid = self.ask("GET", "/api/v1/instrument?symbol=XBTUSDT")[0]["bidPrice"]
        order = {"symbol": "XBTUSDT", "side": "Buy", "orderQty": 1000, "price": bid // 2}
        placed = self.ask("POST", "/api/v1/order", order)["orderID"]
        self.ask("POST", "/control/fill", {"orderID": placed, "parts": parts})

    def truth(self) -> set[str]:
        account = self.ask("GET", "/control/truth")["accounts"]
        return {row["execID"] for books in account for row in books["executions"]}

    def booked(self) -> Counter[str]:
        [books] = self.profile.rglob("*.db")
        with closing(sqlite3.connect(books)) as connection:
            rows = connection.execute("SELECT EXECID FROM coins").fetchall()
        return Counter(row[0] for row in rows)


def test_l1_a_terminal_that_is_killed_again_and_again_loses_and_doubles_nothing(
    exchange: Callable[..., ExchangeProcess], tmp_path: Path
) -> None:
    chance = random.Random(1)
    whole = Whole(exchange(seed=5), tmp_path)
    slowest = 0.0
    try:
        for _ in range(KILLS):
            slowest = max(slowest, whole.start())
            for _ in range(4):
                whole.trade(5)
            time.sleep(chance.uniform(0.0, 0.2))  # not a wait: the moment of the kill is drawn
            whole.kill()
        slowest = max(slowest, whole.start())
        whole.trade(2)
        wait_until(lambda: set(whole.booked()) >= whole.truth(), 20, "all executions")
    finally:
        if whole.process is not None:
            end(whole.process)
    booked = whole.booked()
    assert set(booked) == whole.truth()
    assert set(booked.values()) == {1}
    assert len(booked) == 5 * 4 * KILLS + 2
    assert slowest < 60  # 15 s on a machine with nothing else to do


def test_l1_an_intent_of_unknown_outcome_is_settled_first_after_a_kill(tmp_path: Path) -> None:
    """The engine is left as it stands, with an order on its way."""
    killed = Scene(tmp_path)
    killed.__enter__()
    killed.live()
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
        again.live()
        again.run(60)  # this exchange knows nothing of it
        assert open_intents(tmp_path) == []
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
        second = subprocess.run(
            [sys.executable, "main.py", "--headless", "--profile", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 3
    assert "in use" in second.stderr + second.stdout


def test_l5_whatever_history_ini_holds_the_books_know_where_they_end(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
        cursor = scene.market.bring_up._cursor
        scene.arm(fault="drop")
        scene.until(lambda: scene.market.bring_up.running, 30)
        scene.agrees()
        assert scene.market.bring_up._cursor >= (cursor or scene.market.bring_up._cursor)
        assert scene.market.state.booked_position(SYMBOL) == 1000


if os.name == "posix":

    def test_l1_a_terminal_that_is_ended_properly_writes_everything(
        exchange: Callable[..., ExchangeProcess], tmp_path: Path
    ) -> None:
        whole = Whole(exchange(seed=6), tmp_path)
        whole.start()
        whole.trade(5)
        wait_until(lambda: len(whole.booked()) == 5, 20, "the executions")
        assert whole.process is not None
        whole.process.send_signal(signal.SIGTERM)
        assert whole.process.wait(30) == 0
        assert whole.process.stdout is not None
        whole.process.stdout.close()
        assert set(whole.booked()) == whole.truth()
