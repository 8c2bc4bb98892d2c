"""`kill -9` in loops while executions are booked, then the books against the exchange: `--kills N`.

    python -m tests.campaigns.kills --kills 200 [--first 0] [--ledgers terminal-sqlite ...]

The terminal (`main.py --headless`) and the database server (`mariadbd`) are killed at random
moments: at a random number of rows, or after a random time, during catching up and while live
executions come. All the time somebody trades on the account in the names of several bots, by
hand, and pays funding. At the end nothing may be lost, doubled or partial against what the
exchange sent, and `--verify` must agree. Schemes that commit row by row go through the same hands
and must be caught: a harness that cannot see them proves nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from common.ledger.connecting import open_database
from common.ledger.database import to_int
from common.ledger.robots_table import add_robot
from tests.campaigns.row_by_row import SCHEMES
from tests.campaigns.truth import kinds, wrongs
from tests.faults.whole import SYMBOL, Whole
from tests.support.books import as_json
from tests.support.database import MariaDB
from tests.support.profiles import MARKET
from tests.support.program import run_program
from tests.support.venue import ExchangeProcess, start_exchange
from tests.support.waiting import wait_until

BOTS = ("a", "b", "c", "d", "e")
NAMES = (*BOTS, *BOTS, "stranger", "")  # of those who place orders
A_LEDGER = 20  # kills, then the books are compared and the next one begins anew
BACKLOG = 12  # things that happen while the terminal is down
LOOKS = 5  # at the rows, until the next thing happens
MOST_ROWS = 36  # after which a kill comes, where it waits for rows
LONGEST = 1.8  # seconds after which a kill comes, where it waits for time
PATIENCE = 60.0  # seconds in which rows must come


@dataclass
class Outcome:
    """What came of one ledger."""

    name: str
    kills: int = 0
    executions: int = 0
    rows: int = 0
    faults: list[str] = field(default_factory=list)


class Terminal(Whole):
    """The program."""

    def wrongs(self) -> list[str]:
        """Compare books and journal with what the exchange sent."""
        return wrongs(self.truth(), self.tables())

    def settled(self) -> bool:
        """Whether nothing more has to come."""
        return not self.wrongs()


class RowByRowTerminal(Whole):
    """The control in its place."""

    scheme = SCHEMES[0]

    @property
    def cursor(self) -> Path:
        """The file in which it keeps how many executions it has booked."""
        return self.profile / "cursor"

    def wrongs(self) -> list[str]:
        """Compare the books with what the exchange sent; there is no journal."""
        return wrongs(self.truth(), self.tables(), journal=False)

    def settled(self) -> bool:
        """Whether it takes everything for booked."""
        booked = self.cursor.read_text(encoding="utf-8") if self.cursor.exists() else ""
        return booked == str(len(self.truth()["executions"]))

    def command(self) -> list[str]:
        """Return what runs the control."""
        return [sys.executable, "-m", "tests.campaigns.row_by_row", self.scheme]

    def begin(self, given: str = "") -> None:
        """Start it and tell it where the exchange and the books are."""
        venue = {name: getattr(self.trader.exchange, name) for name in ("rest", "key", "secret")}
        told = {
            "venue": venue,
            "books": as_json(self.books),
            "cursor": str(self.cursor),
            "bots": BOTS,
        }
        super().begin(given or json.dumps(told) + "\n")


AnyTerminal = Terminal | RowByRowTerminal


class Killer:
    """One ledger: its terminal, its traders and the one who kills."""

    def __init__(self, name: str, whole: AnyTerminal, server: MariaDB | None, seed: int) -> None:
        self.outcome = Outcome(name)
        self._whole = whole
        self._server = server
        self._chance = random.Random(f"{name} {seed}")
        self._orders = 0
        self._looks = 0
        for emi in BOTS:
            add_robot(whole.books, MARKET, emi, SYMBOL, "linear", 1, 1)

    def kill_terminal(self, kills: int) -> None:
        """Start the terminal and kill it, again and again."""
        for _ in range(kills):
            self._trade(BACKLOG)
            rows = self._count()
            self._whole.begin()
            self._wait_for_a_moment(rows)
            self.outcome.kills += self._whole.running
            self._whole.kill()

    def kill_database(self, kills: int) -> None:
        """Kill the server under the terminal, which goes on."""
        assert self._server is not None
        rows = self._count()
        self._whole.begin()
        for _ in range(kills):
            self._wait_for_a_moment(rows)
            rows = self._count()
            self._server.kill()
            self.outcome.kills += 1
            self._trade(BACKLOG)
            self._server.start()
        assert self._whole.running, "the terminal ended when its database was killed"

    def finish(self) -> Outcome:
        """Let everything come in, compare, and ask the program itself where it is the program."""
        whole, outcome = self._whole, self.outcome
        if not whole.running:
            whole.begin()
        end = time.monotonic() + PATIENCE
        wait_until(lambda: whole.settled() or time.monotonic() > end, PATIENCE + 5)
        whole.end()
        outcome.faults = whole.wrongs()
        outcome.executions = len(whole.truth()["executions"])
        outcome.rows = len(whole.tables().coins)
        if isinstance(whole, Terminal):
            outcome.faults += self._verdict()
        return outcome

    def _wait_for_a_moment(self, rows: int) -> None:
        """Wait until there are some rows more than `rows`, or until some time has passed."""
        if self._chance.random() < 0.7:
            aim = rows + self._chance.randint(1, MOST_ROWS)
            end = time.monotonic() + PATIENCE
            wait_until(lambda: self._look() >= aim or time.monotonic() >= end, PATIENCE + 5)
            assert self._count() >= aim, f"{aim} rows did not come: {self._whole.said[-2000:]}"
        else:
            due = time.monotonic() + self._chance.uniform(0.0, LONGEST)
            wait_until(lambda: self._look() >= 0 and time.monotonic() >= due, PATIENCE)

    def _look(self) -> int:
        """Return how many rows there are; every now and then something happens."""
        self._looks += 1
        if self._looks % LOOKS == 0:
            self._trade()
        return self._count()

    def _trade(self, times: int = 1) -> None:
        for _ in range(times):
            self._happen()

    def _happen(self) -> None:
        """Have an order filled, or funding paid."""
        chance, whole = self._chance, self._whole
        self._orders += 1
        if self._orders % 3 == 0:
            whole.owner.act("funding", symbol=SYMBOL, rate=chance.randint(-300, 300) / 10**6)
            return
        name = chance.choice(NAMES)
        side = chance.choice(("Buy", "Sell"))
        whole.trade(chance.randint(1, 3), f"{self._orders}.{name}" if name else "", side)

    def _count(self) -> int:
        database = open_database(self._whole.books)
        try:
            return to_int(database.query("SELECT COUNT(*) FROM coins")[0][0])
        finally:
            database.close()

    def _verdict(self) -> list[str]:
        ended = run_program(self._whole.profile, "--verify")
        return [] if ended.returncode == 0 else [f"wrong verdict: {ended.stdout[-500:]}"]


@contextmanager
def killer(name: str, seed: int, server: MariaDB | None, scheme: str = "") -> Iterator[Killer]:
    """Make an exchange, a profile and empty books; end all processes at last."""
    with tempfile.TemporaryDirectory() as folder:
        venue: ExchangeProcess = start_exchange(seed=seed % 50 + 1, no_limits=True)
        whole: AnyTerminal = Terminal(venue, Path(folder), server)
        if scheme:
            whole = RowByRowTerminal(venue, Path(folder), server)
            whole.scheme = scheme
        try:
            yield Killer(name, whole, server, seed)
        finally:
            if whole.running:
                whole.kill()
            venue.stop()


def terminal_killed(
    seed: int, kills: int, server: MariaDB | None = None, scheme: str = ""
) -> Outcome:
    """Kill the terminal, or a control in its place."""
    name = f"{scheme or 'terminal'} killed, {'MariaDB' if server else 'SQLite'}"
    with killer(name, seed, server, scheme) as each:
        each.kill_terminal(kills)
        return each.finish()


def database_killed(seed: int, kills: int, server: MariaDB, scheme: str = "") -> Outcome:
    """Kill the database server under the terminal, or under a control."""
    with killer(f"mariadbd killed under {scheme or 'terminal'}", seed, server, scheme) as each:
        each.kill_database(kills)
        return each.finish()


Round = Callable[[int, int], Outcome]


def rounds(server: MariaDB) -> tuple[dict[str, Round], dict[str, Round]]:
    """Return what must never fail, and the controls, which must."""
    product: dict[str, Round] = {
        "terminal-sqlite": terminal_killed,
        "terminal-mariadb": partial(terminal_killed, server=server),
        "mariadbd": partial(database_killed, server=server),
    }
    controls: dict[str, Round] = {}
    for scheme in SCHEMES:
        controls[f"{scheme}-sqlite"] = partial(terminal_killed, scheme=scheme)
        controls[f"{scheme}-mariadb"] = partial(terminal_killed, server=server, scheme=scheme)
        controls[f"{scheme}-mariadbd"] = partial(database_killed, server=server, scheme=scheme)
    return product, controls


def play(each: Round, kills: int, first: int) -> list[Outcome]:
    """Kill so often, ledger after ledger."""
    ledgers = range((kills + A_LEDGER - 1) // A_LEDGER)
    return [each(first + n, min(A_LEDGER, kills - n * A_LEDGER)) for n in ledgers]


def told(outcomes: Sequence[Outcome]) -> str:
    """Return the line of a table."""
    faults = sum((kinds(o.faults) for o in outcomes), Counter[str]())
    bad = sum(bool(o.faults) for o in outcomes)
    words = ", ".join(f"{count} {kind}" for kind, count in sorted(faults.items())) or "0 faults"
    return (
        f"{outcomes[0].name:34}{sum(o.kills for o in outcomes):6} kills"
        f"{sum(o.executions for o in outcomes):8} executions{sum(o.rows for o in outcomes):8} rows"
        f"  {bad} of {len(outcomes)} ledgers wrong: {words}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="controls: a fifth, 40 at least")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--ledgers", nargs="*", help="only these")
    given = parser.parse_args()
    began, failed = time.monotonic(), False
    with tempfile.TemporaryDirectory() as folder:
        server = MariaDB(Path(folder))
        server.start()
        try:
            product, controls = rounds(server)
            for name, each in {**product, **controls}.items():
                if given.ledgers and name not in given.ledgers:
                    continue
                few = max(2 * A_LEDGER, given.kills // 5)
                outcomes = play(each, given.kills if name in product else few, given.first)
                print(told(outcomes), flush=True)
                bad = any(o.faults for o in outcomes)
                failed |= bad == (name in product)  # of a control it is the lack of faults
                if bad and name in product:
                    print(*[fault for o in outcomes for fault in o.faults[:20]], sep="\n")
        finally:
            server.stop()
    print(f"{'FAILED' if failed else 'as it must be'}; {time.monotonic() - began:.0f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
