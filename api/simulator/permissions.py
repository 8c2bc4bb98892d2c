"""Which routes need a key, which permission, and which count as changes of orders."""

from __future__ import annotations

from api.simulator.catalog import route_of
from api.simulator.credentials import RequestRefused
from api.simulator.ports import ApiKey


def changes_orders(method: str, path: str) -> bool:
    """Whether a request counts in the limit of ten a second."""
    route = route_of(method, path)
    return route is not None and route.per_second


def check_permission(method: str, path: str, key: ApiKey | None) -> None:
    """Raise RequestRefused if the key is missing or may not do this."""
    route = route_of(method, path)
    if route is None or route.permissions is None:
        return
    if key is None:
        raise RequestRefused(401, "Authorization Required")
    if route.permissions and not route.permissions & key.permissions:
        raise RequestRefused(403, "Access Denied")
