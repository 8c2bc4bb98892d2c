"""The command line of the embedded exchange: options in, a running server, an exit code out."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import os
import secrets
import signal
import stat
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from api.simulator.ports import ApiKey, Json, Venue
from api.simulator.recording import RecordingError, read_instruments, read_recording
from api.simulator.replay import ReplayVenue
from api.simulator.server import HOST, ExchangeServer, utc_now
from api.simulator.store import StateError, StateFile

log = logging.getLogger(__name__)

ACCOUNT = 1000001  # number of the account whose key is printed
EXIT_USAGE = 2
EXIT_FAILED = 1


class StartError(Exception):
    """The exchange cannot start; the text says why and what to do."""


def run(arguments: Sequence[str]) -> int:
    """Run the exchange until it is told to end; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        with ExitStack() as stack:
            return asyncio.run(_serve(options, stack))
    except (StartError, StateError, RecordingError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m api.simulator",
        description="Run the embedded exchange on the loopback interface. When it is ready it "
        "prints one JSON line: where it listens, and the key of its account.",
    )
    parser.add_argument("--port", type=_port, default=8700, help="0: any free one (default 8700)")
    parser.add_argument("--seed", type=int, help="makes market and key repeatable")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep accounts and orders here")
    parser.add_argument("--no-limits", action="store_true", help="accept any number of requests")
    parser.add_argument(
        "--accept-nonce", action="store_true", help="accept the outdated api-nonce signatures too"
    )
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


async def _serve(options: argparse.Namespace, stack: ExitStack) -> int:
    store = stack.enter_context(StateFile(options.state)) if options.state else None
    saved = store.load() if store else None
    key = _api_key(options.seed, saved, options.state)
    venue, on_subscribe = _venue(options, key)
    if saved is not None:
        try:
            venue.load(saved)
        except ValueError as error:
            raise StartError(f"{options.state}: {error}. Restore or delete the file.") from error
    server = ExchangeServer(
        venue,
        rate_limits=not options.no_limits,
        accept_nonce=options.accept_nonce,
        store=store,
        extra_state={"credentials": {"key": key.key, "secret": key.secret}},
        on_subscribe=on_subscribe,
    )
    try:
        await server.start(options.port)
    except OSError as error:
        raise StartError(
            f"Port {options.port} of {HOST} cannot be used: {error.strerror or error}. "
            "Name another with --port, or 0 for any free one."
        ) from error
    _announce(server.port, key)
    try:
        return await _until_told(server)
    finally:
        await server.stop()


def _venue(options: argparse.Namespace, key: ApiKey) -> tuple[Venue, Callable[[], None]]:
    """Return the venue and what to call when a client subscribes."""
    if (options.replay is None) != (options.instruments is None):
        raise StartError("--replay and --instruments belong together: name both files.")
    if options.replay is None:
        from api.simulator.venue import LiveVenue  # noqa: PLC0415 -- a replay starts without it

        seed = options.seed if options.seed is not None else secrets.randbits(63)
        return LiveVenue(seed=seed, now=utc_now(), keys=[key]), lambda: None
    if options.state is not None:
        raise StartError("--state has no meaning with --replay: leave it out.")
    replay = ReplayVenue(
        read_instruments(options.instruments),
        read_recording(options.replay),
        [key],
        hold=options.replay_hold,
    )
    return replay, replay.release


def _api_key(seed: int | None, saved: Mapping[str, Json] | None, path: Path | None) -> ApiKey:
    """Return the key of the account: the saved one, the seed's, or a new one."""
    if saved is not None:
        found = saved.get("credentials")
        names = ("key", "secret")
        if not isinstance(found, dict) or not all(isinstance(found.get(n), str) for n in names):
            raise StateError(
                f"{path}: field credentials has no key and secret. Restore or delete the file."
            )
        key, secret = found["key"], found["secret"]
    elif seed is not None:
        digest = hashlib.sha256(f"embedded exchange {seed}".encode()).hexdigest()
        key, secret = digest[:24], hashlib.sha256(digest.encode()).hexdigest()[:48]
    else:
        key, secret = secrets.token_urlsafe(18), secrets.token_urlsafe(36)
    return ApiKey(key, secret, ACCOUNT, frozenset({"order"}))


def _announce(port: int, key: ApiKey) -> None:
    ready = {
        "rest": f"http://{HOST}:{port}/api/v1/",
        "ws": f"ws://{HOST}:{port}/realtime",
        "key": key.key,
        "secret": key.secret,
    }
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
        log.error("the exchange cannot go on", exc_info=failing.exception())
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
