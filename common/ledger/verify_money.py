"""Results in the books against the wallets, and whether the exchange's own figures agree. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from common.domain.account import Margin, PositionFigures
from common.domain.books import Balance
from common.domain.instruments import Category, Symbol
from common.domain.verification import Difference, ExchangeTruth, Frame, Rule, WalletSums
from common.ledger.verify_figures import money


def check_money(
    truth: ExchangeTruth, balances: Sequence[Balance], frame: Frame
) -> Iterator[Difference]:
    """Compare the sums of the books with wallets, margin accounts and the cost of positions."""
    yield from _results(truth, balances, frame)
    yield from _margins(truth.margins, frame)
    yield from _wallets(truth, frame)
    yield from _position_rows(truth.positions, frame)


def unknown_types(wallets: Mapping[str, WalletSums], frame: Frame) -> Iterator[Difference]:
    """Return the types of wallet transactions of which nobody has said what they are.

    wallets: by currency, with what was said counted.
    """
    moved: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)  # type -> currency -> what
    for currency in sorted(wallets):
        for name, what in wallets[currency].unknown.items():
            moved[name][currency] = what
    for name, parts in sorted(moved.items()):
        count = sum(number for number, _ in parts.values())
        amounts = " and ".join(money(units, code, frame) for code, (_, units) in parts.items())
        yield Difference(
            Rule.WALLET_TYPE,
            None,
            next(iter(parts)) if len(parts) == 1 else "",
            "",
            f"type {name}",
            0,
            count,
            f"wallet transactions of the unknown type {name!r} ({count}"
            f", together {amounts}) are kept in the table wallet_rows "
            "and count as money from outside. To say what they are: main.py --classify "
            f"{_argument(name)} outside (or result, funding, spot), then F3",
        )


def _argument(name: str) -> str:
    return name if name.isalnum() else f'"{name}"'


def base_legs(balances: Iterable[Balance], bases: Mapping[Symbol, str]) -> dict[str, int]:
    """Return currency -> units that spot trades brought and that no row of `coins` counts.

    Contracts of a spot pair are the smallest units of its base currency. Rows that were written
    before that currency had its own differ from 0 here.
    """
    legs: dict[str, int] = defaultdict(int)
    for balance in balances:
        base = bases.get(balance.symbol)
        if base is not None:
            legs[base] += balance.position
            if balance.currency == base:
                legs[base] -= balance.sum_real
    return legs


def _results(
    truth: ExchangeTruth, balances: Sequence[Balance], frame: Frame
) -> Iterator[Difference]:
    """What the wallet received for trading is what the books say of all executions.

    Derivatives, per currency: wallet(results + funding) + results not yet moved to the wallet
    = sum of SUMREAL + cost of what is open - fees - funding.
    """
    books: dict[str, int] = defaultdict(int)
    for balance in balances:
        if balance.symbol.category is not Category.SPOT:
            books[balance.currency] += balance.sum_real - balance.commission - balance.funding
    for position in truth.positions:
        books[position.currency] += position.unrealised_cost
    wallet: dict[str, int] = defaultdict(int)
    for currency, sums in truth.wallets.items():
        wallet[currency] += sums.result + sums.funding
    for margin in truth.margins:
        wallet[margin.currency] += margin.realised_pnl
    yield from _compare_results("result of trading", books, wallet, balances, frame, spot=False)
    yield from _spot_results(truth, balances, frame)


def _spot_results(
    truth: ExchangeTruth, balances: Sequence[Balance], frame: Frame
) -> Iterator[Difference]:
    spot = [b for b in balances if b.symbol.category is Category.SPOT]
    if any(b.symbol not in frame.bases for b in spot):
        return  # it is not known which wallet a pair is bought into
    books: dict[str, int] = defaultdict(int)
    for balance in spot:
        books[balance.currency] += balance.sum_real - balance.commission - balance.funding
    for currency, units in base_legs(spot, frame.bases).items():
        books[currency] += units
    wallet = defaultdict(int, {currency: sums.spot for currency, sums in truth.wallets.items()})
    yield from _compare_results("result of spot trades", books, wallet, balances, frame, spot=True)


def _compare_results(
    what: str,
    books: Mapping[str, int],
    wallet: Mapping[str, int],
    balances: Iterable[Balance],
    frame: Frame,
    *,
    spot: bool,
) -> Iterator[Difference]:
    for currency in sorted(books.keys() | wallet.keys()):
        here, there = books.get(currency, 0), wallet.get(currency, 0)
        if here == there:
            continue
        concerned = [
            b
            for b in balances
            if b.currency == currency and (b.symbol.category is Category.SPOT) is spot
        ]
        symbols = {b.symbol for b in concerned}
        yield Difference(
            Rule.RESULT,
            next(iter(symbols)) if len(symbols) == 1 else None,
            currency,
            ", ".join(sorted({b.emi for b in concerned})),
            what,
            here,
            there,
            f"{what} in {currency}: the books say {money(here, currency, frame)}, the wallet "
            f"received {money(there, currency, frame)}, difference "
            f"{money(here - there, currency, frame)}",
        )


def _margins(margins: Iterable[Margin], frame: Frame) -> Iterator[Difference]:
    for margin in margins:
        sums = [
            (
                "margin balance",
                margin.wallet_balance + margin.unrealised_pnl,
                margin.margin_balance,
            )
        ]
        if margin.amount is not None:
            settled = margin.amount + margin.realised_pnl
            sums.append(("wallet balance", settled, margin.wallet_balance))
        for what, expected, told in sums:
            if expected != told:
                yield _own_figures(Rule.MARGIN, None, margin.currency, what, expected, told, frame)


def _wallets(truth: ExchangeTruth, frame: Frame) -> Iterator[Difference]:
    """Balances follow from amounts, from the first row of the history to the margin account."""
    margins = {margin.currency: margin for margin in truth.margins}
    for currency in sorted(truth.wallets.keys() | margins.keys()):
        sums = truth.wallets.get(currency, WalletSums())
        for at, told, expected in sums.breaks:
            what = f"wallet after {at:%Y-%m-%d %H:%M:%S}"
            yield _own_figures(Rule.WALLET, None, currency, what, expected, told, frame)
        margin = margins.get(currency)
        if margin is None:
            continue
        told = margin.wallet_balance if margin.amount is None else margin.amount
        if sums.total != told:
            what = "sum of the wallet's history"
            yield _own_figures(Rule.WALLET, None, currency, what, sums.total, told, frame)


def _position_rows(positions: Iterable[PositionFigures], frame: Frame) -> Iterator[Difference]:
    for p in positions:
        sums: list[tuple[str, int, int]] = []
        if p.current_cost is not None and p.realised_cost is not None:
            sums.append(("unrealised cost", p.current_cost - p.realised_cost, p.unrealised_cost))
        if None not in (p.realised_cost, p.current_comm, p.realised_pnl):
            expected = -(p.realised_cost or 0) - (p.current_comm or 0)
            sums.append(("realised PNL", expected, p.realised_pnl or 0))
        if p.mark_value is not None and p.unrealised_pnl is not None:
            sums.append(("unrealised PNL", p.mark_value - p.unrealised_cost, p.unrealised_pnl))
        for what, expected, told in sums:
            if expected != told:
                yield _own_figures(
                    Rule.POSITION_ROW, p.symbol, p.currency, what, expected, told, frame
                )


def _own_figures(
    rule: Rule,
    symbol: Symbol | None,
    currency: str,
    what: str,
    expected: int,
    told: int,
    frame: Frame,
) -> Difference:
    of = f"{what} of {symbol}" if symbol else f"{what} in {currency}"
    return Difference(
        rule,
        symbol,
        currency,
        "",
        what,
        expected,
        told,
        f"{of}: the exchange's own figures amount to {money(expected, currency, frame)}, it says "
        f"{money(told, currency, frame)}",
    )
