"""Kill levels without a window: `--stop` where no terminal runs, typed lines where one does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.command_line import parse_options
from common.console import Console
from common.domain.commands import CancelAll, Command, Scope, SetTrading
from common.domain.orders import Side
from common.errors import ConfigurationError
from common.stop_command import stop_wish
from tests.api.terminal.support import MARKET
from tests.common.engine.test_kill_levels import XBTUSDT, Desk, lots
from tests.faults.whole import Whole
from tests.support.database import MariaDB
from tests.support.processes import end
from tests.support.program import run_program, start_program
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until


class Typing(Desk):
    """The desk of the kill levels, with a console; what it said is kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 60.0)
        self.sent: list[Command] = []
        self.said: list[str] = []
        self.console = Console(self._send, lambda: len(self.sent) + 1)

    def _send(self, command: Command) -> None:
        self.sent.append(command)
        self.put(command)

    def type(self, line: str) -> None:
        self.console.type(line)
        self.said += self.console.take(self.snapshot)


@pytest.fixture
def desk(tmp_path: Path) -> Typing:
    return Typing(tmp_path)


def test_a_typed_line_says_what_it_will_do_and_does_just_that_on_yes(desk: Typing) -> None:
    desk.at(15, lambda: desk.order("botA", Side.BUY, 2, "30000"))
    desk.at(15, lambda: desk.order("botB", Side.BUY, 3, "40000"))
    desk.at(20, lambda: desk.type("cancel-all botA"))
    desk.at(22, lambda: desk.note("asked"))
    desk.at(22, lambda: desk.type("yes"))
    desk.live()
    assert len(desk.seen["asked"].orders) == 2
    assert desk.said[0] == "WILL cancel 1 order of botA"
    assert "(botA)" in desk.said[1]
    assert desk.said[-1] == "type yes to have it done"
    assert desk.sent == [CancelAll(1, Scope(MARKET, emi="botA"))]
    assert [row.emi for row in desk.snapshot.orders] == ["botB"]


def test_a_yes_to_what_has_changed_meanwhile_asks_again(desk: Typing) -> None:
    desk.at(15, lambda: desk.order("botA", Side.BUY, 2, "30000"))
    desk.at(20, lambda: desk.type("cancel-all"))
    desk.at(21, lambda: desk.order("botB", Side.BUY, 3, "40000"))
    desk.at(25, lambda: desk.type("yes"))
    desk.at(26, lambda: desk.note("asked again"))
    desk.at(26, lambda: desk.type("yes"))
    desk.live()
    assert len(desk.seen["asked again"].orders) == 2
    again = desk.said[desk.said.index("it has changed meanwhile:") + 1 :]
    assert again[0] == f"WILL cancel 2 orders of {MARKET}"
    assert desk.snapshot.orders == ()


def test_a_typed_flatten_names_size_and_side_and_closes_that_bot_alone(desk: Typing) -> None:
    desk.at(15, lambda: desk.order("botA", Side.BUY, 2))
    desk.at(15, lambda: desk.order("botB", Side.BUY, 3))
    desk.at(25, lambda: desk.type("flatten botA"))
    desk.at(26, lambda: desk.type("yes"))
    desk.live()
    size = desk.bot("botB").instrument
    assert size is not None
    shown = size.shown(lots(desk, 2))
    assert any(f"Sell {shown} XBTUSDT of botA" in line for line in desk.said)
    assert (desk.bot("botA").position, desk.bot("botB").position) == (0, lots(desk, 3))
    assert desk.held() == lots(desk, 3)


def test_trading_off_needs_no_yes_and_senseless_lines_do_nothing(desk: Typing) -> None:
    desk.at(15, lambda: desk.put(SetTrading(on=True)))
    for line in ("flatten", "cancel-all nobody", "cancel-all botA botB", "yes", "", "hello"):
        desk.at(20, lambda line=line: desk.type(line))  # type: ignore[misc]
    desk.at(21, lambda: desk.note("before"))
    desk.at(22, lambda: desk.type("trading off"))
    desk.live()
    assert desk.seen["before"].trading
    assert not desk.snapshot.trading
    assert desk.sent == [SetTrading(on=False)]
    assert sum("NOT DONE" in line for line in desk.said) == 4
    assert any("no bot and no symbol 'nobody'" in line for line in desk.said)
    assert any("nothing to agree to" in line for line in desk.said)


