"""A REST thread of the gateway: its queue, and how what came of a request is told."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from api.bitmex.calls import Calls
from api.bitmex.rest import RestClient
from common.engine.requests import SendAmend, SendCancel, SendOrder
from common.errors import OutcomeUnknown, ProtocolError, TmaticError

log = logging.getLogger(__name__)

CANCELS_AT_ONCE = 100  # orders in one request


@dataclass(frozen=True, slots=True)
class LookUp:
    """An instrument that the stream mentioned and nobody knows."""

    ticker: str


@dataclass(frozen=True, slots=True)
class Job:
    """A request with the number that its reply bears."""

    number: int
    request: object


class RestWorker:
    """A REST thread: one connection, one queue, one request at a time."""

    def __init__(
        self,
        name: str,
        new_calls: Callable[[], tuple[RestClient, Calls]],
        done: Callable[[int, object, object, TmaticError | None], None],
    ) -> None:
        self._new_calls = new_calls
        self._done = done  # takes number, request, result, error; called on this thread
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._next: Job | None = None  # taken from the queue already
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, number: int, request: object) -> None:
        """Queue a request."""
        self._jobs.put(Job(number, request))

    def end(self) -> None:
        """Let the thread end after what is queued."""
        self._jobs.put(None)

    def join(self, timeout: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        client, calls = self._new_calls()
        try:
            while jobs := self._take():
                for job, outcome in zip(jobs, _outcomes(calls, jobs), strict=True):
                    self._done(job.number, job.request, *outcome)
        finally:
            client.close()

    def _take(self) -> list[Job]:
        """Wait for the next job, of cancellations take all that are queued; empty: the end."""
        first = self._next or self._jobs.get()
        self._next = None
        if first is None:
            return []
        jobs = [first]
        while _may_join(first) and len(jobs) < CANCELS_AT_ONCE and not self._jobs.empty():
            more = self._jobs.get()
            if more is None:
                self._jobs.put(None)  # the end comes after these
                break
            if not _may_join(more):
                self._next = more
                break
            jobs.append(more)
        return jobs


def _may_join(job: Job) -> bool:
    """Whether a job can be done together with others of its kind."""
    return isinstance(job.request, SendCancel) and job.request.order_id != ""


def _outcomes(calls: Calls, jobs: list[Job]) -> list[tuple[object, TmaticError | None]]:
    """Carry out one job, or cancellations together; return (result, error) of each."""
    requests = [job.request for job in jobs]
    if len(jobs) == 1:
        return [_attempt(lambda: _carry_out(calls, requests[0]), requests[0])]
    cancels = [request for request in requests if isinstance(request, SendCancel)]
    answer, error = _attempt(lambda: calls.cancellations.together(cancels), cancels[0])
    outcomes = answer if isinstance(answer, list) else [error] * len(jobs)
    return [(None, each) if isinstance(each, TmaticError) else (each, None) for each in outcomes]


def _carry_out(calls: Calls, request: object) -> object:
    if isinstance(request, LookUp):
        calls.look_up(request.ticker)
        return None
    return calls.carry_out(request)  # type: ignore[arg-type]


def _attempt(carry_out: Callable[[], object], request: object) -> tuple[object, TmaticError | None]:
    """Return (result, error); the error of a fault in this program included."""
    try:
        return carry_out(), None
    except TmaticError as error:
        return None, error
    except Exception as fault:  # the top of a thread: nothing may die silently
        log.exception("%s failed", type(request).__name__)
        text = f"{type(request).__name__} failed in the program: {type(fault).__name__}"
        if isinstance(request, (SendOrder, SendAmend, SendCancel)):
            return None, OutcomeUnknown(text)
        return None, ProtocolError(text)
