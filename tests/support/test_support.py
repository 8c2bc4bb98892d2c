"""The fixtures keep their promises."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pymysql
import pytest

from tests.support import loopback
from tests.support.database import MariaDB
from tests.support.screen import pixel, screenshot
from tests.support.waiting import wait_until

_RED_WINDOW = """
import tkinter
window = tkinter.Tk()
window.geometry("200x100+300+200")
window.configure(background="#ff2000")
window.update()
print("shown", flush=True)
input()
"""


def test_waiting_returns_the_value_as_soon_as_it_is_true() -> None:
    values = iter([None, None, "there"])
    assert wait_until(lambda: next(values), 5) == "there"


def test_waiting_in_vain_names_what_was_awaited() -> None:
    with pytest.raises(AssertionError, match="in vain for the moon; last value: 0"):
        wait_until(lambda: 0, 0.05, "the moon")


def test_a_window_on_the_display_is_on_the_screenshot(xvfb: str, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _RED_WINDOW],
        env={**os.environ, "DISPLAY": xvfb},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "shown\n"
        wait_until(lambda: pixel(xvfb, 400, 250) == (255, 32, 0), 30, "the red window")
        data = screenshot(xvfb, tmp_path / "window.png").read_bytes()
        child.communicate("\n")
    assert pixel(xvfb, 700, 600) != (255, 32, 0)
    assert struct.unpack(">II", data[16:24]) == (1280, 800)
    length = struct.unpack(">I", data[33:37])[0]
    rows = zlib.decompress(data[41 : 41 + length])
    start = 250 * (1280 * 3 + 1) + 1 + 400 * 3
    assert rows[start : start + 3] == b"\xff\x20\x00"


def test_the_database_keeps_its_data_over_a_kill(database_server: MariaDB) -> None:
    name = database_server.create_database()
    database_server.execute("CREATE TABLE t (n INT) ENGINE=InnoDB", database=name)
    database_server.execute("INSERT INTO t VALUES (%s)", (7,), database=name)
    database_server.kill()
    with pytest.raises(pymysql.OperationalError):
        database_server.execute("SELECT 1")
    database_server.start()
    assert database_server.execute("SELECT n FROM t", database=name) == [{"n": 7}]


def test_the_limited_account_may_use_its_database_and_create_none(mariadb: MariaDB) -> None:
    name = mariadb.create_database(limited=True)
    account = mariadb.limited
    connection = pymysql.connect(
        host=mariadb.host, port=mariadb.port, user=account.user, password=account.password
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE `{name}`.t (n INT)")
        with pytest.raises(pymysql.Error, match="denied"):
            cursor.execute(f"CREATE DATABASE `{mariadb.free_name()}`")
    assert account.password not in repr(account)


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("8.8.8.8", 53)])
def test_a_connection_beyond_loopback_is_refused(address: tuple[str, int]) -> None:
    with socket.socket() as way_out, pytest.raises(loopback.LeftLoopback):
        way_out.connect(address)
    assert loopback.escapes, "a swallowed refusal must fail the test all the same"
    loopback.escapes.clear()


def test_a_name_of_another_machine_is_not_even_looked_up() -> None:
    with pytest.raises(loopback.LeftLoopback):
        socket.create_connection(("example.org", 80))
    loopback.escapes.clear()


def test_loopback_itself_is_free() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1])) as connection,
    ):
        assert connection.getpeername()[1] == server.getsockname()[1]
    assert loopback.escapes == []
