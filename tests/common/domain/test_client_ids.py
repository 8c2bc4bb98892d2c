"""clOrdIDs: any text is one, and ours are read back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.domain.orders import CL_ORD_ID_LENGTH, format_cl_ord_id, parse_cl_ord_id
from common.domain.robots import EMI_LIMIT, emi_problem, new_emi_problem

emis = st.text(min_size=1, max_size=EMI_LIMIT + 4)


@given(st.none() | st.text(max_size=60) | st.from_regex(r"[0-9]{0,30}\.?.{0,40}"))
def test_any_text_is_a_client_id_of_somebody(text: str | None) -> None:
    order = parse_cl_ord_id(text)
    head, dot, emi = (text or "").partition(".")
    assert order.emi == (emi if dot else None)  # after the first dot, whatever it is
    assert 0 <= order.number < 10**18
    assert order.number in (0, int(head) if head.isascii() and head.isdigit() else 0)
    assert dot or order.number == 0


@given(st.integers(-5, 10**13), emis)
@example(1, "e" * CL_ORD_ID_LENGTH)
@example(1, "e" * (CL_ORD_ID_LENGTH - 2))
def test_ids_of_ours_read_back_and_fit_the_exchange(number: int, emi: str) -> None:
    try:
        text = format_cl_ord_id(number, emi)
    except ValueError:
        assert number <= 0 or len(f"{number}.{emi}") > CL_ORD_ID_LENGTH
        return
    assert len(text) <= CL_ORD_ID_LENGTH
    order = parse_cl_ord_id(text)
    assert (order.number, order.emi) == (number, emi)


@given(st.integers(1, 10**12 - 1), emis)
def test_the_id_of_any_bot_that_may_exist_fits(number: int, emi: str) -> None:
    if emi_problem(emi) == "":
        assert parse_cl_ord_id(format_cl_ord_id(number, emi)).emi == emi
    if new_emi_problem(emi) == "":
        assert "." not in emi


@pytest.mark.parametrize("number", [0, -1])
def test_a_number_below_one_is_no_id_of_ours(number: int) -> None:
    with pytest.raises(ValueError, match="clOrdID"):
        format_cl_ord_id(number, "a")
