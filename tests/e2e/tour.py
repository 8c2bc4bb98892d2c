"""Takes the pictures of the README: `python -m tests.e2e.tour FOLDER`.

A demo in a temporary profile is traded for a moment with a real pointer, then each theme is
photographed into FOLDER as window-dark.png and window-light.png, and the panel of a bot with some
trades as bot-dark.png.
"""

from __future__ import annotations

import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from tests.e2e.user import User
from tests.support.screen import screenshot, virtual_display
from tests.support.waiting import wait_until

# Symbol, side, level of the book that is clicked (of the other side: taken at once), quantity.
TAKEN = (
    ("XBTUSD", "Buy", "5000"),
    ("ETHUSD", "Sell", "30"),
    ("SOLUSDT", "Buy", "2"),
    ("XBTUSD", "Sell", "2000"),
)
RESTING = (
    ("XBTUSD", "Sell", 3, "1000"),
    ("SOLUSDT", "Buy", 4, "1"),
    ("ETHUSD", "Buy", 6, "10"),
    ("XBTUSDT", "Buy", 3, "0.01"),
    ("XBTUSDT", "Sell", 4, "0.01"),
)

BOT = "demoBot"


def order(
    user: User, ticker: str, side: str, level: tuple[str, int], quantity: str, emi: str = ""
) -> None:
    """Click a level of the book and send an order of `side` at its price, perhaps for a bot."""
    user.click("position", ticker)
    wait_until(lambda: str(user.look()["selected"]).startswith(f"{ticker}."), 20, ticker)
    book_side, number = level
    prices = [Decimal(row["price"]) for row in user.look()["book"] if row["side"] == book_side]
    price = sorted(prices, reverse=book_side == "Buy")[number]
    user.click("book", f"{book_side} {price}")
    user.fill("ticket", "quantity", quantity)
    if emi:
        user.click("ticket", "emi")
        user.press("Up", "Up", "Return")  # the bots of the table robots come first
    user.click("ticket", side.lower())
    user.wait_closed()


def trade(user: User) -> None:
    """Fill every table with something to see."""
    for ticker, side, quantity in TAKEN:
        order(user, ticker, side, ("Sell" if side == "Buy" else "Buy", 4), quantity)
    for ticker, side, number, quantity in RESTING:
        order(user, ticker, side, (side, number), quantity)


def photograph(user: User, display: str, path: Path) -> None:
    """Write a picture of the display, with the pointer out of the way."""
    user.xdotool("mousemove", "1279", "799")
    screenshot(display, path)


def take_panel(user: User, display: str, folder: Path) -> None:
    """Trade for the demo's bot by hand, and write the picture of its panel into the folder."""
    for number in range(6):
        order(
            user,
            "XBTUSDT",
            ("Buy", "Sell")[number % 2],
            (("Sell", "Buy")[number % 2], 6),
            "0.2",
            BOT,
        )
    order(user, "XBTUSDT", "Buy", ("Sell", 4), "0.1", BOT)
    order(user, "XBTUSDT", "Sell", ("Sell", 8), "0.1", BOT)
    user.right_click("robot", BOT)
    wait_until(lambda: len(user.dialog("bot")["tables"]["bot_trades"]) >= 7, 20, "its trades")
    wait_until(lambda: user.dialog("bot")["facts"]["UNREALISED"] != "-", 20, "its figures")
    photograph(user, display, folder / "bot-dark.png")


def take_pictures(folder: Path) -> None:
    """Write the picture of each theme into the folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, virtual_display() as display:
        for theme in ("dark", "light"):
            with User(display, Path(profile, "demo"), "--theme", theme) as user:
                user.wait_live()
                if theme == "dark":
                    trade(user)
                else:
                    user.click("position", "XBTUSDT")
                wait_until(
                    lambda user=user: "books verified" in str(user.look()["state"]),  # type: ignore[misc]
                    30,
                    "the books to be verified",
                )
                photograph(user, display, folder / f"window-{theme}.png")
                if theme == "dark":
                    take_panel(user, display, folder)


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
