"""A wrong row is found while the terminal runs: trading stops, and goes on once it is right."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.e2e.user import User
from tests.support.waiting import wait_until


def change(profile: Path, sql: str) -> None:
    """Change the books behind the program's back."""
    connection = sqlite3.connect(profile / "tmatic.db", timeout=10)
    try:
        with connection:
            assert connection.execute(sql).rowcount == 1
    finally:
        connection.close()


def books(user: User) -> str:
    """Return what the state line says of the books."""
    return str(user.look()["state"]["books"])


def test_a_wrong_row_blocks_trading_until_it_is_put_right(xvfb: str, tmp_path: Path) -> None:
    profile = tmp_path / "demo"
    with User(xvfb, profile) as user:
        user.wait_live()
        wait_until(lambda: books(user).startswith("books verified"), 20, "the first look")

        price = user.click_book("Sell")
        user.fill("ticket", "price", str(price // 1 + 100))
        user.click("ticket", "buy")
        wait_until(lambda: user.table("trades"), 30, "the trade")
        user.press("F7")
        user.wait_notice("books verified: 1 executions, 0 differences")

        change(profile, "UPDATE coins SET COMMISS_I = COMMISS_I + 1")
        user.click("state", "books")
        wait_until(lambda: books(user).startswith("BOOKS DIFFER"), 20, "the difference")
        assert "XBTUSD.inverse XBt 0.0000" in books(user)
        assert user.look()["state"]["health"] == "BLOCKED"
        user.wait_notice("BOOKS DIFFER: COMMISS of XBTUSD.inverse in execution")

        change(profile, "UPDATE coins SET COMMISS_I = COMMISS_I - 1")
        user.press("F7")
        wait_until(lambda: books(user).startswith("books verified"), 20, "the books to agree")
        user.wait_live()
        control = {row[1]: row[-1] for row in user.table("accounts")}
        assert not [each for each in control.values() if each.startswith("!")]
        assert user.close() == 0
