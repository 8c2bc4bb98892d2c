"""What all campaigns share: faults at random moments, seed after seed, and the command line."""

from __future__ import annotations

import argparse
import logging
import math
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.scene import Scene


@dataclass
class Outcome:
    """What came of one seed."""

    seed: int
    switches: list[str]
    took: float = 0.0  # virtual seconds until all was right again
    orders: int = 0
    executions: int = 0
    violations: list[str] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)


Results = tuple[list[Outcome], Counter[str]]  # what came of seeds, how often what happened
Campaign = Callable[[range], Results]


def arm(
    scene: Scene, rules: Sequence[Mapping[str, Any]], chance: random.Random, storm: float
) -> None:
    """Let every rule bite once for sure and then at a rate of its own, for `storm` seconds."""
    for rule in rules:
        per_minute = math.exp(chance.uniform(math.log(0.2), math.log(4.0)))
        at = chance.uniform(1.0, storm / 2)
        while at < storm - 30.0:
            scene.at(at, partial(scene.arm, **rule))
            at += chance.expovariate(per_minute / 60.0)


def open_intents(books: Path) -> list[str]:
    """Return the clOrdIDs of intents whose outcome is not written down."""
    with closing(sqlite3.connect(books)) as connection:
        rows = connection.execute("SELECT CLORDID FROM order_intents WHERE STATE = 'OPEN'")
        return [f"the intent {row[0]} has no end" for row in rows]


def run_seeds(seeds: range, run: Callable[[int, Path], Outcome]) -> Results:
    """Run seeds one after the other; return what came of them and how often what fired."""
    outcomes, fired = [], Counter[str]()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            outcome = run(seed, Path(folder))
        outcomes.append(outcome)
        fired += outcome.fired
    return outcomes, fired


def run_until(
    campaign: Campaign, seeds: int, most: int, missing: Callable[[Counter[str]], Collection[str]]
) -> Results:
    """Run `seeds` of a campaign, and more up to `most` while something has never happened.

    What a storm has hidden comes up again in another one.
    """
    outcomes, fired = campaign(range(seeds))
    for seed in range(seeds, most):
        if not missing(fired):
            break
        more, again = campaign(range(seed, seed + 1))
        outcomes, fired = outcomes + more, fired + again
    return outcomes, fired


def right(outcomes: Sequence[Outcome], calm: float) -> None:
    """Assert that no seed violated anything, and that all was right again in time."""
    assert {o.seed: (o.switches, o.violations) for o in outcomes if o.violations} == {}
    assert max(outcome.took for outcome in outcomes) <= calm


def twice(send: Callable[..., None]) -> Callable[..., None]:
    """Break what sends something: it does so twice."""

    def resend(*given: object) -> None:
        send(*given)
        send(*given)

    return resend


def run_from_command_line(
    name: str,
    description: str | None,
    campaign: Campaign,
    silent: Callable[[Counter[str]], Sequence[str]],
    summary: Callable[[Sequence[Outcome], Counter[str]], str],
) -> int:
    """Run what the command line asks for; print violations, what happened and what never did.

    summary: what else is to be said, in words. Returns the exit code.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    outcomes, fired = campaign(range(given.first, given.first + given.seeds))
    bad = [outcome for outcome in outcomes if outcome.violations]
    for outcome in bad:
        print(f"seed {outcome.seed} {outcome.switches}: {outcome.violations}")
    for what, count in sorted(fired.items()):
        print(f"{what:40}{count:8}")
    print(
        f"{len(outcomes)} seeds, {sum(o.orders for o in outcomes)} orders, "
        f"{sum(o.executions for o in outcomes)} executions, {summary(outcomes, fired)}; "
        f"{len(bad)} seeds with violations; {time.monotonic() - began:.0f} s"
    )
    never = silent(fired)
    if never:
        print(f"never happened: {', '.join(never)}")
    return 1 if bad or never else 0
