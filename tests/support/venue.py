"""The embedded exchange as a child process, the way a user or the demo starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from tests.support.places import ROOT
from tests.support.processes import end, reap

_STARTING = 30.0  # seconds until the child must have printed its line


@dataclass
class ExchangeProcess:
    """A running exchange: where it listens, the first account's key, and its process."""

    rest: str  # "http://127.0.0.1:PORT/api/v1/"
    ws: str  # "ws://127.0.0.1:PORT/realtime"
    key: str
    secret: str = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)
    accounts: list[dict[str, Any]] = field(default_factory=list, repr=False)  # the further ones

    @property
    def running(self) -> bool:
        """Tell whether the process lives."""
        return self.process.poll() is None

    def stop(self) -> int:
        """End it as its parent's death would, by closing the pipe; return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return reap(self.process)

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        reap(self.process)


def start_exchange(
    *arguments: str,
    seed: int = 1,
    port: int = 0,
    state: Path | None = None,
    no_limits: bool = False,
    replay: Path | None = None,
    instruments: Path | None = None,
) -> ExchangeProcess:
    """Start `python -m api.simulator`, wait for its JSON line, return the running exchange.

    `arguments` are passed on as they are. Raises AssertionError with the child's error output when
    it ends, or says nothing for half a minute.
    """
    command = [sys.executable, "-m", "api.simulator", "--port", str(port), "--seed", str(seed)]
    for option, value in (("--state", state), ("--replay", replay), ("--instruments", instruments)):
        command += [option, str(value)] if value is not None else []
    command += ["--no-limits"] if no_limits else []
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    watchdog = Timer(_STARTING, process.kill)  # a silent child ends, and with it readline
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    if not line.startswith("{"):
        code = end(process)
        raise AssertionError(f"the exchange did not start (exit code {code}); it said {line!r}")
    said = json.loads(line)
    further = said.get("accounts", [])
    return ExchangeProcess(said["rest"], said["ws"], said["key"], said["secret"], process, further)
