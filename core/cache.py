"""What a process remembers of images, label maps, evaluations and models, so as not to read or draw it again.

Every such memory is a `Cache` with a name and a limit in bytes, all of them are in `caches`, and the Jobs page shows
how full they are. Nothing else may remember data: a test looks for other memories. A cache is never the only place of
anything, and its keys change when what they stand for does, so that nobody is shown what another person or an earlier
state of a file left there.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import wraps
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final, Generic, ParamSpec, TypeVar

import numpy as np

V = TypeVar("V")
P = ParamSpec("P")

MB: Final = 1024**2

MOST_PARTS: Final = 20_000
"""Parts of a value that are looked at for its size; of a longer list the rest is taken to be like what was seen."""

_NO_DATA: Final = (ModuleType, FunctionType, BuiltinFunctionType, MethodType, type)
"""What a value refers to, but does not hold."""


@dataclass(frozen=True, slots=True)
class CacheState:
    """How full a cache is.

    Parameters
    ----------
    name
        Unique in the process.
    what
        What it remembers, for people.
    entries
        How many values.
    size_bytes
        About how much memory they take together, without their keys.
    limit_bytes
        What they may take; a single value that is larger is kept until the next one comes.
    """

    name: str
    what: str
    entries: int
    size_bytes: int
    limit_bytes: int


class Cache(Generic[V]):
    """Values by their keys; what was not asked for longest is forgotten first. Safe to share by threads.

    Parameters
    ----------
    name
        Unique in the process.
    what
        What it remembers, for people.
    limit_bytes
        What all values together may take.
    most
        How many values there may be, where they hold more than memory (opened devices).
    """

    def __init__(
        self,
        name: str,
        what: str,
        *,
        limit_bytes: int,
        most: int | None = None,
    ) -> None:
        self.name, self.what, self.limit_bytes = name, what, limit_bytes
        self._most = most
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._bytes = 0
        _register(self)

    def get(self, key: Hashable) -> V | None:
        """The value of a key; None where it is not remembered."""
        with self._lock:
            known = self._values.get(key)
            if known is None:
                return None
            self._values.move_to_end(key)
            return known[0]

    def put(self, key: Hashable, value: V, *, size: int | None = None) -> V:
        """Remember a value, and forget others where it gets too much; the newest always stays.

        Parameters
        ----------
        size
            About its memory in bytes, where that is known better than by looking at it.
        """
        if size is None:
            size = size_bytes(value)
        with self._lock:
            self._drop(key)
            self._values[key] = (value, size)
            self._bytes += size
            self._make_room(0)
        return value

    def get_or_make(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of a key, made where it is not remembered; who asks for the same meanwhile waits for it."""
        known = self.get(key)
        if known is not None:
            return known
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                known = self.get(key)
                return self.put(key, make()) if known is None else known
        finally:
            with self._lock:
                self._making.pop(key, None)

    def make_room(self) -> None:
        """Forget what one more value would push out, before it is made: for values that take much memory."""
        with self._lock:
            self._make_room(1)

    def forget(self, matches: Callable[[Any], bool] | None = None) -> None:
        """Forget the values whose keys match; None: all."""
        with self._lock:
            for key in [key for key in self._values if matches is None or matches(key)]:
                self._drop(key)

    @property
    def state(self) -> CacheState:
        """How full it is."""
        with self._lock:
            return CacheState(self.name, self.what, len(self._values), self._bytes, self.limit_bytes)

    def _make_room(self, coming: int) -> None:
        while len(self._values) + coming > 1 and (
            self._bytes > self.limit_bytes or (self._most is not None and len(self._values) + coming > self._most)
        ):
            self._drop(next(iter(self._values)))

    def _drop(self, key: Hashable) -> None:
        known = self._values.pop(key, None)
        if known is not None:
            self._bytes -= known[1]


class Remembered(Generic[P, V]):
    """A function whose answers a cache remembers, by all its arguments."""

    def __init__(self, function: Callable[P, V], cache: Cache[tuple[V]]) -> None:
        self._function = function
        self._signature = inspect.signature(function)
        self.cache = cache
        wraps(function)(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V:
        """The answer, remembered or made; what the function raises is not remembered."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        key = tuple(bound.arguments.values())
        return self.cache.get_or_make(key, lambda: (self._function(*args, **kwargs),))[0]

    def forget(self) -> None:
        """Forget all answers."""
        self.cache.forget()


def remembered(name: str, what: str, *, limit_bytes: int) -> Callable[[Callable[P, V]], Remembered[P, V]]:
    """Remember the answers of a function whose arguments say all that they depend on.

    >>> @remembered("doctest of remembered", "squares", limit_bytes=1000)
    ... def square(number: int) -> int:
    ...     print("made")
    ...     return number**2
    >>> square(3), square(number=3)
    made
    (9, 9)
    """

    def decorate(function: Callable[P, V]) -> Remembered[P, V]:
        return Remembered(function, Cache(name, what, limit_bytes=limit_bytes))

    return decorate


def caches() -> tuple[CacheState, ...]:
    """Every cache of this process, the fullest first."""
    with _guard:
        known = tuple(_caches.values())
    return tuple(sorted((cache.state for cache in known), key=lambda state: (-state.size_bytes, state.name)))


def forget_everything() -> None:
    """Empty all caches of this process."""
    with _guard:
        known = tuple(_caches.values())
    for cache in known:
        cache.forget()


_caches: dict[str, Cache[Any]] = {}
_guard = threading.Lock()


def _register(cache: Cache[Any]) -> None:
    """The newest of a name counts: a test may make what a server makes once."""
    with _guard:
        _caches[cache.name] = cache


def size_bytes(value: object) -> int:
    """About how much memory a value takes with all that it holds; what it holds twice counts once.

    >>> size_bytes(np.zeros((100, 100), np.uint8)) >= 10_000
    True
    """
    seen: set[int] = set()
    total, largest, waiting = 0, 0, [value]
    while waiting and len(seen) < MOST_PARTS:
        part = waiting.pop()
        if id(part) in seen or part is None or isinstance(part, _NO_DATA):
            continue
        seen.add(id(part))
        own = _own_bytes(part)
        total, largest = total + own, max(largest, own)
        waiting += _parts(part)
    usual = (total - largest) // max(len(seen) - 1, 1)  # of a part, the list that holds them apart
    return total + usual * len(waiting)


def _own_bytes(part: object) -> int:
    if isinstance(part, np.ndarray):
        return int(part.nbytes) + 128
    usage = getattr(part, "memory_usage", None)  # a pandas table
    if callable(usage) and hasattr(part, "iloc"):
        total = usage(deep=True)
        return int(total.sum() if hasattr(total, "sum") else total)
    return sys.getsizeof(part)


def _parts(part: object) -> list[object]:
    """What a value holds, one level down."""
    if isinstance(part, str | bytes | bytearray | int | float | complex | np.ndarray | np.generic) or hasattr(
        part, "iloc"
    ):
        return []
    if isinstance(part, Mapping):
        return [*part.keys(), *part.values()]
    if isinstance(part, list | tuple | set | frozenset):
        return list(part)
    held: list[object] = list(vars(part).values()) if hasattr(part, "__dict__") else []
    slots = (name for kind in type(part).__mro__ for name in _names(getattr(kind, "__slots__", ())))
    return held + [getattr(part, name) for name in slots if name != "__weakref__" and hasattr(part, name)]


def _names(slots: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)
