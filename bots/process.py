"""One worker process and its pipes: starting it, talking to it without waiting, ending it.

Two threads belong to it. Plain pipes cannot be polled on Windows, and a hung worker leaves a full
pipe: so one thread waits for the worker's messages and the other one for the pipe to take ours.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from bots import channel
from bots.worker_lines import read_from_worker
from common.errors import StrategyError

_ROOT = Path(__file__).resolve().parent.parent  # where the packages bots, common and algo are

# What Python, the loader of shared libraries and temporary files need; everything else stays out.
_PASSED_ON = (
    "DYLD_LIBRARY_PATH",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "WINDIR",
)
_DIRECT = sys.platform != "win32"  # a pipe can be asked to take only what it has room for
_LAST_WORDS = 0.1  # seconds between a worker's closing its pipe and its exit code
_END_TIMEOUT = 10.0  # seconds that a killed process may take to vanish

Receive = Callable[["WorkerProcess", channel.FromWorker | StrategyError | None], None]


class WorkerProcess:
    """A running worker. `receive` is called on the reading thread: None when the worker is gone.

    Raises OSError when the process cannot be started.
    """

    def __init__(self, name: str, receive: Receive) -> None:
        self._receive = receive
        self._outgoing: queue.SimpleQueue[bytes | memoryview | None] = queue.SimpleQueue()
        self._queued = self._written = 0  # pieces; each is counted by one thread
        self._process = _start()
        self._inlet = cast(BinaryIO, self._process.stdin).fileno()
        if _DIRECT:
            os.set_blocking(self._inlet, False)
        self._threads = [
            threading.Thread(target=target, name=f"bot-{name}-{role}", daemon=True)
            for target, role in ((self._read, "in"), (self._write, "out"))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def send(self, message: channel.ToWorker) -> None:
        """Send a message; never waits: what the pipe does not take now is left to a thread.

        One thread only. A hundred bots are called at one close, and the last of them soon: so no
        other thread is woken where the pipe has room.
        """
        data: bytes | memoryview = channel.packed(message)
        if _DIRECT and self._queued == self._written:
            try:
                data = memoryview(data)[os.write(self._inlet, data) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the worker has gone, which is the reading thread's news
        if data:
            self._queued += 1
            self._outgoing.put(data)

    def leave(self, patience: float) -> None:
        """Wait for the process to close its pipe by itself, at most so many seconds."""
        self._threads[0].join(patience)

    def end(self) -> str:
        """Kill the process with its children, end the threads; return how it ended, in words."""
        code = self._kill()
        self._outgoing.put(None)
        for thread in self._threads:
            thread.join(_END_TIMEOUT)
        return _describe_end(code)

    def _kill(self) -> int | None:
        """Return the exit code of a process that had ended by itself, else None."""
        gone = not self._threads[0].is_alive()
        by_itself = _has_ended(self._process, wait=_LAST_WORDS if gone else 0.0)
        _kill_group(self._process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_TIMEOUT)
        return self._process.returncode if by_itself else None

    def _read(self) -> None:
        stream = cast(BinaryIO, self._process.stdout)
        with stream:
            message: channel.FromWorker | StrategyError | None
            while True:
                try:
                    message = read_from_worker(stream)
                except StrategyError as error:
                    message = error
                except OSError:
                    message = None
                if message is None or isinstance(message, StrategyError):
                    break
                self._receive(self, message)
        self._receive(self, message)

    def _write(self) -> None:
        # A pipe that broke is the reading thread's news.
        with contextlib.suppress(OSError):
            while (data := self._outgoing.get()) is not None:
                _write_all(self._inlet, data)
                self._written += 1
        with contextlib.suppress(OSError):
            cast(BinaryIO, self._process.stdin).close()


def output_of(module: str, argument: str, patience: float) -> str:
    """Run a module in a process like a worker's and return what it prints.

    Its standard input ends with this process, and the module with it.
    TimeoutError: it took longer than `patience` seconds and was ended.
    """
    process = _start(module, argument)
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill_group(process)

    alarm = threading.Timer(patience, end)
    alarm.daemon = True
    alarm.start()
    try:
        out = cast(BinaryIO, process.stdout).read()
    finally:
        alarm.cancel()
        alarm.join()
        _kill_group(process)
        process.wait(_END_TIMEOUT)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
    if late.is_set():
        raise TimeoutError
    return out.decode("utf-8", "replace")


class Leavers:
    """Workers whose end is under way, each on a thread of its own: nobody waits for them."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def add(self, worker: WorkerProcess, patience: float) -> None:
        """Let a worker leave by itself within so many seconds, then end it.

        Nothing may be sent to it any more.
        """
        thread = threading.Thread(
            target=self._end, args=(worker, patience), name="bot-end", daemon=True
        )
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait until all are gone."""
        for thread in self._threads:
            thread.join()

    @staticmethod
    def _end(worker: WorkerProcess, patience: float) -> None:
        if patience:
            worker.leave(patience)
        worker.end()


def _start(module: str = "bots.worker", *arguments: str) -> subprocess.Popen[bytes]:
    windows = sys.platform == "win32"
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-X", "utf8", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env=environment,
        creationflags=flags,
        start_new_session=not windows,  # own group: Ctrl-C does not reach it, a kill all of it
    )


def _write_all(number: int, data: bytes | memoryview) -> None:
    """Write everything, waiting for the pipe to take it. OSError: it broke."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(number, left) :]
        except BlockingIOError:
            room = select.poll()  # not select.select, which knows no number beyond 1023
            room.register(number, select.POLLOUT)
            room.poll()


def _has_ended(process: subprocess.Popen[bytes], wait: float) -> bool:
    """Return whether the process ends by itself within `wait` seconds.

    It is not reaped: until its group has been killed, nobody else must get its number.
    """
    if not hasattr(os, "waitid"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait)
        return process.returncode is not None
    deadline = time.monotonic() + wait
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.waitid(os.P_PID, process.pid, flags) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.001)
    return True


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    elif process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _describe_end(code: int | None) -> str:
    if code is None:
        return "its process was ended"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with code {code}"
