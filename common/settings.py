"""Read the settings of a profile: `.env`, and one `.env.<Market>` for every market in it.

The files alone count; the environment of the process overrides nothing. Everything that is wrong
is told at once, each sentence with file, line, key and remedy.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

from common.env_file import EnvFile, read_env_file
from common.errors import ConfigurationError
from common.market_settings import MARKET_KEYS, read_market, shown
from common.settings_types import (
    Depth,
    MarketSettings,
    MysqlSettings,
    Secret,
    Settings,
    SqliteSettings,
)

SETTINGS_FILE = ".env"
DATABASE_FILE = "tmatic.db"
DEMO_REFRESH_RATE = 5
GENERAL_KEYS = (
    "MARKET_LIST",
    "MYSQL_HOST",
    "MYSQL_PORT",
    "MYSQL_USER",
    "MYSQL_PASSWORD",
    "MYSQL_DATABASE",
    "ORDER_BOOK_DEPTH",
    "REFRESH_RATE",
    "TESTNET",
)
MYSQL_DEFAULT_PORT = 3306

_DATABASE_NAME = re.compile(r"[0-9A-Za-z_$]{1,64}")


def read_settings(folder: Path, known_markets: Sequence[str]) -> Settings:
    """Return what the profile `folder` says; `known_markets` are the names a market may have.

    Raises ConfigurationError that lists every problem of every file.
    """
    general = read_env_file(folder / SETTINGS_FILE)
    general.check_names(GENERAL_KEYS, MARKET_KEYS, f"{SETTINGS_FILE}.<market>")
    names = _market_names(general, known_markets)
    testnet = _testnet(general)
    depth = _depth(general)
    refresh_rate = _refresh_rate(general)
    database = _database(general, folder)
    files = [general]
    markets = []
    for name in names:
        file = _market_file(general, folder, name)
        if file is None:
            continue
        files.append(file)
        file.check_names(MARKET_KEYS, GENERAL_KEYS, SETTINGS_FILE)
        markets.append(read_market(file, name, testnet=testnet, depth=depth or Depth.TEN))
    _raise_problems(files)
    return Settings(
        profile=folder,
        demo=False,
        markets=tuple(market for market in markets if market is not None),
        database=database or SqliteSettings(folder / DATABASE_FILE),
        refresh_rate=refresh_rate,
        warnings=tuple(_all_warnings(files)),
    )


def demo_settings(folder: Path, market: MarketSettings) -> Settings:
    """Return the settings of a profile without `.env`, for an exchange on this machine."""
    return Settings(
        profile=folder,
        demo=True,
        markets=(market,),
        database=demo_database(folder),
        refresh_rate=DEMO_REFRESH_RATE,
    )


def demo_database(folder: Path) -> SqliteSettings:
    """Return where the books of a profile without `.env` are."""
    return SqliteSettings(folder / DATABASE_FILE)


def _raise_problems(files: Sequence[EnvFile]) -> None:
    problems = [problem for file in files for problem in file.problems]
    if not problems:
        return
    # A misspelt key is often why another one is missing, so the warnings are told as well.
    told = problems + [warning for file in files for warning in file.warnings]
    if len(told) == 1:
        raise ConfigurationError(told[0])
    listed = "\n".join(f"  - {sentence}" for sentence in told)
    raise ConfigurationError(f"The settings need to be corrected:\n{listed}")


def _all_warnings(files: Sequence[EnvFile]) -> list[str]:
    warnings = [warning for file in files for warning in file.warnings]
    for file in files:
        # Windows keeps rights in access lists that these bits do not show.
        if os.name == "posix" and stat.S_IMODE(file.path.stat().st_mode) & 0o044:
            warnings.append(
                f"{file.path} can be read by other users of this computer;"
                f" run: chmod 600 {file.path}"
            )
    return warnings


def _market_names(file: EnvFile, known: Sequence[str]) -> list[str]:
    text = file.required("MARKET_LIST", known[0])
    names: list[str] = []
    for name in [part.strip() for part in text.split(",")] if text is not None else ():
        if name not in known:
            file.refuse("MARKET_LIST", f"names {shown(name)}, {_which(name, known)}")
        elif name in names:
            file.refuse("MARKET_LIST", f"names {name} twice; delete one of them")
        else:
            names.append(name)
    return names


def _which(name: str, known: Collection[str]) -> str:
    by_lower_case = {market.lower(): market for market in known}
    near = difflib.get_close_matches(name.lower(), list(by_lower_case), n=1, cutoff=0.7)
    if near:
        return f'which is not known; write "{by_lower_case[near[0]]}"'
    return "which is not known; known are: " + ", ".join(f'"{market}"' for market in known)


def _testnet(file: EnvFile) -> bool | None:
    """Return whether the test network is meant. Exactly two spellings: a guess costs money."""
    text = file.required("TESTNET", "True")
    if text is None or text in ("True", "False"):
        return None if text is None else text == "True"
    file.refuse("TESTNET", f'must be exactly "True" or "False", not {shown(text)}')
    return None


def _depth(file: EnvFile) -> Depth | None:
    text = file.required("ORDER_BOOK_DEPTH", Depth.TEN.value)
    if text is None:
        return None
    try:
        return Depth(text.strip())
    except ValueError:
        file.refuse("ORDER_BOOK_DEPTH", f'must be "orderBook10" or "quote", not {shown(text)}')
        return None


def _refresh_rate(file: EnvFile) -> int:
    text = file.required("REFRESH_RATE", "5")
    rate = _whole_number(text)
    if rate is not None and 1 <= rate <= 10:
        return rate
    if text is not None:
        file.refuse(
            "REFRESH_RATE",
            f"must be a whole number from 1 to 10 (repaints a second), not {shown(text)}",
        )
    return 1


def _whole_number(text: str | None) -> int | None:
    """Return an unsigned number; int() alone would take "1_0", " 5" and Arabic digits."""
    digits = (text or "").strip()
    return int(digits) if re.fullmatch(r"[0-9]{1,6}", digits) else None


def _database(file: EnvFile, folder: Path) -> MysqlSettings | SqliteSettings | None:
    host = file.optional("MYSQL_HOST").strip()
    if not host:
        if "MYSQL_HOST" in file.broken:
            return None
        if "MYSQL_HOST" not in file.values:  # an empty one is a decision, an absent one a slip
            _warn_of_idle_mysql_keys(file)
        return SqliteSettings(folder / DATABASE_FILE)
    if not re.fullmatch(r"[0-9A-Za-z._:-]+", host):
        file.refuse("MYSQL_HOST", "is not the name or address of a server, such as localhost")
    port = _mysql_port(file)
    user = file.required("MYSQL_USER", "name of the database user")
    database = file.required("MYSQL_DATABASE", "tmatic")
    if database is not None and not _DATABASE_NAME.fullmatch(database.strip()):
        file.refuse(
            "MYSQL_DATABASE",
            "may consist of 1 to 64 letters, digits, _ and $ only; write the database's name",
        )
    if "MYSQL_PASSWORD" not in file.values and "MYSQL_PASSWORD" not in file.broken:
        file.refuse("MYSQL_PASSWORD", 'is missing; add the line MYSQL_PASSWORD = "..."')
    if user is None or database is None:
        return None
    password = Secret(file.optional("MYSQL_PASSWORD"))
    return MysqlSettings(host, port, user.strip(), password, database.strip())


def _warn_of_idle_mysql_keys(file: EnvFile) -> None:
    for key in ("MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PORT"):
        if file.optional(key).strip():
            file.warn(
                key,
                f"has no effect without MYSQL_HOST: the books are kept in {DATABASE_FILE};"
                ' for a MySQL server add the line MYSQL_HOST = "localhost"',
            )
            return


def _mysql_port(file: EnvFile) -> int:
    text = file.optional("MYSQL_PORT")
    if not text.strip():
        return MYSQL_DEFAULT_PORT
    port = _whole_number(text)
    if port is None or not 1 <= port <= 65535:
        file.refuse(
            "MYSQL_PORT",
            f"must be a number from 1 to 65535, not {shown(text)};"
            f" delete the line to use {MYSQL_DEFAULT_PORT}",
        )
        return MYSQL_DEFAULT_PORT
    return port


def _market_file(general: EnvFile, folder: Path, name: str) -> EnvFile | None:
    path = folder / f"{SETTINGS_FILE}.{name}"
    if not path.exists():
        general.refuse(
            "MARKET_LIST",
            f"names {name}, but the file {path} does not exist; copy .env.{name}.example"
            f" of the program's folder to {path} and fill it in",
        )
        return None
    try:
        return read_env_file(path)
    except ConfigurationError as error:
        general.problems.append(str(error))
        return None
