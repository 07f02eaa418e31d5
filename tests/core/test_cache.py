"""Caches hold as much as they may, forget what was not asked for longest, and can be seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from core import cache as module
from core.cache import Cache, caches, forget_everything, remembered, size_bytes

TEN_KB = 10_000


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "_caches", {})
    yield


def pixels(value: int) -> np.ndarray:
    return np.full(TEN_KB, value, np.uint8)


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    cache: Cache[np.ndarray] = Cache("c", "pixels", limit_bytes=25_000)
    for key in "ab":
        cache.put(key, pixels(1))
    assert cache.get("a") is not None
    cache.put("c", pixels(1))
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    assert 20_000 <= cache.state.size_bytes <= 25_000


def test_one_value_beyond_the_limit_stays_until_the_next() -> None:
    cache: Cache[np.ndarray] = Cache("c", "pixels", limit_bytes=100)
    large = cache.put("a", pixels(1))
    assert cache.get("a") is large
    cache.put("b", pixels(2))
    assert (cache.get("a"), cache.state.entries) == (None, 1)


def test_a_value_put_again_counts_once() -> None:
    cache: Cache[np.ndarray] = Cache("c", "pixels", limit_bytes=1_000_000)
    for value in range(5):
        cache.put("a", pixels(value))
    assert cache.state.size_bytes < 2 * TEN_KB
    cache.forget(lambda key: key == "a")
    assert (cache.state.entries, cache.state.size_bytes) == (0, 0)


def test_room_is_made_before_a_large_value_comes() -> None:
    cache: Cache[str] = Cache("c", "networks", limit_bytes=10**9, most=2)
    for key in "ab":
        cache.put(key, key)
    cache.make_room()
    assert [cache.get(key) for key in "ab"] == [None, "b"]


def test_who_asks_for_the_same_meanwhile_waits_for_it() -> None:
    cache: Cache[int] = Cache("c", "numbers", limit_bytes=1000)
    begun, go_on, made = threading.Event(), threading.Event(), []

    def make() -> int:
        begun.set()
        assert go_on.wait(30)
        made.append(1)
        return 7

    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(cache.get_or_make("a", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert (answers, made) == ([7] * 4, [1])


def test_answers_are_remembered_by_value_and_errors_are_not() -> None:
    asked = []

    @remembered("answers", "answers", limit_bytes=1000)
    def half(number: int, *, of: str = "all") -> int | None:
        asked.append((number, of))
        if number % 2:
            raise ValueError(number)
        return number // 2 or None

    assert (half(4), half(number=4), half(4, of="all"), half(0), half(0)) == (2, 2, 2, None, None)
    assert asked == [(4, "all"), (0, "all")]
    for _ in range(2):
        with pytest.raises(ValueError, match="3"):
            half(3)
    assert asked[2:] == [(3, "all"), (3, "all")]


def test_all_caches_can_be_seen_and_emptied() -> None:
    first: Cache[np.ndarray] = Cache("first", "pixels", limit_bytes=100_000)
    Cache("second", "nothing yet", limit_bytes=5)
    first.put("a", pixels(0))
    assert [(state.name, state.entries, state.limit_bytes) for state in caches()] == [
        ("first", 1, 100_000),
        ("second", 0, 5),
    ]
    forget_everything()
    assert all(state.size_bytes == 0 for state in caches())


class Slotted:
    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        pytest.param(np.zeros(1_000_000, np.uint8), 1_000_000, 1_010_000, id="array"),
        pytest.param(Slotted(np.zeros(50_000)), 400_000, 402_000, id="slots"),
        pytest.param({"a": [b"x" * 10_000, "y" * 10_000]}, 20_000, 21_000, id="containers"),
        pytest.param(pd.DataFrame({"a": np.arange(10_000)}), 80_000, 90_000, id="table"),
        pytest.param([1.5 + number for number in range(100_000)], 2_400_000, 4_500_000, id="a long list, estimated"),
        pytest.param((lambda same: [same, same])(b"x" * 10_000), 10_000, 11_000, id="twice the same"),
        pytest.param(None, 0, 0, id="nothing"),
    ],
)
def test_sizes(value: object, least: int, most: int) -> None:
    assert least <= size_bytes(value) <= most
