"""Which routes need a key, which permission, and which count as changes of orders."""

from __future__ import annotations

from api.simulator.credentials import RequestRefused
from api.simulator.ports import ApiKey

_PRIVATE = ("/apiKey", "/execution", "/order", "/position", "/user", "/announcement/urgent")
_CANCELS = frozenset(
    {("DELETE", "/order"), ("DELETE", "/order/all"), ("POST", "/order/cancelAllAfter")}
)
_PER_SECOND = frozenset(
    {
        ("POST", "/order"),
        ("PUT", "/order"),
        ("DELETE", "/order"),
        ("DELETE", "/order/all"),
        ("POST", "/position/isolate"),
        ("POST", "/position/leverage"),
        ("POST", "/position/transferMargin"),
    }
)


def is_private(path: str) -> bool:
    """Whether a route answers about an account (`/orderBook/L2` does not)."""
    return any(path == root or path.startswith(root + "/") for root in _PRIVATE)


def changes_orders(method: str, path: str) -> bool:
    """Whether a request counts in the limit of ten a second."""
    return (method, path) in _PER_SECOND


def check_permission(method: str, path: str, key: ApiKey | None) -> None:
    """Raise RequestRefused if the key is missing or may not do this."""
    if not is_private(path):
        return
    if key is None:
        raise RequestRefused(401, "Authorization Required")
    if method == "GET" or not path.startswith(("/order", "/position")):
        return
    allowed = {"order", "orderCancel"} if (method, path) in _CANCELS else {"order"}
    if not allowed & key.permissions:
        raise RequestRefused(403, "Access Denied")
