from __future__ import annotations

import ast
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import websocket

from tests.api.simulator.fakes import level, table_message, write_recording
from tests.api.simulator.running import hang_up, read
from tests.support.places import ROOT
from tests.support.processes import reap
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

Start = Callable[..., ExchangeProcess]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "api.simulator", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_one_line_of_json_says_where_it_listens(exchange: Start) -> None:
    running = exchange(seed=1)
    port = running.rest.split(":")[2].split("/")[0]
    assert running.rest == f"http://127.0.0.1:{port}/api/v1/"
    assert running.ws == f"ws://127.0.0.1:{port}/realtime"
    assert requests.get(running.rest + "instrument/active", timeout=10).json()
    client = websocket.create_connection(running.ws, timeout=10)
    assert "Welcome" in str(read(client)["info"])
    hang_up(client)


def test_key_follows_the_seed(exchange: Start) -> None:
    first, same, other = exchange(seed=1), exchange(seed=1), exchange(seed=2)
    assert (first.key, first.secret) == (same.key, same.secret)
    assert first.key != other.key and first.secret != other.secret


if sys.platform != "darwin":  # which has one loopback address unless told otherwise

    def test_nothing_listens_beyond_loopback(exchange: Start) -> None:
        port = int(exchange().rest.split(":")[2].split("/")[0])
        with socket.socket() as probe:
            # Bound to every address, the exchange would keep this one from being bound.
            probe.bind(("127.0.0.2", port))


def test_end_of_the_parents_pipe_ends_it(exchange: Start) -> None:
    running = exchange()
    assert running.stop() == 0


if sys.platform != "win32":  # which cannot ask a process to end by a signal

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_signal_ends_it_with_its_state_saved(
        exchange: Start, tmp_path: Path, name: str
    ) -> None:
        path = tmp_path / "state"
        running = exchange(state=path)
        client = websocket.create_connection(running.ws, timeout=10)
        running.process.send_signal(getattr(signal, name))
        running.process.wait(10)
        hang_up(client)
        assert running.stop() == 0
        assert json.loads(path.read_bytes())["state"]["accounts"]
        assert path.with_name("state.journal").read_bytes().count(b"\n") == 1


def test_closed_input_does_not_end_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "api.simulator", "--port", "0", "--seed", "1"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    rest = json.loads(process.stdout.readline())["rest"]
    assert requests.get(rest + "instrument/active", timeout=10).status_code == 200
    process.terminate()
    reap(process)


def test_port_in_use_is_a_sentence(exchange: Start) -> None:
    port = exchange().rest.split(":")[2].split("/")[0]
    assert_refused(run("--port", port), f"Port {port} of 127.0.0.1", "--port")


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_impossible_port_is_a_sentence(port: str) -> None:
    assert_refused(run("--port", port), "--port")


def test_damaged_state_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text('{"format": 1, "generation": 1, "state": {"version": "x"}}', encoding="utf-8")
    assert_refused(run("--port", "0", "--state", str(path)), str(path), "version")
    path.write_text("nonsense", encoding="utf-8")
    assert_refused(run("--port", "0", "--state", str(path)), str(path), "JSON")


def test_state_in_use_is_a_sentence(exchange: Start, tmp_path: Path) -> None:
    path = tmp_path / "state"
    exchange(state=path)
    assert_refused(run("--port", "0", "--state", str(path)), "in use by another", "--state")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--replay", "absent"], "--instruments"),
        (["--instruments", "absent"], "--replay"),
        (["--replay", "absent", "--instruments", "absent"], "absent: cannot be read"),
        (["--replay", "a", "--instruments", "a", "--state", "b"], "--state"),
    ],
)
def test_replay_options_that_cannot_work_are_a_sentence(
    arguments: list[str], word: str, tmp_path: Path
) -> None:
    at = [str(tmp_path / a) if not a.startswith("--") else a for a in arguments]
    assert_refused(run("--port", "0", *at), word)


def test_held_replay_waits_for_the_first_subscription(exchange: Start, tmp_path: Path) -> None:
    image = table_message("orderBookL2", "partial", level("XBTUSD", 1, "Buy", 5, 100))
    change = table_message("orderBookL2", "update", level("XBTUSD", 1, "Buy", 6))
    recording = write_recording(tmp_path / "recording", (0.1, image), (0.3, change))
    instruments = tmp_path / "instruments"
    instruments.write_text('[{"symbol":"XBTUSD","settlCurrency":"XBt"}]', encoding="utf-8")
    running = exchange("--replay-hold", replay=recording, instruments=instruments, no_limits=True)

    def size() -> int:
        rows = requests.get(running.rest + "orderBook/L2?symbol=XBTUSD", timeout=10).json()
        return int(rows[0]["size"])

    assert size() == 5
    client = websocket.create_connection(running.ws + "?subscribe=orderBookL2", timeout=10)
    messages = [read(client) for _ in range(4)]
    hang_up(client)
    assert messages[2]["data"] == [level("XBTUSD", 1, "Buy", 5, 100)]
    assert messages[3]["data"] == [level("XBTUSD", 1, "Buy", 6)]
    wait_until(lambda: size() == 6, message="the recorded change")


def test_entry_can_be_read_by_old_pythons() -> None:
    text = (ROOT / "api" / "simulator" / "__main__.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 7))


def test_secret_is_in_no_line_but_the_first(exchange: Start, tmp_path: Path) -> None:
    running = exchange(seed=3)
    assert running.process.stdout is not None
    secret = running.secret
    command = Path(f"/proc/{running.process.pid}/cmdline")
    if os.name == "posix" and command.exists():
        assert secret.encode() not in command.read_bytes()
    running.process.stdin.close()  # type: ignore[union-attr] # start_exchange opens the pipe
    assert running.process.stdout.read() == ""
    reap(running.process)
