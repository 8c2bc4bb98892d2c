"""What the exchange says when it does not do what it was asked."""

from __future__ import annotations

from api.simulator.ports import Answer, Row


class Refused(Exception):
    """A request that changes nothing; it becomes an error answer."""

    def __init__(
        self,
        message: str,
        status: int = 400,
        name: str = "HTTPError",
        details: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.name = name
        self.details = details

    def answer(self) -> Answer:
        """Return the error in the exchange's shape."""
        error: Row = {"message": self.message, "name": self.name}
        if self.details is not None:
            error["details"] = self.details
        return Answer(self.status, {"error": error})


def invalid(message: str) -> Refused:
    """Return the refusal of a parameter that has the wrong type or form."""
    return Refused(message, name="ValidationError")
