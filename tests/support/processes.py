"""Child processes of tests: each is ended by the handle that started it, never by name."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 30.0  # seconds a child gets to end by itself before it is killed


def end(process: subprocess.Popen[str], patience: float = _PATIENCE) -> int:
    """Ask the child to end, kill it if it does not; return its exit code."""
    if process.poll() is None:
        process.terminate()
    return reap(process, patience)


def reap(process: subprocess.Popen[str], patience: float = _PATIENCE) -> int:
    """Wait for a child that is about to end, kill it when patience runs out; close its pipes."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    return process.returncode


def alive(pid: int) -> bool:
    """Tell whether a process runs that is no child of this one; a dead one may wait for burial."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago, for a server that needs a number.

    No system gives ports of this range to connections, so none takes it before the server has it,
    nor while the server is being started anew.
    """
    while True:
        port = secrets.randbelow(32_000 - 20_000) + 20_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def closed_port() -> Iterator[int]:
    """A TCP port of 127.0.0.1 where nobody listens, and nobody else can while the block runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port


def search_path() -> str:
    """Return PATH with the folders where Debian keeps servers and macOS keeps Homebrew and X11."""
    more = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/X11/bin"]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *more])
