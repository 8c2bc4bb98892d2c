"""Parameters of a request: text from a query or values from JSON, checked and typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from api.simulator.ports import Json, Row
from api.simulator.refusals import Refused, invalid
from api.simulator.times import parse


class Parameters:
    """The parameters of one request; a missing, null or empty one is None."""

    def __init__(self, values: Mapping[str, Json]) -> None:
        self._values = {
            name: value for name, value in values.items() if value is not None and value != ""
        }

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def all(self) -> dict[str, Json]:
        """Return all parameters that have a value, as they were given."""
        return dict(self._values)

    def text(self, name: str) -> str | None:
        """Return a text."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, (list, dict, bool)):
            raise invalid(f"{name} is invalid")
        return str(value)

    def integer(self, name: str) -> int | None:
        """Return a whole number; 100, 100.0 and "100" are one."""
        number = self.number(name)
        if number is None:
            return None
        if number != number.to_integral_value():
            raise invalid(f"{name} is invalid")
        return int(number)

    def number(self, name: str) -> Decimal | None:
        """Return a decimal number."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, (list, dict, bool)):
            raise invalid(f"{name} is invalid")
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise invalid(f"{name} is invalid") from None
        if not number.is_finite() or abs(number) > Decimal(10) ** 18:
            raise invalid(f"{name} is invalid")
        return number

    def flag(self, name: str) -> bool:
        """Return a boolean; missing is false."""
        value = self._values.get(name, False)
        if isinstance(value, bool):
            return value
        text = str(value).lower()
        if text not in ("true", "false", "1", "0"):
            raise invalid(f"{name} is invalid")
        return text in ("true", "1")

    def time(self, name: str) -> int | None:
        """Return a time in ms since the epoch."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return parse(str(value).replace("T ", "T"))
        except (ValueError, OverflowError):
            raise invalid(f"{name} is invalid") from None

    def mapping(self, name: str) -> Row:
        """Return a JSON object, given as one or as text."""
        value = self._values.get(name)
        if value is None:
            return {}
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise invalid(f"{name} is invalid") from None
        if not isinstance(value, dict):
            raise invalid(f"{name} is invalid")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts, given as a list, as JSON text or separated by commas."""
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, str):
            stripped = value.strip()
            if stripped.startswith("["):
                try:
                    value = json.loads(stripped)
                except ValueError:
                    raise invalid(f"{name} is invalid") from None
            else:
                value = [part.strip() for part in stripped.split(",") if part.strip()]
        if not isinstance(value, list) or not all(isinstance(v, (str, int)) for v in value):
            raise invalid(f"{name} is invalid")
        return [str(v) for v in value]

    def require(self, *names: str) -> None:
        """Refuse unless every name is given."""
        for name in names:
            if name not in self._values:
                raise Refused(f"'{name}' is a required arg.", name="HTTPError")
