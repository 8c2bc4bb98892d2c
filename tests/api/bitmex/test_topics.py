"""Subscriptions and the images that they owe."""

from __future__ import annotations

import json

from api.bitmex.topics import PATIENCE, Topics


def test_at_most_ten_topics_leave_in_one_message() -> None:
    names = [f"trade:S{i}" for i in range(23)]
    texts = [json.loads(text) for text in Topics(names).opening()]
    assert [len(text["args"]) for text in texts] == [10, 10, 3]
    assert [name for text in texts for name in text["args"]] == names


def test_completion_is_told_once() -> None:
    topics = Topics(["order", "margin"])
    topics.arrive("order")
    assert not topics.completed()
    topics.arrive("margin")
    assert topics.completed()
    assert not topics.completed()


def test_a_missing_image_is_asked_for_three_times_and_then_named() -> None:
    topics = Topics(["order", "margin"])
    topics.arrive("margin")
    assert topics.overdue(100.0) == ([], [])
    assert topics.overdue(100.0 + PATIENCE - 0.1) == ([], [])
    for attempt in range(1, 4):
        assert topics.overdue(100.0 + attempt * PATIENCE) == (["order"], [])
    assert topics.overdue(100.0 + 4 * PATIENCE)[1] == ["order"]


def test_asking_again_ends_the_old_subscription_first() -> None:
    texts = [json.loads(text) for text in Topics(["order"]).again(["order"])]
    assert texts == [
        {"op": "unsubscribe", "args": ["order"]},
        {"op": "subscribe", "args": ["order"]},
    ]


def test_a_topic_given_up_is_not_waited_for() -> None:
    topics = Topics(["order", "trade:GONE"])
    topics.give_up("trade:GONE")
    topics.arrive("order")
    assert topics.completed()
    assert "trade:GONE" not in topics
