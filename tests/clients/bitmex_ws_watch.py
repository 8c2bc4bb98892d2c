"""Watches one instrument with bitmex-ws and prints what it keeps, as JSON.

Reads {"ws": ..., "key": ..., "secret": ..., "symbol": ...} from standard input, and then one line
each time it shall look again; ends with its input.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from bitmex_websocket import BitMEXWebsocket  # type: ignore[import-not-found, import-untyped, unused-ignore] # not in the tests' own environment


def look(client: BitMEXWebsocket) -> dict[str, Any]:
    """Return everything the client keeps."""
    return {
        "instrument": client.get_instrument(),
        "ticker": client.get_ticker(),
        "funds": client.funds(),
        "positions": client.positions(),
        "open orders": client.open_orders(""),
        "book": client.market_depth(),
        "trades": client.recent_trades(),
        "executions": client.data.get("execution", []),
    }


def main() -> None:
    """Connect, then answer each line of input."""
    said = json.loads(sys.stdin.readline())
    client = BitMEXWebsocket(
        endpoint=said["ws"], symbol=said["symbol"], api_key=said["key"], api_secret=said["secret"]
    )
    print(json.dumps(look(client)), flush=True)
    for _ in sys.stdin:
        print(json.dumps(look(client)), flush=True)
    client.exit()


if __name__ == "__main__":
    main()
