"""Ways to damage a file, by accident or on purpose."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

_NUMBERS: Final = (0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
"""Where counters turn over."""

_HEADER_BYTES: Final = 1200
"""Where most formats say what they hold; half of the changes go there."""


_ODD: Final = (
    None, True, 0, -1, 1, 2, 3, 31, 10**9, 2**63, 1.5, float("nan"), float("inf"), "", "x", "torch.nn.ReLU",
    "os.system", [], [0], [1, 1], [[1]], {}, {"a": 1}, [None], ["x"] * 3,
)  # fmt: skip
"""What may stand where JSON should have something else."""


def mutated_json(content: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    """As `mutated`; of JSON, in two of three cases, one or two values become others, so that it stays JSON."""
    if not content.startswith(b"{") or random_.random() < 1 / 3:
        return mutated(content, others, random_)
    value = json.loads(content)
    for _ in range(random_.choice((1, 1, 2))):
        _change_value(value, random_)
    return json.dumps(value).encode()


def _change_value(value: Any, random_: random.Random) -> None:
    """Somewhere below: another value, or none at all."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not keys:
        return
    key = random_.choice(keys)
    inside = value[key]
    if isinstance(inside, dict | list) and inside and random_.random() < 0.8:
        _change_value(inside, random_)
    elif random_.random() < 0.2:
        del value[key]
    else:
        value[key] = random_.choice(_ODD)


def mutated(content: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    """A damaged copy.

    Parameters
    ----------
    content
        A good file.
    others
        Other good files, of which pieces may come in.
    random_
        Decides everything.
    """
    result = bytearray(content)
    for _ in range(random_.choice((1, 1, 1, 2, 3, 6))):
        if result:
            random_.choice(_WAYS)(result, others, random_)
    return bytes(result)


def _place(content: bytearray, random_: random.Random, size: int = 1) -> int:
    """Somewhere, more often near an end than in the middle."""
    last = max(len(content) - size, 0)
    where = random_.random()
    if where < 0.5:
        return random_.randint(0, min(last, _HEADER_BYTES))
    if where < 0.7:
        return random_.randint(max(last - _HEADER_BYTES, 0), last)
    return random_.randint(0, last)


def _bit(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    content[_place(content, random_)] ^= 1 << random_.randrange(8)


def _byte(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    content[_place(content, random_)] = random_.randrange(256)


def _number(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    size = random_.choice((2, 4, 4, 8))
    at = _place(content, random_, size) // 2 * 2
    number = random_.choice(_NUMBERS) % 256**size
    content[at : at + size] = number.to_bytes(size, random_.choice(("little", "big")))


def _nudge(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    """A number that is a little off: an offset into something else, one more page."""
    at = _place(content, random_, 4) // 2 * 2
    number = int.from_bytes(content[at : at + 4], "little") + random_.randint(-40, 40)
    content[at : at + 4] = (number % 2**32).to_bytes(4, "little")


def _cut(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    del content[random_.randint(0, len(content)) :]


def _blank(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    at, size = _place(content, random_), random_.choice((4, 16, 64, 512))
    content[at : at + size] = bytes([random_.choice((0, 255))]) * len(content[at : at + size])


def _repeat(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    """A piece once more somewhere else: directories that lead to directories that came before."""
    source, target, size = _place(content, random_), _place(content, random_), random_.choice((4, 12, 24, 96))
    piece = content[source : source + size]
    content[target : target + len(piece)] = piece


def _drop(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    at = _place(content, random_)
    del content[at : at + random_.choice((1, 2, 4, 12, 100))]


def _foreign(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    other = random_.choice(others)
    at, size = _place(content, random_), random_.choice((16, 128, 1024))
    piece = other[at : at + size]
    content[at : at + len(piece)] = piece


def _digits(content: bytearray, others: Sequence[bytes], random_: random.Random) -> None:
    """A number in a text, as in OME-XML or ImageJ's description, becomes another."""
    places = [i for i, value in enumerate(content[:20_000]) if 48 <= value <= 57]
    if not places:
        return
    at = random_.choice(places)
    content[at : at + 1] = random_.choice((b"-1", b"0", b"99999999", b"1e9", b"nan", b"&", b"<", b'"', b"\xff"))


_WAYS: Final[tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...]] = (
    _bit, _byte, _number, _number, _nudge, _nudge, _cut, _blank, _repeat, _drop, _foreign, _digits,
)  # fmt: skip
