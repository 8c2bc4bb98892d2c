"""A terminal without a window as a process of its own, on an exchange of another, to be killed."""

from __future__ import annotations

import subprocess
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from common.ledger.database import DatabaseSettings
from common.settings_types import SqliteSettings
from tests.api.simulator.trader import Owner, Trader
from tests.campaigns.truth import Tables
from tests.common.ledger.conftest import mysql_settings
from tests.support.books import access
from tests.support.database import MariaDB
from tests.support.places import ROOT
from tests.support.processes import end
from tests.support.profiles import demo_access, write_profile
from tests.support.program import command
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

SYMBOL = "XBTUSDT"


class Whole:
    """`main.py --headless` on a profile; its books are in the profile's file or in a server's."""

    def __init__(
        self,
        venue: ExchangeProcess,
        profile: Path,
        server: MariaDB | None = None,
        **settings: str,
    ) -> None:
        self.profile = profile
        self.trader, self.owner = Trader(venue), Owner(venue)
        self.books: DatabaseSettings = SqliteSettings(profile / "tmatic.db")
        changes: dict[str, str | None] = {
            **demo_access(venue.rest, venue.ws, venue.key, venue.secret),
            **settings,
        }
        if server is not None:
            self.books = mysql_settings(server, server.create_database())
            changes |= access(self.books)
        write_profile(profile, changes)
        self._output = profile / "output.txt"
        self.process: subprocess.Popen[str] | None = None

    def command(self) -> list[str]:
        """Return what runs the terminal."""
        return command(self.profile, "--headless")

    @property
    def said(self) -> str:
        """What the process that runs now has printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def begin(self, given: str = "") -> None:
        """Start it with a line on its standard input, and wait for nothing."""
        with self._output.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=output,  # a pipe that nobody reads would stop it once it is full
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
            )
        assert self.process.stdin is not None
        self.process.stdin.write(given)
        self.process.stdin.close()

    def start(self) -> float:
        """Start it; return the seconds until it was LIVE."""
        began = time.monotonic()
        self.begin()
        wait_until(lambda: "LIVE" in self.said or not self.running, 60.0, "LIVE")
        assert self.running, self.said
        return time.monotonic() - began

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it without warning."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def end(self) -> None:
        """End it in order, where it runs."""
        if self.process is not None:
            end(self.process, 30)

    def trade(self, parts: int, cl_ord_id: str = "", side: str = "Buy") -> None:
        """Have an order of another program on the account filled in parts."""
        row: Any = self.trader.rows("instrument", symbol=SYMBOL)[0]
        price = row["bidPrice"] // 2 if side == "Buy" else row["askPrice"] * 2
        order = {"symbol": SYMBOL, "side": side, "orderQty": 1000, "price": price}
        name = {"clOrdID": cl_ord_id} if cl_ord_id else {}
        placed = self.trader.order(**order, **name)["orderID"]
        self.owner.act("fill", orderID=placed, parts=parts)

    def wait_for_trades(self, count: int) -> None:
        """Wait until so many fills are booked; funding may be paid meanwhile, three times a day."""

        def trades() -> int:
            return sum(not coin.is_funding for coin in self.tables().coins)

        wait_until(lambda: trades() == count, 30, f"{count} fills")

    def truth(self) -> dict[str, Any]:
        """Return what the exchange says it sent to the account."""
        return self.owner.truth(self._account)

    @cached_property
    def _account(self) -> int:
        """Asked once: looking at the truth again and again must not use up the request limit."""
        user: Any = self.trader.ask("GET", "user")
        return int(user["id"])

    def tables(self) -> Tables:
        """Return what the database holds."""
        return Tables.read(self.books)
