"""A MariaDB server of the tests' own: a temporary folder, loopback TCP, accounts with passwords."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from tests.support.processes import end, free_port, reap, search_path
from tests.support.waiting import wait_until

SMALL = ("--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M")  # starts soon
_STARTING = 60.0  # seconds; the first start on a slow disk takes a few


@dataclass(frozen=True)
class Account:
    """A database account; `password` stays out of the repr."""

    user: str
    password: str = field(repr=False)


class MariaDB:
    """A database server that tests may start, stop and kill.

    `host`, `port` and the accounts stay the same over restarts; so do the data.
    `user` / `password` may create databases and grant rights. `limited` is an account of least
    privilege: `create_database(limited=True)` gives it SELECT, INSERT, UPDATE, DELETE, CREATE,
    ALTER, INDEX on that one database, and it may not create databases.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, *, small: bool = True) -> None:
        """Prepare the data folder; `start` runs the server.

        not small: with the server's own sizes of memory and log, for measurements.
        """
        self.folder = folder
        self._sizes = SMALL if small else ()
        self.port = free_port()
        self.user = "keeper"
        self.password = secrets.token_urlsafe(12)
        self.limited = Account("limited", secrets.token_urlsafe(12))
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[str] | None = None
        _install(folder, self._sizes)
        self._init_file = folder / "accounts.sql"
        self._init_file.write_text(self._accounts(), encoding="utf-8")
        self._init_file.chmod(0o600)

    @property
    def running(self) -> bool:
        """Tell whether the server process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the running server, for tests that make it hang."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers; nothing when it runs already."""
        if self.running:
            return
        with (self.folder / "error.log").open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(self._command(), stderr=errors, text=True)
        wait_until(self._answers, _STARTING, f"MariaDB in {self.folder}")

    def stop(self) -> None:
        """End the server in order; it can be started again."""
        if self._process is not None:
            end(self._process, patience=_STARTING)
            self._process = None

    def kill(self) -> None:
        """End the server without warning, as a crash does; it can be started again."""
        if self._process is not None:
            self._process.kill()
            reap(self._process)
            self._process = None

    def create_database(self, name: str | None = None, *, limited: bool = False) -> str:
        """Create an empty database, a fresh name unless one is given; return its name."""
        name = name or f"tmatic_test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE `{name}`")
        if limited:
            rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX"
            self.execute(f"GRANT {rights} ON `{name}`.* TO '{self.limited.user}'@'127.0.0.1'")
        return name

    def free_name(self) -> str:
        """Return the name of a database that does not exist yet."""
        return f"tmatic_test_{next(self._numbers)}"

    def execute(
        self, statement: str, values: tuple[object, ...] = (), database: str | None = None
    ) -> list[Mapping[str, object]]:
        """Run one statement as the owner in a connection of its own; return the rows as dicts."""
        connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            autocommit=True,
            cursorclass=pymysql.cursors.DictCursor,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def _answers(self) -> bool:
        assert self.running, (self.folder / "error.log").read_text(encoding="utf-8")[-2000:]
        try:
            return bool(self.execute("SELECT 1"))
        except pymysql.OperationalError:
            return False

    def _accounts(self) -> str:
        return (
            f"CREATE USER IF NOT EXISTS '{self.user}'@'127.0.0.1'"
            f" IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO '{self.user}'@'127.0.0.1' WITH GRANT OPTION;\n"
            f"CREATE USER IF NOT EXISTS '{self.limited.user}'@'127.0.0.1'"
            f" IDENTIFIED BY '{self.limited.password}';\n"
        )

    def _command(self) -> list[str]:
        return [
            _program("mariadbd"),
            "--no-defaults",
            *_as_user(),
            f"--datadir={self.folder / 'data'}",
            _own_tmpdir(self.folder),
            "--socket=here.sock",
            "--pid-file=here.pid",
            f"--init-file={self._init_file}",
            f"--port={self.port}",
            f"--bind-address={self.host}",
            "--skip-name-resolve",
            *self._sizes,
        ]


def _install(folder: Path, sizes: Sequence[str]) -> None:
    command = [
        _program("mariadb-install-db"),
        "--no-defaults",
        *_as_user(),
        f"--datadir={folder / 'data'}",
        _own_tmpdir(folder),
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        *sizes,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"mariadb-install-db failed:\n{done.stdout}\n{done.stderr}"


def _own_tmpdir(folder: Path) -> str:
    """A server that starts deletes the temporary tables that it finds, also those of another."""
    tmpdir = folder / "tmp"
    tmpdir.mkdir(exist_ok=True)
    return f"--tmpdir={tmpdir}"


def _as_user() -> list[str]:
    """Confirm that the server is meant to run as root, which it refuses otherwise."""
    return ["--user=root"] if sys.platform != "win32" and os.geteuid() == 0 else []


def _program(name: str) -> str:
    path = shutil.which(name, path=search_path())
    assert path, (
        f"{name} is not installed; Debian and Ubuntu: "
        "apt-get install mariadb-server-core mariadb-client-core"
    )
    return path
