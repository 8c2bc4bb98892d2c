"""Two terminals on one account: the second watches, and takes over from one that was killed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.user import User
from tests.support.database import MariaDB
from tests.support.processes import end
from tests.support.profiles import demo_access, write_profile
from tests.support.program import start_program
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

RESERVED = "XBTUSDT.linear"
READ_ONLY = "read-only: another terminal trades on this account"


class Headless:
    """A terminal without a window, whose lines are read as they come."""

    def __init__(self, profile: Path) -> None:
        self.process = start_program(profile, "--headless", stderr=None)
        self.lines: list[str] = []
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)

    def says(self, part: str) -> bool:
        while not self._queue.empty():
            self.lines.append(self._queue.get())
        return any(part in line for line in self.lines)

    def wait(self, part: str, seconds: float = 30) -> None:
        wait_until(lambda: self.says(part), seconds, f"{part!r} in the output")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> int:
        code = end(self.process, patience=20)
        self._reader.join()
        return code


@contextmanager
def headless(profile: Path) -> Iterator[Headless]:
    terminal = Headless(profile)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.fixture(params=["sqlite", "mariadb"])
def profiles(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    exchange: Callable[..., ExchangeProcess],
    mariadb: MariaDB,
) -> tuple[Path, Path]:
    """Two profiles of one account that share their books."""
    venue = exchange(seed=5, state=tmp_path / "exchange.json")
    settings: dict[str, str | None] = {}
    settings |= demo_access(venue.rest, venue.ws, venue.key, venue.secret)
    if request.param == "mariadb":
        settings |= {
            "MYSQL_HOST": mariadb.host,
            "MYSQL_PORT": str(mariadb.port),
            "MYSQL_USER": mariadb.user,
            "MYSQL_PASSWORD": mariadb.password,
            "MYSQL_DATABASE": mariadb.create_database(),
        }
    one, two = (write_profile(tmp_path / name, settings) for name in ("one", "two"))
    if request.param == "sqlite":
        (two / "tmatic.db").symlink_to(one / "tmatic.db")
    return one, two


def test_m20_the_second_watches_and_takes_over_from_a_killed_one(
    xvfb: str, profiles: tuple[Path, Path]
) -> None:
    one, two = profiles
    with headless(one) as first:
        first.wait(" LIVE")
        with User(xvfb, two) as second:
            wait_until(lambda: "BLOCKED" in second.look()["state"]["health"], 30, "BLOCKED")
            second.wait_notice(READ_ONLY)
            second.press("F9")
            second.wait_notice("TRADING stays OFF")
            second.click("position", "XBTUSDT")
            wait_until(lambda: second.look()["selected"] == RESERVED, 20, "the selection")
            first.kill()
            second.wait_notice("taking over")
            second.wait_live()
            assert second.look()["state"]["trading"] == "TRADING OFF"

            second.click_book("Sell")
            second.click("ticket", "buy")
            second.wait_closed()
            wait_until(lambda: second.table("trades"), 20, "the trade in the table")

            with headless(one) as third:  # the killed one, started again: now it only watches
                third.wait(READ_ONLY)
                assert not third.says(" LIVE")
                assert second.close() == 0
                third.wait("taking over")
                third.wait(" LIVE")
                assert third.close() == 0


def test_m20_a_profile_with_a_database_of_its_own_watches_too(
    tmp_path: Path, exchange: Callable[..., ExchangeProcess]
) -> None:
    venue = exchange(seed=5, state=tmp_path / "exchange.json")
    settings = demo_access(venue.rest, venue.ws, venue.key, venue.secret)
    one, two = (write_profile(tmp_path / name, settings) for name in ("one", "two"))
    with headless(one) as first:
        first.wait(" LIVE")
        with headless(two) as second:
            second.wait(READ_ONLY)
            assert not second.says(" LIVE")
            first.kill()
            second.wait("taking over")
            second.wait(" LIVE")
            assert second.close() == 0
