"""I-5 of orders that have ended: their booked fills are what the exchange says they have filled."""

from __future__ import annotations

from pathlib import Path

from common.domain.verification import Rule
from common.engine.snapshot import Health
from tests.faults.scene import Scene


def test_i5_an_ended_order_that_has_filled_more_than_was_booked_blocks(
    tmp_path: Path,
) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        order = scene.rest()
        scene.venue.interventions.fill_order(order["orderID"], quantity=400, parts=2)
        scene.agrees()
        scene.venue.interventions.fill_order(order["orderID"], parts=2)
        scene.agrees()
        looks = scene.market.verifier.status.finished
        scene.market.verifier.asked()
        scene.until(lambda: scene.market.verifier.status.finished > looks)
        assert scene.market.verifier.status.differences == ()
        there = scene.venue._exchange.accounts[scene.account].orders[order["orderID"]]
        assert there.published is not None
        there.published = {**there.published, "cumQty": there.filled + 1}
        scene.market.verifier.asked()
        scene.until(lambda: scene.health is Health.BLOCKED)
        (difference,) = scene.market.verifier.status.differences
        assert (difference.rule, difference.exchange) == (Rule.ORDER, difference.books + 1)
        assert order["orderID"] in difference.text
