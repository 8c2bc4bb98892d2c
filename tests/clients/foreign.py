"""Runs the scripts beside this file in the environment of the foreign clients."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.venue import ExchangeProcess

FOLDER = Path(__file__).resolve().parent
DEADLINE = 120.0  # seconds


def said_by(exchange: ExchangeProcess, **more: str) -> str:
    """Return what a script reads: where the exchange is and how to sign."""
    names = ("rest", "ws", "key", "secret")
    return json.dumps({**{name: getattr(exchange, name) for name in names}, **more})


def run_script(python: Path, script: str, exchange: ExchangeProcess) -> dict[str, Any]:
    """Return the JSON that a script prints; fails with its errors if it fails."""
    done = subprocess.run(
        [str(python), str(FOLDER / script)],
        input=said_by(exchange),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
