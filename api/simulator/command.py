"""The command line of the embedded exchange: options in, a running server, an exit code out."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from api.simulator.faults import Faults
from api.simulator.file_lock import StateError
from api.simulator.further_accounts import admit, parse_account
from api.simulator.market_time import FASTEST
from api.simulator.old_dialect import OldDialectVenue
from api.simulator.ports import ApiKey, Json
from api.simulator.recording import RecordingError, read_instruments, read_recording
from api.simulator.refusals import Refused
from api.simulator.replay import ReplayVenue
from api.simulator.server import HOST, ExchangeServer, utc_now
from api.simulator.store import StateFile
from api.simulator.venue import DEMO_ACCOUNT, Customer, LiveVenue, seeded_key

log = logging.getLogger(__name__)

EXIT_USAGE = 2
EXIT_FAILED = 1


class StartError(Exception):
    """The exchange cannot start; the text says why and what to do."""


def run(arguments: Sequence[str]) -> int:
    """Run the exchange until it is told to end; return the exit code."""
    options = options_parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        with ExitStack() as stack:
            return asyncio.run(_serve(options, stack))
    except (StartError, StateError, RecordingError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE


def options_parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser(
        prog="python3 -m api.simulator",
        description="Run the embedded exchange on the loopback interface. When it is ready it "
        "prints one JSON line: where it listens, and the key of its account.",
    )
    parser.add_argument("--port", type=_port, default=8700, help="0: any free one (default 8700)")
    parser.add_argument("--seed", type=int, help="makes market and key repeatable")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep accounts and orders here")
    parser.add_argument(
        "--account",
        type=parse_account,
        action="append",
        default=[],
        metavar="NAME[:MONEY[:PERMISSIONS]]",
        help="a further account, as alice:XBt=50000000,USDt=0:order,withdraw (may be repeated)",
    )
    parser.add_argument("--no-limits", action="store_true", help="accept any number of requests")
    parser.add_argument(
        "--accept-nonce", action="store_true", help="accept the outdated api-nonce signatures too"
    )
    parser.add_argument(
        "--dialect",
        choices=("2023", "2018"),
        default="2023",
        help="2018: every row carries every column, empty ones as null or empty text",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help="let the market live N times as fast as the clock; 0: only when it is stepped",
    )
    parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="a plan of what is to go wrong, as JSON"
    )
    parser.add_argument("--no-control", action="store_true", help="serve no control routes")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play a recorded market")
    parser.add_argument(
        "--instruments", type=Path, metavar="FILE", help="the instruments of the recording"
    )
    parser.add_argument(
        "--replay-hold",
        action="store_true",
        help="start the recording's clock with the first subscription, not with the server",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to 65535")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 <= speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"{text} is no speed: 0 to {FASTEST:.0f}")
    return speed


async def _serve(options: argparse.Namespace, stack: ExitStack) -> int:
    store = stack.enter_context(StateFile(options.state)) if options.state else None
    further: list[Json] = []
    venue: LiveVenue | ReplayVenue
    if options.replay or options.instruments:
        venue, key = _replay(options)
    else:
        venue, key = _live(options, store)
        further = admit(venue, options.account, options.seed)
    server = ExchangeServer(
        venue,
        rate_limits=not options.no_limits,
        accept_nonce=options.accept_nonce,
        control=not options.no_control,
        faults=_faults(options.faults),
        store=store,
        speed=options.speed,
        on_subscribe=venue.release if isinstance(venue, ReplayVenue) else lambda: None,
    )
    try:
        await server.start(options.port)
    except OSError as error:
        raise StartError(
            f"Port {options.port} of {HOST} cannot be used: {error.strerror or error}. "
            "Name another with --port, or 0 for any free one."
        ) from error
    _announce(server.port, key, further)
    try:
        return await _until_told(server)
    finally:
        await server.stop()


def _live(options: argparse.Namespace, store: StateFile | None) -> tuple[LiveVenue, ApiKey]:
    """Return the exchange with its own market, as it was saved if it was."""
    seed = options.seed if options.seed is not None else secrets.randbits(63)
    customer = Customer(keys=[_api_key(options.seed)])
    kind = OldDialectVenue if options.dialect == "2018" else LiveVenue
    venue = kind(seed=seed, now=utc_now(), accounts=[customer])
    saved = store.load() if store else None
    if saved is not None:
        try:
            venue.load(saved)
        except ValueError as error:
            raise StartError(f"{options.state}: {error}. Restore or delete the file.") from error
    return venue, venue.keys[0]


def _replay(options: argparse.Namespace) -> tuple[ReplayVenue, ApiKey]:
    """Return the exchange that plays a recording."""
    if options.replay is None or options.instruments is None:
        raise StartError("--replay and --instruments belong together: name both files.")
    if options.state is not None:
        raise StartError("--state has no meaning with --replay: leave it out.")
    if options.account:
        raise StartError("--account has no meaning with --replay: leave it out.")
    if options.dialect != "2023":
        raise StartError("--dialect has no meaning with --replay: leave it out.")
    key = _api_key(options.seed)
    instruments, recording = read_instruments(options.instruments), read_recording(options.replay)
    seed = options.seed if options.seed is not None else secrets.randbits(63)
    hold, now = bool(options.replay_hold), utc_now()
    venue = ReplayVenue(instruments, recording, [key], hold=hold, seed=seed, opened=now)
    return venue, key


def _faults(plan: Path | None) -> Faults:
    """Return the faults with the rules of a file."""
    faults = Faults(time.monotonic)
    if plan is not None:
        try:
            faults.arm(json.loads(plan.read_text(encoding="utf-8")))
        except (OSError, ValueError, AttributeError) as error:
            raise StartError(f"{plan}: cannot be read as a plan of faults: {error}") from error
        except Refused as refusal:
            raise StartError(f"{plan}: {refusal.message}") from refusal
    return faults


def _api_key(seed: int | None) -> ApiKey:
    """Return the key of a new account: one that the seed decides, or a secret one."""
    if seed is not None:
        return seeded_key(seed, DEMO_ACCOUNT)
    key, secret = secrets.token_urlsafe(18), secrets.token_urlsafe(36)
    return ApiKey(key, secret, DEMO_ACCOUNT, frozenset({"order"}))


def _announce(port: int, key: ApiKey, further: list[Json]) -> None:
    ready: dict[str, Json] = {
        "rest": f"http://{HOST}:{port}/api/v1/",
        "ws": f"ws://{HOST}:{port}/realtime",
        "key": key.key,
        "secret": key.secret,
    }
    if further:
        ready["accounts"] = further
    print(json.dumps(ready), flush=True)


async def _until_told(server: ExchangeServer) -> int:
    """Wait for a signal, the end of the parent's pipe or a failure; return the exit code."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def tell(*_: object) -> None:
        loop.call_soon_threadsafe(told.set)

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows' Ctrl-Break
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), tell)
    if _is_pipe(0):
        threading.Thread(target=_wait_for_parent, args=(tell,), daemon=True).start()
    waiting = asyncio.create_task(told.wait())
    failing = asyncio.create_task(server.failure())
    await asyncio.wait([waiting, failing], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if failing.done():
        error = failing.exception()
        if isinstance(error, OSError):
            log.error("the state cannot be saved: %s. Free space, then start again.", error)
        else:
            log.error("the exchange cannot go on", exc_info=error)
        return EXIT_FAILED
    failing.cancel()
    return 0


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:  # closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _wait_for_parent(tell: Callable[[], None]) -> None:
    """Read the parent's pipe to its end: the parent has ended, or wants this process to."""
    # Not sys.stdin: its lock, held by a waiting daemon thread, breaks the interpreter's exit.
    while os.read(0, 4096):
        pass
    tell()
