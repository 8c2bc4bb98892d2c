"""Thousands of random operations of several accounts; run the module for a longer campaign.

`python3 -m tests.api.simulator.test_venue_marathon 200 5000` plays 200 sessions of 5,000 steps.
"""

from __future__ import annotations

import sys

import pytest

from tests.api.simulator.marathon import ACCOUNTS, Marathon

OPERATIONS = 3_000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_identities_and_books_hold_through_thousands_of_operations(seed: int) -> None:
    marathon = Marathon(seed)
    marathon.run(OPERATIONS, check_every=100)  # the venue checks its books at every step itself
    counts = marathon.counts
    assert counts["POST /order 200"] > 500, counts
    for what in ("POST /order 400", "PUT /order 200", "PUT /order 400", "DELETE /order 200"):
        assert counts[what] > 50, (what, counts)
    for what in ("fill", "move", "credit", "funding", "leverage", "all"):
        assert counts[what] > 5, (what, counts)
    rows = [
        row
        for account in ACCOUNTS
        for start in range(0, 2_000, 500)
        for row in marathon.get("/execution", account, count=500, start=start)
    ]
    kinds = {row["execType"] for row in rows}
    assert kinds >= {"New", "Trade", "Canceled", "Replaced", "Funding", "Settlement"}


def test_same_seed_says_the_same_to_the_last_byte() -> None:
    digests = []
    for seed in (5, 5, 6):
        marathon = Marathon(seed)
        marathon.run(800, check_every=20)
        digests.append(marathon.digest.hexdigest())
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


if __name__ == "__main__":
    SESSIONS, STEPS = (int(text) for text in sys.argv[1:3])
    for number in range(SESSIONS):
        Marathon(number).run(STEPS, check_every=50)
        print(f"session {number}: {STEPS} operations, all identities hold", flush=True)
