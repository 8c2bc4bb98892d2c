"""The dead man's switch of a whole terminal: armed by a crash, taken back by a proper end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.bitmex.auth import signature
from tests.support.places import ROOT
from tests.support.processes import end
from tests.support.profiles import demo_access, write_profile
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

_PATIENCE = 60.0  # seconds


class Scene:
    """An exchange with a foreign order on the account, and a terminal that arms the switch."""

    def __init__(self, venue: ExchangeProcess, profile: Path) -> None:
        self._venue = venue
        access = demo_access(venue.rest, venue.ws, venue.key, venue.secret)
        write_profile(profile, {**access, "DEAD_MANS_SWITCH": "60"})
        bid = self.ask("GET", "/api/v1/instrument?symbol=XBTUSDT")[0]["bidPrice"]
        order = {"symbol": "XBTUSDT", "side": "Buy", "orderQty": 1000, "price": bid // 2}
        self._order = self.ask("POST", "/api/v1/order", order)["orderID"]
        self.terminal = subprocess.Popen(
            [sys.executable, "main.py", "--headless", "--profile", str(profile)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self.terminal.stdout is not None
        assert any("dead man's switch" in line for line in self.terminal.stdout)
        wait_until(self.armed, 10, "the switch")

    def armed(self) -> bool:
        """Ask the exchange whether its timer runs."""
        accounts = self.ask("GET", "/control/truth")["accounts"]
        return any(row["cancelAt"] is not None for row in accounts)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a signed request."""
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

    def order_after(self, seconds: float) -> dict[str, Any]:
        """Let the exchange's time pass and return the order."""
        self.ask("POST", "/control/clock", {"step": seconds})
        path = f"/api/v1/order?filter=%7B%22orderID%22%3A%22{self._order}%22%7D"
        row: dict[str, Any] = self.ask("GET", path)[0]
        return row


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
        assert (cancelled["ordStatus"], cancelled["text"][:24]) == (
            "Canceled",
            "Canceled: cancelAllAfter",
        )

    def test_a_proper_end_takes_it_back_and_keeps_the_orders(scene: Scene) -> None:
        began = time.monotonic()
        scene.terminal.send_signal(signal.SIGTERM)
        _, complaints = scene.terminal.communicate(timeout=_PATIENCE)
        assert scene.terminal.returncode == 0, complaints
        assert time.monotonic() - began < 20  # 5 s on a machine with nothing else to do
        assert not scene.armed()
        assert scene.order_after(3600)["ordStatus"] == "New"
