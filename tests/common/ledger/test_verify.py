"""Every identity between books and exchange holds after a session; one wrong figure is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.account import WalletChange, WalletKind
from common.domain.books import SIDE_BUY, Balance
from common.domain.executions import ExecutionKind
from common.domain.instruments import Symbol
from common.domain.orders import Order, Phase
from common.domain.verification import BooksRead, Difference, Memory, Rule
from common.ledger.wallet import add_up
from tests.common.ledger.account import Account, busy, coin, kinds
from tests.common.ledger.support import START, XBTUSD, XBTUSDT, trade

Changed = Callable[[Account], tuple[Difference, ...]]


def found(differences: tuple[Difference, ...], rule: Rule) -> Difference:
    """Return the first difference of a rule."""
    return next(each for each in differences if each.rule is rule)


def with_row(account: Account, index: int, **changes: Any) -> BooksRead:
    """Return the books with one row of `coins` changed; the sums stay as they were."""
    books = account.books()
    rows = list(books.rows)
    rows[index] = coin(replace(rows[index].entry, **changes))
    return replace(books, rows=tuple(rows))


def row_of(account: Account, emi: str, kind: ExecutionKind = ExecutionKind.TRADE) -> int:
    """Return the number of the first row of a bot."""
    return next(n for n, e in enumerate(account.entries) if e.emi == emi and e.kind is kind)


def test_a_session_with_everything_in_it_has_no_difference() -> None:
    account = busy()
    assert account.check() == ()
    account.settle(-42_000)
    assert account.check() == ()
    assert kinds(account) == {
        ExecutionKind.TRADE,
        ExecutionKind.FUNDING,
        ExecutionKind.SETTLEMENT,
    }


def test_an_account_without_history_has_no_difference() -> None:
    assert Account().check() == ()


# ---- executions and their rows -----------------------------------------------------------------


def test_an_execution_that_is_not_booked_is_named() -> None:
    account = busy()
    account.executions.append(trade(99, 100, cl_ord_id="99.a"))
    difference = found(account.check(), Rule.EXACTLY_ONCE)
    assert (difference.symbol, difference.currency, difference.emi) == (XBTUSD, "XBt", "a")
    assert (difference.books, difference.exchange) == (0, 1)
    assert "exec-000099 of XBTUSD.inverse" in difference.text


def test_a_booked_execution_that_the_exchange_does_not_know_is_named() -> None:
    account = busy()
    gone = account.executions.pop(2)
    difference = found(account.check(), Rule.EXACTLY_ONCE)
    assert gone.exec_id in difference.what
    assert (difference.books, difference.exchange) == (1, 0)


def test_an_execution_told_twice_is_one_execution() -> None:
    account = busy()
    account.executions += account.executions[-3:]
    assert account.check() == ()


@pytest.mark.parametrize("change", ["missing", "twice", "without journal"])
def test_rows_that_are_not_those_of_their_execution_are_named(change: str) -> None:
    account = busy()
    books = account.books()
    number = row_of(account, "b", ExecutionKind.FUNDING)
    row = books.rows[number]
    if change == "missing":
        rows = tuple(r for r in books.rows if r is not row)
        books = replace(books, rows=rows)
    elif change == "twice":
        books = replace(books, rows=(*books.rows, row))
    else:
        stray = coin(replace(row.entry, exec_id="nobody's"))
        books = replace(books, rows=(*books.rows, stray))
    difference = found(account.check(books=books), Rule.COMPLETE_ROWS)
    assert difference.symbol == XBTUSD
    assert difference.books != difference.exchange


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"sum_real": 600_002}, "SUMREAL"),
        ({"commission": 46}, "COMMISS"),
        ({"quantity": 301, "position_delta": 301}, "QTY"),
        ({"position_delta": -300}, "QTY"),
        ({"trade_price": Decimal(50001)}, "TRADE_PRICE"),
        ({"at": START + timedelta(milliseconds=1)}, "TTIME"),
        ({"currency": "USDt"}, "SUMREAL"),
        ({"symbol": XBTUSDT}, "SYMBOL"),
        ({"number": 77}, "CLORDID"),
        ({"emi": "b"}, "EMI"),
    ],
)
def test_one_wrong_figure_of_a_fill_is_named(change: dict[str, Any], what: str) -> None:
    account = busy()
    books = with_row(account, row_of(account, "a"), **change)
    hits = [d for d in account.check(books=books) if d.rule is Rule.FILL]
    assert any(d.what == f"{what} of execution exec-000001" for d in hits), hits
    assert all(d.symbol == XBTUSD for d in hits)
    assert {d.emi for d in hits} == {str(change.get("emi", "a"))}


def test_one_satoshi_in_the_columns_that_people_read_is_found() -> None:
    account = busy()
    books = account.books()
    rows = list(books.rows)
    number = row_of(account, "a")
    shown = rows[number].sum_real
    assert shown is not None
    rows[number] = replace(rows[number], sum_real=shown + Decimal("0.00000001"))
    [difference] = account.check(books=replace(books, rows=tuple(rows)))
    assert (difference.rule, difference.emi, difference.currency) == (Rule.FILL, "a", "XBt")
    assert (difference.books, difference.exchange) == (600_002, 600_001)


@pytest.mark.parametrize("name", ["cost", "fee", "kind", "at", "fee_currency"])
def test_a_journal_that_differs_from_the_exchange_is_found(name: str) -> None:
    account = busy()
    row = account.journal[0]
    other: dict[str, Any] = {
        "cost": row.cost + 1,
        "fee": row.fee - 1,
        "kind": ExecutionKind.SETTLEMENT,
        "at": row.at + timedelta(microseconds=1),
        "fee_currency": "USDt",
    }
    account.journal[0] = replace(row, **{name: other[name]})
    hits = account.check()
    assert {d.rule for d in hits} == {Rule.FILL}
    assert all("exec-000001" in d.text for d in hits)


def test_a_category_that_was_guessed_is_no_difference() -> None:
    account = busy()
    guessed = replace(XBTUSD, category=XBTUSDT.category)
    account.journal[0] = replace(account.journal[0], symbol=guessed)
    assert account.check() == ()


def test_funding_taken_over_without_its_notional_is_no_difference() -> None:
    account = busy()
    number = next(n for n, r in enumerate(account.journal) if r.kind is ExecutionKind.FUNDING)
    account.journal[number] = replace(account.journal[number], cost=0)
    assert account.check() == ()
    account.journal[number] = replace(account.journal[number], cost=7)
    assert {each.rule for each in account.check()} == {Rule.FILL}


@pytest.mark.parametrize("units", [-2, 2])
def test_a_share_of_funding_that_is_not_its_bots_is_named(units: int) -> None:
    account = busy()
    number = row_of(account, "b", ExecutionKind.FUNDING)
    share = account.entries[number].commission
    hits = account.check(books=with_row(account, number, commission=share + units))
    assert found(hits, Rule.FILL).what.startswith("COMMISS")  # the shares do not sum to it either
    difference = found(hits, Rule.FUNDING_SPLIT)
    assert (difference.emi, difference.symbol, difference.currency) == ("b", XBTUSD, "XBt")
    assert difference.books == share + units
    assert abs(difference.exchange - share) <= 1


def test_shares_that_sum_and_still_are_not_by_position_are_found() -> None:
    account = busy()
    one = row_of(account, "a", ExecutionKind.FUNDING)
    other = row_of(account, "b", ExecutionKind.FUNDING)
    books = account.books()
    rows = list(books.rows)
    for number, units in ((one, 5), (other, -5)):
        entry = rows[number].entry
        rows[number] = coin(replace(entry, commission=entry.commission + units))
    hits = account.check(books=replace(books, rows=tuple(rows)))
    assert {d.rule for d in hits} == {Rule.FUNDING_SPLIT}
    assert hits[0].emi in ("a", "b")


def test_positions_under_a_funding_row_that_do_not_sum_are_found() -> None:
    account = Account()
    account.trade("a", 500, -1_000, 0)
    account.fund(0)
    number = row_of(account, "a", ExecutionKind.FUNDING)
    hits = account.check(books=with_row(account, number, quantity=400))
    assert [(d.rule, d.emi, d.books, d.exchange) for d in hits] == [
        (Rule.FUNDING_SPLIT, "a", 400, 500)
    ]


def test_a_row_of_funding_that_counts_as_a_trade_is_found() -> None:
    account = busy()
    number = row_of(account, "a", ExecutionKind.FUNDING)
    hits = account.check(books=with_row(account, number, side=SIDE_BUY))
    assert [(d.what[:4], d.emi) for d in hits] == [("SIDE", "a")]


# ---- positions, wallet, margin ------------------------------------------------------------------


@pytest.mark.parametrize("symbol", [XBTUSD, XBTUSDT])
def test_a_position_that_the_bots_do_not_hold_is_found(symbol: Symbol) -> None:
    account = busy()
    truth = account.truth()
    positions = tuple(
        replace(p, quantity=p.quantity + 1) if p.symbol == symbol else p for p in truth.positions
    )
    [difference] = account.check(replace(truth, positions=positions))
    assert (difference.rule, difference.symbol) == (Rule.POSITION, symbol)
    assert difference.exchange == difference.books + 1


def test_a_symbol_that_the_exchange_does_not_list_must_be_flat() -> None:
    account = busy()
    truth = account.truth()
    kept = tuple(replace(p, currency="XBt") for p in truth.positions if p.symbol == XBTUSD)
    difference = found(account.check(replace(truth, positions=kept)), Rule.POSITION)
    assert (difference.symbol, difference.exchange) == (XBTUSDT, 0)
    assert difference.emi == "XBTUSDT.linear, c"


@pytest.mark.parametrize("kind", [WalletKind.RESULT, WalletKind.FUNDING, WalletKind.SPOT])
@pytest.mark.parametrize("currency", ["XBt", "USDt"])
def test_v5_one_unit_that_the_wallet_received_more_is_found(
    kind: WalletKind, currency: str
) -> None:
    account = busy()
    account._change(currency, kind, 1)
    hits = account.check()
    assert {d.rule for d in hits} == {Rule.RESULT}
    assert (hits[0].currency, hits[0].exchange - hits[0].books) == (currency, 1)


def test_a_deposit_is_no_result() -> None:
    account = busy()
    account._change("XBt", WalletKind.EXTERNAL, 12_345)
    assert account.check() == ()


def test_results_not_yet_in_the_wallet_count() -> None:
    account = busy()
    account.changes = [c for c in account.changes if c.kind is not WalletKind.RESULT]
    truth, before = account.truth(), busy().truth().wallets
    pending = {currency: sums.result for currency, sums in before.items()}
    balance = {currency: sums.total - sums.result for currency, sums in before.items()}
    margins = tuple(
        replace(
            m,
            realised_pnl=pending[m.currency],
            wallet_balance=balance[m.currency] + pending[m.currency],
            amount=balance[m.currency],
        )
        for m in truth.margins
    )
    wallets = {c: replace(s, breaks=()) for c, s in truth.wallets.items()}
    assert account.check(replace(truth, margins=margins, wallets=wallets)) == ()


def test_the_cost_of_open_positions_is_part_of_the_result() -> None:
    account = busy()
    truth = account.truth()
    first, *others = truth.positions
    wrong = replace(
        first, unrealised_cost=first.unrealised_cost + 1, current_cost=None, mark_value=None
    )
    [difference] = account.check(replace(truth, positions=(wrong, *others)))
    assert (difference.rule, difference.currency) == (Rule.RESULT, "XBt")
    assert difference.books - difference.exchange == 1


@pytest.mark.parametrize("name", ["wallet_balance", "margin_balance", "unrealised_pnl", "amount"])
def test_margin_figures_that_disagree_are_found(name: str) -> None:
    account = busy()
    truth = account.truth()
    first, *others = truth.margins
    wrong = replace(first, **{name: getattr(first, name) + 1})
    hits = account.check(replace(truth, margins=(wrong, *others)))
    assert found(hits, Rule.MARGIN).currency == first.currency


def test_a_wallet_row_that_is_missing_breaks_the_chain_once() -> None:
    account = busy()
    del account.changes[0]
    hits = [d for d in account.check() if d.rule is Rule.WALLET]
    assert [(d.currency, d.exchange - d.books) for d in hits] == [("XBt", 10**8), ("XBt", 10**8)]
    assert "2026-10-01 12:00:01" in hits[0].text


def test_rows_of_one_moment_may_come_in_any_order() -> None:
    at = START
    rows = [
        WalletChange("1", "XBt", WalletKind.EXTERNAL, 10, 10, at),
        WalletChange("2", "XBt", WalletKind.RESULT, 5, 12, at + timedelta(seconds=1)),
        WalletChange("3", "XBt", WalletKind.RESULT, -3, 7, at + timedelta(seconds=1)),
    ]
    for order in (rows, rows[::-1]):
        sums = add_up(order)["XBt"]
        assert (sums.total, sums.balance, sums.breaks) == (12, 12, ())
    assert add_up([replace(rows[0], balance=11)])["XBt"].breaks == ((at, 11, 10),)


@pytest.mark.parametrize("name", ["current_cost", "current_comm", "realised_pnl", "mark_value"])
def test_position_figures_that_disagree_are_found(name: str) -> None:
    account = busy()
    truth = account.truth()
    first, *others = truth.positions
    wrong = replace(first, **{name: getattr(first, name) + 1})
    [difference] = account.check(replace(truth, positions=(wrong, *others)))
    assert (difference.rule, difference.symbol) == (Rule.POSITION_ROW, XBTUSD)
    assert abs(difference.exchange - difference.books) == 1


# ---- orders and memory --------------------------------------------------------------------------


def test_fills_sum_to_what_their_order_has_filled() -> None:
    account = busy()
    execution = account.executions[0]
    filled = replace(account.order(quantity=500, filled=300), order_id=execution.order_id)
    account.orders[-1] = filled
    assert account.check() == ()
    account.orders[-1] = replace(filled, filled=299, leaves=201)
    difference = found(account.check(), Rule.ORDER)
    assert (difference.books, difference.exchange) == (300, 299)
    account.orders[-1] = replace(filled, filled=301, leaves=199)
    assert found(account.check(), Rule.ORDER).exchange == 301


def test_what_is_left_of_an_order_is_its_quantity_less_its_fills() -> None:
    account = busy()
    account.orders[0] = replace(account.orders[0], leaves=99)
    assert found(account.check(), Rule.ORDER).what.startswith("rest of order")


@pytest.mark.parametrize("side", ["exchange", "here"])
def test_an_order_on_one_side_only_is_found(side: str) -> None:
    account = busy()
    memory = account.memory()
    if side == "exchange":
        hits = account.check(memory=replace(memory, orders=()))
    else:
        hits = account.check(replace(account.truth(), orders=()))
    [difference] = hits
    assert difference.rule is Rule.OPEN_ORDERS
    assert "not there" in difference.text


@pytest.mark.parametrize(
    "change", [{"price": Decimal("49000.5")}, {"quantity": 200}, {"leaves": 50}]
)
def test_an_order_that_differs_is_found(change: dict[str, Any]) -> None:
    account = busy()
    memory = account.memory()
    [order] = memory.orders
    hits = account.check(memory=replace(memory, orders=(replace(order, **change),)))
    assert [d.rule for d in hits] == [Rule.OPEN_ORDERS]
    spared = Memory(memory.balances, (replace(order, **change),), frozenset({order.order_id}))
    assert account.check(memory=spared) == ()


@pytest.mark.parametrize("name", ["position", "sum_real", "commission", "funding", "volume"])
def test_a_sum_in_memory_that_the_rows_do_not_give_is_named(name: str) -> None:
    account = busy()
    memory = account.memory()
    balances = [replace(balance) for balance in memory.balances]
    hit = next(b for b in balances if b.emi == "b")
    setattr(hit, name, getattr(hit, name) + 1)
    [difference] = account.check(memory=replace(memory, balances=tuple(balances)))
    assert (difference.rule, difference.emi) == (Rule.MEMORY, "b")
    assert (difference.symbol, difference.currency) == (XBTUSD, "XBt")
    assert difference.books == difference.exchange + 1


def test_a_bot_that_memory_does_not_know_is_named() -> None:
    account = busy()
    memory = account.memory()
    kept = tuple(b for b in memory.balances if b.emi != "c")
    hits = account.check(memory=replace(memory, balances=kept))
    assert {d.emi for d in hits} == {"c"}
    flat = (*memory.balances, Balance("nobody", XBTUSD, "XBt"))
    assert account.check(memory=replace(memory, balances=flat)) == ()


# ---- books that begin late ----------------------------------------------------------------------


def test_books_that_begin_later_than_the_account_do_not_block() -> None:
    account = busy()
    books = account.books()
    begin = account.executions[2].at
    books = replace(
        books,
        journal=tuple(r for r in books.journal if r.at >= begin),
        rows=tuple(r for r in books.rows if r.entry.at >= begin),
        first=begin,
    )
    shorter: dict[Any, Balance] = {}
    for row in books.rows:
        key = (row.entry.emi, row.entry.symbol, row.entry.currency)
        shorter.setdefault(key, Balance(*key)).add(row.entry)
    books = replace(books, balances=tuple(shorter.values()))
    hits = account.check(books=books, memory=replace(account.memory(), balances=books.balances))
    assert hits
    assert {d.rule for d in hits} == {Rule.POSITION, Rule.RESULT}
    assert not any(d.blocks for d in hits)


# ---- random histories ---------------------------------------------------------------------------

amounts = st.integers(-(10**7), 10**7)
steps = st.one_of(
    st.tuples(
        st.just("trade"),
        st.sampled_from(["a", "b", "", "stranger"]),
        st.integers(-500, 500).filter(bool),
        amounts,
        amounts,
    ),
    st.tuples(st.just("linear"), st.sampled_from(["c", "a"]), st.integers(1, 9), amounts, amounts),
    st.tuples(st.just("spot"), st.just("x"), st.integers(-90, 90).filter(bool), amounts, amounts),
    st.tuples(st.just("fund"), amounts),
    st.tuples(st.just("settle"), amounts),
    st.tuples(st.just("deposit"), amounts),
)


def live(account: Account, history: list[tuple[Any, ...]]) -> None:
    for step, *figures in history:
        if step == "linear":
            emi, quantity, cost, fee = figures
            account.trade(emi, quantity, cost, fee, XBTUSDT)
        elif step == "deposit":
            account.deposit("XBt", *figures)
        else:
            getattr(account, str(step))(*figures)


@given(st.lists(steps, max_size=30))
def test_no_history_makes_a_difference(history: list[tuple[Any, ...]]) -> None:
    account = Account()
    live(account, history)
    assert account.check() == ()


@given(
    st.lists(steps, min_size=1, max_size=20),
    st.data(),
    st.sampled_from(["sum_real", "commission", "position_delta"]),
    st.integers(1, 1000) | st.integers(-1000, -1),
)
def test_any_wrong_figure_of_any_row_is_found_and_named(
    history: list[tuple[Any, ...]], data: st.DataObject, name: str, error: int
) -> None:
    account = Account()
    live(account, [("trade", "a", 5, 100, 1), *history])
    rows = [
        n for n, e in enumerate(account.entries) if e.side >= 0 or name == "commission"
    ]  # of funding only COMMISS counts
    number = data.draw(st.sampled_from(rows))
    entry = account.entries[number]
    books = with_row(account, number, **{name: getattr(entry, name) + error})
    hits = account.check(books=books)
    named = [d for d in hits if entry.exec_id in d.what]
    assert named
    assert all(d.symbol == entry.symbol for d in named)
    assert any(entry.emi in d.emi.split(", ") for d in named)


# ---- I-5: orders that have ended ---------------------------------------------------------------


def ended(account: Account, filled: int = 300, phase: Phase = Phase.FILLED) -> Order:
    """Return an order that is filled by the executions 1, 4 and 5 of `parts`."""
    at = max(e.at for e in account.executions)
    order = replace(account.order(quantity=300, filled=filled), order_id="ended", phase=phase)
    account.orders.pop()
    return replace(order, leaves=0, at=at)


def parts(sizes: tuple[int, ...] = (100, 150, 50)) -> Account:
    """Return an account with an order that was filled in parts, hours apart."""
    account, total = Account(), 0
    for number, size in enumerate(sizes, start=1):
        total += size
        fill = trade(number, size, cl_ord_id="1.a", seconds=3600.0 * number)
        account._happens(replace(fill, order_id="ended", cumulative=total))
    return account


def ending_with(account: Account, order: Order, hours: float = 0.0) -> set[tuple[int, int]]:
    """Compare an ended order from some hours on; return what its executions and it tell."""
    since = START + timedelta(hours=hours)
    truth = replace(account.truth(), ended=(order,), since=since)
    books = account.books()
    journal = [row for row in books.journal if row.at >= since]
    rows = [row for row in books.rows if row.entry.at >= since]
    hits = account.check(truth, replace(books, journal=journal, rows=rows))
    return {(hit.books, hit.exchange) for hit in hits if hit.rule is Rule.ORDER}


@pytest.mark.parametrize("hours", [0.0, 1.5, 2.5, 3.5])
def test_i5_the_fills_of_an_ended_order_sum_to_what_it_has_filled(hours: float) -> None:
    assert ending_with(parts(), ended(parts()), hours) == set()


@pytest.mark.parametrize(
    ("hours", "told"), [(0.0, {(300, 299)}), (1.5, {(200, 199)}), (2.5, {(50, 49)}), (3.5, set())]
)
def test_i5_an_ended_order_that_has_filled_another_quantity_is_found(
    hours: float, told: set[tuple[int, int]]
) -> None:
    order = ended(parts(), filled=299, phase=Phase.CANCELED)
    assert ending_with(parts(), order, hours) == told


@pytest.mark.parametrize(
    ("lost", "hours", "told"),
    [
        (0, 0.0, {(200, 300)}),
        (1, 0.0, {(150, 300)}),
        (2, 0.0, {(250, 300)}),
        (2, 1.5, {(150, 200)}),
        (1, 1.5, set()),  # what went before the first execution of a span is its own word
    ],
)
def test_i5_an_execution_that_history_and_books_lack_is_found_by_its_order(
    lost: int, hours: float, told: set[tuple[int, int]]
) -> None:
    lacking = parts()
    del lacking.executions[lost], lacking.journal[lost], lacking.entries[lost]
    assert ending_with(lacking, ended(parts()), hours) == told


def test_i5_a_filled_order_without_any_execution_is_found_where_its_end_lies_in_the_span() -> None:
    account, order = parts((100, 150)), replace(ended(parts()), order_id="other")
    late = START + timedelta(hours=3)
    assert ending_with(account, replace(order, at=late), hours=2.5) == {(0, 300)}
    assert ending_with(account, replace(order, at=late, phase=Phase.CANCELED), hours=2.5) == set()
    assert ending_with(account, replace(order, at=START), hours=2.5) == set()


def test_i5_counts_what_is_booked_and_not_only_what_is_told() -> None:
    account = parts()
    wrong = with_row(account, 1, quantity=149, position_delta=149)
    truth = replace(account.truth(), ended=(ended(account),))
    hit = found(account.check(truth, wrong), Rule.ORDER)
    assert (hit.books, hit.exchange) == (299, 300)


def test_i5_an_execution_of_an_unknown_type_that_was_said_to_be_a_trade_counts() -> None:
    account = parts()
    order = ended(account)
    last = account.executions[-1]
    account.executions[-1] = replace(last, kind=ExecutionKind.UNKNOWN, exec_type="BlockTrade")
    assert ending_with(account, order) == set()


def test_i5_books_that_begin_after_the_fills_of_an_order_do_not_miss_them() -> None:
    account = parts()
    first = START + timedelta(hours=1.5)
    books = account.books()
    late = replace(
        books,
        first=account.executions[1].at,
        journal=[row for row in books.journal if row.at >= first],
        rows=[row for row in books.rows if row.entry.at >= first],
    )
    truth = replace(account.truth(), ended=(ended(account),))
    assert all(hit.rule is not Rule.ORDER for hit in account.check(truth, late))
