"""Measures whether the window waits: flood, outage and history load, beside a bare Tk loop.

Shared by the test and the benchmark. Both loops run at the same time on the same display, so that
what the machine itself does to timers is seen in both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.places import ROOT
from tests.support.processes import reap
from tests.support.profiles import demo_access, write_profile
from tests.support.screen import virtual_display

LIMIT = 50.0  # milliseconds, p99.9
EXECUTIONS = 10_000  # of the history that is loaded at the start


@dataclass(frozen=True)
class Measured:
    """Lateness of both loops in milliseconds, and what went on meanwhile."""

    window: dict[str, float]
    bare: dict[str, float]
    messages: float  # a second that the exchange sent

    @property
    def judged(self) -> float:
        """Return p99.9 of the window without what the bare loop suffered, too."""
        return self.window["p99.9"] - self.bare["p99.9"]


def measure(
    folder: Path, seconds: float, *, rate: float = 2000.0, outage: float = 2.0, red: bool = False
) -> Measured:
    """Run everything for `seconds`: history first, then the flood, with an outage in the middle."""
    exchange = _python("tests.e2e.flood", str(EXECUTIONS))
    assert exchange.stdout is not None
    assert exchange.stdin is not None
    told = json.loads(exchange.stdout.readline())
    write_profile(folder, demo_access(**told))
    with virtual_display() as display:
        environment = {**os.environ, "DISPLAY": display}
        kind = "red" if red else "window"
        measuring = [
            _python("tests.e2e.beating", kind, str(seconds), str(folder), env=environment),
            _python("tests.e2e.beating", "bare", str(seconds), env=environment),
        ]
        exchange.stdin.write(f"{rate}\n")
        exchange.stdin.flush()
        began = time.monotonic()
        time.sleep(seconds / 2)  # the course of the measurement, not a wait for something
        _control(told["rest"], "POST", {"fault": "maintenance"})
        time.sleep(outage)  # as long as it lasts
        _control(told["rest"], "DELETE")
        window, bare = (_answer(process, seconds + 60) for process in measuring)
        lasted = time.monotonic() - began
    exchange.stdin.close()
    sent = json.loads(exchange.stdout.readline())["sent"]
    reap(exchange)
    return Measured(window, bare, sent / lasted)


def _python(
    module: str, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _answer(process: subprocess.Popen[str], patience: float) -> dict[str, float]:
    out, _ = process.communicate(timeout=patience)
    assert process.returncode == 0, out
    answer: dict[str, float] = json.loads(out.splitlines()[-1])
    return answer


def _control(rest: str, method: str, body: dict[str, Any] | None = None) -> None:
    url = rest.removesuffix("/api/v1/") + "/control/faults"
    data = json.dumps(body).encode() if body is not None else None
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(url, data, headers, method=method), timeout=10
    ):
        pass
