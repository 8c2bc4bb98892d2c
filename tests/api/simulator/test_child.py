from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from api.simulator.child import DEMO_CURRENCIES, DEMO_SYMBOLS, EmbeddedExchange
from common.domain.executions import Network
from common.errors import ConfigurationError, ExchangeUnavailable
from common.logs import Formatter
from common.settings import demo_settings
from common.settings_types import MarketSettings
from tests.support.places import ROOT
from tests.support.waiting import wait_until

# Stands for the exchange where its life matters and its trading does not: notes each of its
# starts, listens on the port it is given, and ends when its input does.
_STAND_IN = """
import json, os, socket, sys
folder, trick, port = sys.argv[1], sys.argv[2], int(sys.argv[-1])
starts = os.path.join(folder, "starts")
with open(starts, "a", encoding="utf-8") as file:
    file.write(f"{os.getpid()} {port}\\n")
first = open(starts, encoding="utf-8").read().count("\\n") == 1
if trick == "refuses":
    print("exchange.json: field orders is missing; delete the file", file=sys.stderr)
    sys.exit(2)
if trick == "silent":
    sys.stdin.read()
if trick == "talks":
    print("hello", flush=True)
if trick == "busy port" and not first and port:
    print("port taken", file=sys.stderr)
    sys.exit(2)
server = socket.create_server(("127.0.0.1", port))
host = "127.0.0.1:%d" % server.getsockname()[1]
print(json.dumps({"rest": f"http://{host}/api/v1/", "ws": f"ws://{host}/realtime",
    "key": "canary-key", "secret": "canary-secret"}), flush=True)
print("listening with canary-secret", file=sys.stderr, flush=True)
sys.stdout.write("x" * 300000)
if trick != "deaf":
    sys.stdin.read()
    with open(os.path.join(folder, "saved"), "w", encoding="utf-8") as file:
        file.write("yes")
else:
    import signal, threading
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Event().wait()  # for ever
"""

Make = Callable[..., EmbeddedExchange]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[EmbeddedExchange] = []

    def build(trick: str = "plain", **options: object) -> EmbeddedExchange:
        command = [sys.executable, "-c", _STAND_IN, str(tmp_path), trick]
        exchange = EmbeddedExchange(
            tmp_path / "exchange.json",
            tmp_path,
            command=command,
            restart_delays=(0.01,),
            **options,  # type: ignore[arg-type]  # options by name
        )
        made.append(exchange)
        return exchange

    yield build
    for exchange in made:
        exchange.stop()


def starts(folder: Path) -> list[tuple[int, int]]:
    """Return process id and wanted port of each start."""
    try:
        lines = (folder / "starts").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [(int(pid), int(port)) for pid, port in (line.split() for line in lines)]


def port_of(market: MarketSettings) -> int | None:
    return urlsplit(market.http_url).port


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return False
    return True


def kill(pid: int) -> None:
    os.kill(pid, 9)


def test_a_start_gives_the_settings_of_the_demo(make: Make, tmp_path: Path) -> None:
    exchange = make()
    market = exchange.start()
    assert market is exchange.market
    assert market.network is Network.DEMO
    assert market.http_url == f"http://127.0.0.1:{port_of(market)}/api/v1/"
    assert market.ws_url == f"ws://127.0.0.1:{port_of(market)}/realtime"
    assert (market.symbols, market.currencies) == (DEMO_SYMBOLS, DEMO_CURRENCIES)
    assert market.api_key.reveal() == "canary-key"
    assert "canary" not in repr(demo_settings(tmp_path, market))
    assert [port for _, port in starts(tmp_path)] == [0]


def test_stopping_lets_it_save_and_is_harmless_twice(make: Make, tmp_path: Path) -> None:
    exchange = make()
    exchange.start()
    exchange.stop()
    assert (tmp_path / "saved").exists()
    exchange.stop()
    assert len(starts(tmp_path)) == 1


def test_before_the_start_there_is_nothing_to_reach_or_stop(make: Make) -> None:
    exchange = make()
    with pytest.raises(ExchangeUnavailable):
        _ = exchange.market
    exchange.stop()


def test_a_dead_exchange_is_started_again_where_it_was(make: Make, tmp_path: Path) -> None:
    moved: list[MarketSettings] = []
    exchange = make(on_moved=moved.append)
    before = exchange.start()
    kill(starts(tmp_path)[0][0])
    wait_until(lambda: exchange.market is not before, message="the second start")
    assert exchange.market.http_url == before.http_url
    assert starts(tmp_path)[1][1] == port_of(before)
    assert moved == []
    between = exchange.market
    kill(starts(tmp_path)[1][0])
    wait_until(lambda: exchange.market is not between, message="the third start")


