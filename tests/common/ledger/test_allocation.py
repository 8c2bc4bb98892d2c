from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.ledger.allocation import allocate

amounts = st.integers(-(10**15), 10**15)
weights = st.dictionaries(
    st.text(min_size=1, max_size=6), st.integers(-(10**10), 10**10), max_size=8
)


def test_shares_of_a_real_funding_row_over_opposite_positions() -> None:
    assert allocate(-182, {"a": 300, "b": -469}) == {"a": 323, "b": -505}


def test_a_single_owner_gets_everything() -> None:
    assert allocate(-43077, {"bot": -998000}) == {"bot": -43077}


def test_leftover_units_go_to_the_lower_name_on_a_tie() -> None:
    assert allocate(2, {"c": 1, "b": 1, "a": 1}) == {"a": 1, "b": 1, "c": 0}


def test_no_share_without_weight() -> None:
    assert allocate(10, {"a": 0, "b": 5}) == {"b": 10}


def test_weights_that_cancel_out_are_an_error() -> None:
    with pytest.raises(ValueError, match="sum to 0"):
        allocate(10, {"a": 5, "b": -5})


@given(amounts, weights)
def test_shares_sum_to_the_amount_and_are_less_than_a_unit_off(
    amount: int, by: dict[str, int]
) -> None:
    total = sum(by.values())
    assume(total != 0)
    shares = allocate(amount, by)
    assert sum(shares.values()) == amount
    assert set(shares) == {name for name, weight in by.items() if weight}
    for name, share in shares.items():
        assert abs(share - Fraction(amount * by[name], total)) < 1


@given(amounts, weights, st.randoms())
def test_the_order_of_the_weights_does_not_matter(
    amount: int, by: dict[str, int], random: object
) -> None:
    assume(sum(by.values()) != 0)
    names = list(by)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert allocate(amount, {name: by[name] for name in names}) == allocate(amount, by)
