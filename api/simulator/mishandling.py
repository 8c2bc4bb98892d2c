"""REST requests on whose connection a fault bites."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from api.simulator.cutting import reset
from api.simulator.request_faults import Ending, Mishap, Raw

LOOK_EVERY = 0.1  # seconds between two looks at whether a client that gets no answer has gone


async def mishandle(
    request: web.BaseRequest, mishap: Mishap, carry_out: Callable[[], web.Response]
) -> web.StreamResponse:
    """Answer a request as the mishap says; `carry_out` lets it take effect."""
    await asyncio.sleep(mishap.wait)
    response = carry_out() if mishap.carried_out else web.Response(status=503)
    if mishap.answer is not None:
        response = raw_response(mishap.answer)
    transport = request.transport
    if transport is None:  # the client has gone
        return response
    if mishap.ending is Ending.SILENCE:
        await _wait_while_open(transport, mishap.linger)
    elif mishap.linger:
        await asyncio.sleep(mishap.linger)
    if mishap.ending is Ending.HALF:
        await _send_half(transport, response)
    if mishap.ending is not Ending.SEND:
        reset(transport)
    return response


def raw_response(raw: Raw) -> web.Response:
    """Return an answer that may be no JSON."""
    headers = {**raw.headers, "content-type": raw.content_type}
    return web.Response(status=raw.status, body=raw.body, headers=headers)


async def _wait_while_open(transport: asyncio.Transport, seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not transport.is_closing() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(LOOK_EVERY)


async def _send_half(transport: asyncio.Transport, response: web.Response) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    top = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    transport.write(f"{top}\r\n\r\n".encode() + body[: len(body) // 2])
    await asyncio.sleep(LOOK_EVERY)  # or the reset overtakes what was written