def test_words_that_mean_nothing_are_refused_before_anything_starts() -> None:
    for words in (["cancel"], ["flatten"], ["cancel-all", "a", "b"], ["stop-entries"]):
        with pytest.raises(ConfigurationError, match="cancel-all"):
            stop_wish(words)
    with pytest.raises(SystemExit):
        parse_options(["--yes"], "0")


def resting(whole: Whole) -> Any:
    row: Any = whole.trader.rows("instrument", symbol=XBTUSDT.ticker)[0]
    price = row["bidPrice"] // 2
    return whole.trader.order(symbol=XBTUSDT.ticker, side="Buy", orderQty=1000, price=price)


def status(whole: Whole, order: Any) -> str:
    rows = whole.truth()["orders"]
    found: str = next(row["status"] for row in rows if row["orderID"] == order["orderID"])
    return found


def test_stop_says_first_and_does_it_with_yes(
    exchange: Callable[..., ExchangeProcess], tmp_path: Path
) -> None:
    whole = Whole(exchange(seed=6), tmp_path)
    order = resting(whole)
    whole.trade(1)
    asked = run_program(tmp_path, "--stop", "flatten", "XBTUSDT")
    assert asked.returncode == 1, asked.stdout + asked.stderr
    assert "WILL cancel Buy" in asked.stdout
    assert "WILL Sell" in asked.stdout
    assert asked.stdout.splitlines()[-1] == "NOT DONE: say --yes to have it done"
    assert status(whole, order) == "New"
    done = run_program(tmp_path, "--stop", "flatten", "XBTUSDT", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "done"
    assert status(whole, order) == "Canceled"
    positions: Any = whole.trader.rows("position")
    assert sum(row["currentQty"] for row in positions) == 0
    again = run_program(tmp_path, "--stop", "cancel-all", "--yes")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "there is nothing to do")


def test_d1_stop_cancels_orders_while_the_database_is_down(
    exchange: Callable[..., ExchangeProcess], database_server: MariaDB, tmp_path: Path
) -> None:
    whole = Whole(exchange(seed=6), tmp_path, database_server)
    order = resting(whole)
    database_server.kill()
    done = run_program(tmp_path, "--stop", "cancel-all", "--yes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "done"), done.stdout
    assert status(whole, order) == "Canceled"
    flat = run_program(tmp_path, "--stop", "flatten", "XBTUSDT", "--yes")
    assert flat.returncode == 1
    assert "BLOCKED: database" in flat.stdout.splitlines()[-1]


if os.name == "posix":
    import pty

    def test_a_terminal_in_a_console_takes_typed_lines(
        exchange: Callable[..., ExchangeProcess], tmp_path: Path
    ) -> None:
        whole = Whole(exchange(seed=6), tmp_path)
        keyboard, console = pty.openpty()
        terminal = start_program(whole.profile, "--headless", stdin=console, stderr=None)
        try:
            assert terminal.stdout is not None
            assert any(" LIVE" in line for line in terminal.stdout)
            order = resting(whole)
            assert any(" ORDER " in line for line in terminal.stdout)
            os.write(keyboard, b"cancel-all\n")
            assert any("type yes" in line for line in terminal.stdout)
            assert status(whole, order) == "New"
            os.write(keyboard, b"yes\n")
            wait_until(lambda: status(whole, order) == "Canceled", 20, "the cancel")
        finally:
            code = end(terminal)
            os.close(keyboard)
            os.close(console)
        assert code == 0

    def test_d1_a_start_without_the_database_shows_orders_and_cancels_them(
        exchange: Callable[..., ExchangeProcess], database_server: MariaDB, tmp_path: Path
    ) -> None:
        whole = Whole(exchange(seed=6), tmp_path, database_server)
        order = resting(whole)
        database_server.kill()
        keyboard, console = pty.openpty()
        terminal = start_program(whole.profile, "--headless", stdin=console, stderr=None)
        try:
            assert terminal.stdout is not None
            lines = iter(terminal.stdout)
            assert any("BLOCKED: database" in line for line in lines)
            assert any(" ORDER " in line for line in lines)
            os.write(keyboard, b"cancel-all\nyes\n")
            wait_until(lambda: status(whole, order) == "Canceled", 20, "the cancel")
            database_server.start()
            assert any(" LIVE" in line for line in lines)
        finally:
            code = end(terminal)
            os.close(keyboard)
            os.close(console)
        assert code == 0
