"""CONTROL equals net deposits, whatever moves money from outside; a unit more is an alarm."""

from __future__ import annotations

from pathlib import Path

from common.engine.snapshot import AccountRow
from tests.faults.scene import Scene


def row(scene: Scene, currency: str) -> AccountRow:
    return next(each for each in scene.engine.snapshot.accounts if each.currency == currency)


def transfer(scene: Scene, currency: str, amount: int, kind: str = "Transfer") -> None:
    """Have the account receive money from another one of its owner."""
    exchange = scene.venue._exchange
    account = exchange.accounts[scene.account]
    balance = account.credit(currency, amount)
    exchange.journal.deposit(account.number, currency, amount)
    exchange.supply[currency] += amount
    exchange.feed.transaction(account, currency, kind, amount, balance)
    exchange.feed.flush()


def test_control_is_the_sum_of_deposits_withdrawals_and_transfers_of_others(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
        scene.run(30)
        before = row(scene, "USDt").control
        assert before is not None
        moved = 0
        for amount, move in (
            (5_000_001, lambda n: scene.venue.interventions.credit(scene.account, "USDt", n)),
            (-1_234_567, lambda n: scene.venue.interventions.credit(scene.account, "USDt", n)),
            (777, lambda n: transfer(scene, "USDt", n)),
        ):
            move(amount)
            moved += amount
            scene.run(60)
            assert row(scene, "USDt").control == before + moved
            assert not row(scene, "USDt").alarm
        scene.buy_and_fill()
        scene.run(60)
        assert (row(scene, "USDt").control, row(scene, "USDt").alarm) == (before + moved, False)
        scene.sql("UPDATE coins SET COMMISS_I = COMMISS_I + 1 WHERE ID = 1")
        scene.market.start()  # the books are read anew
        scene.until(lambda: row(scene, "USDt").alarm)
