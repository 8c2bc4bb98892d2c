"""Fixtures for every test; each says how to use it. `pytest --fixtures tests` lists them."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from common.bootstrap_environment import CLIENTS, interpreter_of, ready
from tests.support import loopback
from tests.support.database import MariaDB
from tests.support.places import SHARED
from tests.support.screen import virtual_display
from tests.support.venue import ExchangeProcess, start_exchange

_shared_tests = pytest.StashKey[int]()
_state = pytest.StashKey["tempfile.TemporaryDirectory[str]"]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, close the way out of this machine, hear signals as in a terminal."""
    config.addinivalue_line("markers", "needs_shared: reads ../shared; collected where it exists")
    loopback.install()
    # Programs under test keep their locks in a folder of the run, not in the user's own.
    config.stash[_state] = tempfile.TemporaryDirectory(prefix="tmatic-state-")
    os.environ["XDG_STATE_HOME"] = config.stash[_state].name
    os.environ["LOCALAPPDATA"] = config.stash[_state].name
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A run in the background ignores it, and its children would, which tests interrupt.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Properties are about results: how long an example takes is the machine's affair.
    settings.register_profile(
        "patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what programs under test have left in the folder of the run."""
    config.stash[_state].cleanup()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Collect the tests that read ../shared only where that folder exists; count them."""
    needing = [item for item in items if item.get_closest_marker("needs_shared")]
    config.stash[_shared_tests] = len(needing)
    if needing and not SHARED.is_dir():
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what became of the tests that read ../shared."""
    number = config.stash.get(_shared_tests, 0)
    fate = "were collected" if SHARED.is_dir() else "were not collected because it is absent"
    terminalreporter.write_line(f"{number} tests that need ../shared {fate}")


@pytest.fixture(autouse=True)
def _loopback_only() -> Iterator[None]:
    """Fail a test that tried to leave this machine, even if its code swallowed the refusal."""
    loopback.escapes.clear()
    yield
    assert not loopback.escapes, f"the test reached beyond loopback: {loopback.escapes}"


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """Name (":7") of a private X display of 1280x800, one for the whole session.

    Tk in the test process: `monkeypatch.setenv("DISPLAY", xvfb)` before `tkinter.Tk()`. A child
    process: pass `env={**os.environ, "DISPLAY": xvfb}`. No window manager runs: windows stand at
    +0+0 unless placed, and a window must `focus_force()` itself to receive keys.
    `tests.support.screen.screenshot(xvfb, path)` writes a PNG, `pixel(xvfb, x, y)` reads a point.
    A display of another size: `with virtual_display("1024x600x24") as name`.
    """
    with virtual_display() as name:
        yield name


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """Return a MariaDB server on loopback that runs for the session.

    `mariadb.host`, `.port`, `.user`, `.password` (may create databases), `.limited.user` and
    `.limited.password` (may not); `create_database()` gives a fresh one, `free_name()` the name of
    one that is not there yet; `execute(sql, values, database)` runs a statement. `kill()`, `stop()`
    and `start()` are for tests of failures: leave it running (the next test's fixture starts it
    again if it does not, see `database_server`).
    """
    server = MariaDB(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database_server(mariadb: MariaDB) -> Iterator[MariaDB]:
    """Return the session's MariaDB, for tests that stop or kill it: it runs again afterwards."""
    mariadb.start()
    yield mariadb
    mariadb.start()


@pytest.fixture
def exchange() -> Iterator[Callable[..., ExchangeProcess]]:
    """Return a factory of embedded exchanges: `exchange(seed=1, no_limits=True)`.

    Each call starts `python -m api.simulator` on a free port as a child process and returns it when
    it is ready, with `.rest`, `.ws`, `.key`, `.secret`, `.running`, `.stop()` and `.kill()`. The
    keyword arguments are those of `tests.support.venue.start_exchange`. What still runs at the
    end of the test is stopped.
    """
    started: list[ExchangeProcess] = []

    def start(*arguments: str, **options: object) -> ExchangeProcess:
        process = start_exchange(*arguments, **options)  # type: ignore[arg-type] # passed on as is
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="session")
def clients_python() -> Path:
    """Return the interpreter of an environment with ccxt, bitmex-ws and bravado.

    Run it as a subprocess: their pins do not suit the program's own environment. `python -m tests`
    makes that environment; a test does not, since it would have to leave loopback.
    """
    assert ready(CLIENTS), "run `python3 -m tests` once: it makes .venv-clients"
    return interpreter_of(CLIENTS)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Return ../shared. The test must carry `@pytest.mark.needs_shared`."""
    assert SHARED.is_dir(), f"{SHARED} is absent: mark the test with pytest.mark.needs_shared"
    return SHARED