def test_an_exchange_whose_port_was_taken_moves_and_says_so(make: Make, tmp_path: Path) -> None:
    moved: list[MarketSettings] = []
    exchange = make("busy port", on_moved=moved.append)
    before = exchange.start()
    kill(starts(tmp_path)[0][0])
    wait_until(lambda: moved, message="the move")
    assert moved == [exchange.market]
    assert port_of(exchange.market) != port_of(before)
    assert [port for _, port in starts(tmp_path)] == [0, port_of(before), 0]


def test_its_own_sentence_tells_why_it_does_not_start(make: Make) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make("refuses").start()
    assert str(raised.value) == (
        "The embedded exchange does not start:"
        " exchange.json: field orders is missing; delete the file"
    )


def test_a_silent_exchange_is_given_up_after_the_deadline(make: Make, tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"was not ready within 0\.5 seconds"):
        make("silent", start_deadline=0.5).start()
    assert time.monotonic() - begun < 5


def test_anything_else_than_its_addresses_is_refused(make: Make) -> None:
    with pytest.raises(ConfigurationError, match="something else than its addresses"):
        make("talks").start()


def test_a_command_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    exchange = EmbeddedExchange(
        tmp_path / "exchange.json", tmp_path, command=[str(tmp_path / "absent")]
    )
    with pytest.raises(ConfigurationError, match="cannot be started"):
        exchange.start()


def test_its_errors_reach_the_log_without_the_secret(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    make().start()

    def told() -> str:
        return "\n".join(Formatter().format(record) for record in caplog.records)

    wait_until(lambda: "exchange: listening with" in told(), message="the line in the log")
    assert "listening with ***" in told()
    assert "canary" not in told()


def test_the_exchange_itself_comes_back_with_its_port_keys_and_account(tmp_path: Path) -> None:
    exchange = EmbeddedExchange(tmp_path / "exchange.json", ROOT, restart_delays=(0.01,))
    before = exchange.start()
    try:
        with urlopen(before.http_url + "instrument/active", timeout=10) as answer:
            tickers = {row["symbol"] for row in json.load(answer)}
        assert {symbol.ticker for symbol in DEMO_SYMBOLS} <= tickers
        kill(exchange.pid)
        wait_until(lambda: exchange.market is not before, 30, "the second start")
        assert exchange.market.http_url == before.http_url
        assert exchange.market.api_key.reveal() == before.api_key.reveal()
        assert exchange.market.api_secret.reveal() == before.api_secret.reveal()
    finally:
        exchange.stop()


def test_a_broken_state_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    state = tmp_path / "exchange.json"
    state.write_text('{"format": ', encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        EmbeddedExchange(state, ROOT).start()
    assert str(raised.value).startswith("The embedded exchange does not start: ")
    assert str(state) in str(raised.value)


if os.name == "posix":

    def test_a_stop_during_restarts_ends_them(make: Make, tmp_path: Path) -> None:
        exchange = make("busy port")
        exchange.start()
        kill(starts(tmp_path)[0][0])
        exchange.stop()
        assert not [thread for thread in threading.enumerate() if "exchange" in thread.name]
        for pid, _ in starts(tmp_path):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    def test_an_exchange_that_does_not_notice_the_end_is_ended(
        make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.simulator.child_process.END_DEADLINE", 0.3)
        exchange = make("deaf")
        exchange.start()
        begun = time.monotonic()
        exchange.stop()
        assert time.monotonic() - begun < 5

    def test_it_does_not_outlive_a_killed_terminal(tmp_path: Path) -> None:
        terminal = subprocess.Popen(
            [sys.executable, "-c", _TERMINAL, str(tmp_path), _STAND_IN],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with terminal:
            try:
                assert terminal.stdout is not None
                port = json.loads(terminal.stdout.readline())
                assert listens(port)
            finally:
                terminal.kill()
        wait_until(lambda: not listens(port), message="the exchange to notice")


_TERMINAL = """
import sys
from pathlib import Path
from api.simulator.child import EmbeddedExchange
folder = Path(sys.argv[1])
command = [sys.executable, "-c", sys.argv[2], str(folder), "plain"]
exchange = EmbeddedExchange(folder / "exchange.json", folder, command=command)
print(exchange.start().http_url.split(":")[2].split("/")[0], flush=True)
sys.stdin.read()
"""
