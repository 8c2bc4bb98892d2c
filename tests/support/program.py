"""The program as a process of its own, as a person starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.places import ROOT

PATIENCE = 120.0  # seconds for a run that ends by itself; a loaded machine is slow


def command(profile: Path, *options: str) -> list[str]:
    """Return what runs the program on a profile."""
    return [sys.executable, str(ROOT / "main.py"), "--profile", str(profile), *options]


def run_program(
    profile: Path, *options: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, with nothing to read from; env: instead of the present one."""
    return subprocess.run(
        command(profile, *options),
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def start_program(
    profile: Path,
    *options: str,
    stdin: int | None = None,
    stderr: int | None = subprocess.PIPE,
    **env: str,
) -> subprocess.Popen[str]:
    """Start the program with a pipe for what it prints; env: beside the present one."""
    return subprocess.Popen(
        command(profile, *options),
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        encoding="utf-8",
    )
