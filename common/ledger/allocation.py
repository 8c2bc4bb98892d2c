"""Splitting whole amounts of money over weights without losing a unit. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def allocate(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Split `amount` in proportion to `weights` by the method of the largest remainder.

    Amount and weights may have any sign; the shares sum to `amount` exactly and each differs from
    its exact quota amount * weight / sum(weights) by less than one unit. Units left over go to
    the largest fractions, ties to the lower name, so that the order of `weights` does not matter.
    Names with weight 0 get no share. Raises ValueError when the weights sum to 0.
    """
    total = sum(weights.values())
    if total == 0:
        raise ValueError("weights that sum to 0 own no share")
    if total < 0:  # a positive divisor makes floor and remainder of one kind
        amount_sign, divisor = -1, -total
    else:
        amount_sign, divisor = 1, total
    quotas = {
        name: divmod(amount_sign * amount * weight, divisor)
        for name, weight in weights.items()
        if weight
    }
    left = amount - sum(floor for floor, _ in quotas.values())
    # Fractions are below one, so fewer units are left than there are nonzero fractions.
    lucky = sorted(quotas, key=lambda name: (-quotas[name][1], name))[:left]
    return {name: floor + (name in lucky) for name, (floor, _) in quotas.items()}
