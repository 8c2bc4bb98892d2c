"""Compares books, exchange and screen again and again, without ever holding anything up.

A look asks the exchange, then the tables, then compares. It counts only if nothing was booked and
no order was under way meanwhile; a difference counts only if the next look finds the very same
figures. Then it blocks trading until a later look finds none, and everything is read again once:
what this terminal has merely missed heals by that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from common.domain.verification import Difference, Rule, Verification
from common.engine.items import LedgerRead, Reply
from common.engine.look import BOOKS, Look, Script, under_way
from common.engine.notices import NoticeBoard
from common.engine.ports import Gateway, Ledger
from common.engine.state import MarketState
from common.errors import TmaticError
from common.ledger.history import BEGINNING
from common.ledger.verify import ABOUT_ALL_HISTORY
from common.ledger.verify_money import base_legs

FIRST_AFTER = 3.0  # seconds after the market came up
INTERVAL = 300.0  # seconds between two looks that found nothing
AGAIN_AFTER = 2.0  # seconds until a difference is looked at a second time
DIFFERING_INTERVAL = 30.0  # seconds between looks while there is a difference
BUSY_AFTER, MOST_TRIES = 1.0, 30  # seconds until the next try, tries until the usual interval
FAILED_AFTER = 60.0  # seconds after the exchange could not be asked
FIRST_SPAN, USUAL_SPAN = timedelta(days=1), timedelta(hours=1)  # of executions compared one by one
THOROUGH_EVERY = 12  # looks
TOLD = 5  # differences told one by one


class Verifier:
    """Looks after one market. `whole` compares every execution there ever was, at once."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        now: Callable[[], datetime],
        ready: Callable[[], bool],
        heal: Callable[[], None],
        whole: bool = False,
    ) -> None:
        self.status = Verification()
        self.interval = INTERVAL  # seconds between two looks that found nothing
        self.doubted = ""  # why nothing may be traded before the first look, as the market came up
        self._state = state
        self._look = Look(state, gateway, ledger, now)
        self._notices = notices
        self._later = later
        self._now = now
        self._ready = ready
        self._heal = heal
        self._whole = whole
        self._script: Script | None = None
        self._wait: int | str | None = None
        self._timer = 0  # number of the newest timer; older ones have no effect
        self._bookings = 0  # grows with every row booked
        self._booked_before = 0  # as the look began
        self._tries = 0
        self._asked = False  # a person waits for the outcome
        self._span = FIRST_SPAN
        self._looks = 0  # since the last thorough one
        self._suspected: frozenset[Difference] = frozenset()

    # ---- what others tell and ask -----------------------------------------------------------

    @property
    def problem(self) -> str:
        """Why trading must wait, "" while books and exchange agree."""
        blocking = [each for each in self.status.differences if each.blocks]
        if not blocking:
            return ""
        more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
        return f"BOOKS DIFFER: {blocking[0].text}{more}"

    def expected_controls(self) -> dict[str, int]:
        """Return currency -> what CONTROL must be: net deposits as last told by the wallet.

        What spot trades brought is in the wallet and, where no row of `coins` counts it, not in
        RESULT: it is added here.
        """
        legs = base_legs(self._state.balances.values(), self._look.frame().bases)
        return {c: sums.outside + legs.get(c, 0) for c, sums in self._look.wallets().items()}

    def look_soon(self) -> None:
        """Look now instead of at the end of the interval, unless one is under way."""
        if self._script is None:
            self._schedule(0.0)

    def came_up(self) -> None:
        """The market is up: look soon."""
        self._schedule(0.0 if self._whole or self.doubted else FIRST_AFTER)

    def doubt(self, reason: str) -> None:
        """Take why the books are in doubt as the market came up; "": they are not."""
        self.doubted = reason

    def fell(self) -> None:
        """The market is down: nothing of the present look will be answered."""
        self._abandon()

    def asked(self) -> None:
        """A person wants to know now."""
        self._asked = True
        self._span = FIRST_SPAN
        if self._script is None:
            self._tick(self._new_timer())

    def booked(self, rows: int) -> None:
        """Rows became durable."""
        self._bookings += rows

    def replied(self, reply: Reply) -> bool:
        """Go on if the look waits for this reply; say whether it was the look's."""
        if self._script is None or self._wait != reply.number:
            return False
        if reply.error is not None:
            self._failed(reply.error)
        else:
            self._resume(reply.result)
        return True

    def books_read(self, item: LedgerRead) -> None:
        """Go on with what the tables hold."""
        if self._wait == BOOKS and item.token == self._look.token:
            self._resume(item.books)

    # ---- one look after another -------------------------------------------------------------

    def _new_timer(self) -> int:
        self._timer += 1
        return self._timer

    def _schedule(self, delay: float) -> None:
        timer = self._new_timer()
        self._later(delay, lambda: self._tick(timer))

    def _tick(self, timer: int) -> None:
        if timer != self._timer or self._script is not None:
            return
        if not self._ready():
            if self._asked:
                self._asked = False
                market = self._state.market
                self._notices.warning(f"{market}: the books are verified once the market is up")
            return  # `came_up` will look again
        self._booked_before = self._bookings
        self.status = replace(self.status, running=True)
        since = BEGINNING if self._whole else self._now() - self._span
        every_row = self._whole or self._span == FIRST_SPAN
        self._script = self._look.take(since, every_row=every_row)
        self._resume(None)

    def _resume(self, value: object) -> None:
        script = self._script
        if script is None:
            return
        try:
            self._wait = script.send(value)
        except StopIteration as end:
            self._abandon()
            self._judge(end.value)
        except TmaticError as error:
            self._failed(error)

    def _abandon(self) -> None:
        if self._script is not None:
            self._script.close()
        self._script = self._wait = None
        self.status = replace(self.status, running=False)

    def _failed(self, error: TmaticError) -> None:
        self._abandon()
        finished = self.status.finished + 1
        self.status = replace(self.status, problem=str(error), finished=finished)
        if self._asked:
            self._asked = False
            self._notices.warning(f"the books could not be verified: {error}")
        self._schedule(FAILED_AFTER)

    def _judge(self, differences: tuple[Difference, ...]) -> None:
        if self._bookings != self._booked_before or any(under_way(o) for o in self._state.orders):
            self._try_again(BUSY_AFTER)
            return
        confirmed = tuple(each for each in differences if each in self._suspected)
        self._suspected = frozenset(differences)
        if differences and not confirmed:
            self._look.wallet.forget()  # the second look trusts nothing that the first one has read
            self._try_again(AGAIN_AFTER)
            return
        self._tries = 0
        self.doubted = ""
        known = self.status.differences
        self._tell(confirmed)
        self.status = replace(
            self.status,
            at=self.status.at if any(each.blocks for each in confirmed) else self._now(),
            executions=self._look.executions,
            differences=confirmed,
            finished=self.status.finished + 1,
            problem="",
        )
        self._asked = False
        self._looks = 0 if self._span == FIRST_SPAN else self._looks + 1
        # Adding up all rows may take seconds, in which nothing is booked: seldom.
        serious = any(each.blocks for each in differences)  # those seen once among them
        self._span = FIRST_SPAN if serious or self._looks >= THOROUGH_EVERY else USUAL_SPAN
        self._schedule(DIFFERING_INTERVAL if serious else self.interval)
        if not self._whole and any(_may_heal(each) for each in confirmed if each not in known):
            self._heal()

    def _try_again(self, delay: float) -> None:
        self._tries += 1
        if self._tries >= MOST_TRIES:
            self._tries = 0
            delay = self.interval
        self._schedule(delay)

    def _tell(self, confirmed: tuple[Difference, ...]) -> None:
        """Say what is new in the information panel."""
        known = self.status.differences
        fresh = [each for each in confirmed if each not in known]
        for each in fresh[:TOLD]:
            if each.blocks:
                self._notices.error(f"BOOKS DIFFER: {each.text}")
            elif each.rule in ABOUT_ALL_HISTORY:
                self._notices.warning(f"the books begin later than the account: {each.text}")
            else:
                self._notices.warning(each.text)
        if len(fresh) > TOLD:
            self._tell_more(fresh[TOLD:])
        if any(each.blocks for each in confirmed):
            return
        if self._asked or (known and not confirmed):
            warnings = f" (warnings: {len(confirmed)})" if confirmed else ""
            self._notices.info(
                f"books verified: {self._look.executions:,} executions, 0 differences{warnings}"
            )

    def _tell_more(self, rest: Sequence[Difference]) -> None:
        """Say how many there are that are not told one by one."""
        serious = sum(each.blocks for each in rest)
        if serious:
            self._notices.error(f"BOOKS DIFFER: {serious} more differences")
        if len(rest) > serious:
            self._notices.warning(f"the books: {len(rest) - serious} more warnings")


def _may_heal(difference: Difference) -> bool:
    """Whether reading everything again may bring what this terminal has merely missed."""
    return difference.blocks and difference.rule is not Rule.WALLET_TYPE
