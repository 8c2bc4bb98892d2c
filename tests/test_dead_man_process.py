"""The dead man's switch of a whole terminal: armed by a crash, taken back by a proper end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.simulator.ports import Row
from tests.api.simulator.trader import Owner, Trader
from tests.support.processes import end
from tests.support.profiles import demo_access, write_profile
from tests.support.program import start_program
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

DEMO_ACCOUNT = 1000001
_PATIENCE = 60.0  # seconds


class Scene:
    """An exchange with a foreign order on the account, and a terminal that arms the switch."""

    def __init__(self, venue: ExchangeProcess, profile: Path) -> None:
        self._trader, self._owner = Trader(venue), Owner(venue)
        access = demo_access(venue.rest, venue.ws, venue.key, venue.secret)
        write_profile(profile, {**access, "DEAD_MANS_SWITCH": "60"})
        bid = self._trader.rows("instrument", symbol="XBTUSDT")[0]["bidPrice"]
        assert isinstance(bid, (int, float))
        order = self._trader.order(symbol="XBTUSDT", side="Buy", orderQty=1000, price=bid // 2)
        self._order = order["orderID"]
        self.terminal = start_program(profile, "--headless")
        assert self.terminal.stdout is not None
        assert any("dead man's switch" in line for line in self.terminal.stdout)
        wait_until(self.armed, 30, "the switch")

    def armed(self) -> bool:
        """Ask the exchange whether its timer runs."""
        return self._owner.truth(DEMO_ACCOUNT)["cancelAt"] is not None

    def order_after(self, seconds: float) -> Row:
        """Let the exchange's time pass and return the order."""
        self._owner.act("clock", step=seconds)
        return self._trader.rows("order", filter=json.dumps({"orderID": self._order}))[0]


@pytest.fixture
def scene(exchange: Callable[..., ExchangeProcess], tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(exchange(seed=5), tmp_path)
    yield scene
    end(scene.terminal)


if os.name == "posix":

    def test_m18_a_killed_terminal_leaves_it_armed(scene: Scene) -> None:
        scene.terminal.kill()
        scene.terminal.wait(_PATIENCE)
        assert scene.armed()
        assert scene.order_after(0)["ordStatus"] == "New"
        cancelled = scene.order_after(61)
        assert cancelled["ordStatus"] == "Canceled"
        assert str(cancelled["text"]).startswith("Canceled: cancelAllAfter")

    def test_a_proper_end_takes_it_back_and_keeps_the_orders(scene: Scene) -> None:
        began = time.monotonic()
        scene.terminal.send_signal(signal.SIGTERM)
        _, complaints = scene.terminal.communicate(timeout=_PATIENCE)
        assert scene.terminal.returncode == 0, complaints
        assert time.monotonic() - began < 20  # 5 s on a machine with nothing else to do
        assert not scene.armed()
        assert scene.order_after(3600)["ordStatus"] == "New"
