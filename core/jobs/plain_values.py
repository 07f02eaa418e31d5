"""Values of jobs that lie in a row as plain JSON: frozen classes, written and read by their fields."""

from __future__ import annotations

import typing
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Self, cast

from core.errors import JobError


@dataclass(frozen=True, kw_only=True)
class PlainValues:
    """Fields are plain JSON values, enums of strings, other such classes, or tuples and mappings of these."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for the row; what is None is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """From the plain values of a row, also of an earlier version: what is not known is ignored.

        Raises
        ------
        JobError
            A value is missing or cannot be used.
        """
        given: dict[str, Any] = {}
        for field, hint in _hints(cast(Hashable, cls)):
            value = values.get(field.name)
            if value is None:
                if _needed(field):
                    raise JobError(f"The job has no {field.name}.", f"{cls._named()} require it.")
                continue
            try:
                given[field.name] = _typed(value, hint)
            except (TypeError, ValueError) as error:
                raise JobError(
                    f"The job's {field.name} is {value!r}."[:500],
                    "Start the job again with a valid value.",
                ) from error
        return cls(**given)

    @classmethod
    def _named(cls) -> str:
        return cls.__name__


@cache
def _hints(cls: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = typing.get_type_hints(cls)
    return tuple((field, hints[field.name]) for field in fields(cls))


def _needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PlainValues):
        return value.to_json()
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _typed(value: Any, hint: Any) -> Any:
    """The plain value as the field has it.

    Raises
    ------
    TypeError, ValueError
        It cannot be such a value.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is UnionType:  # only ever "or none", and none is dealt with above
        return _typed(value, next(each for each in inner if each is not NoneType))
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise TypeError("not a list")
        return tuple(_typed(item, inner[0]) for item in value)
    if isinstance(hint, type) and issubclass(hint, PlainValues):
        if not isinstance(value, Mapping):
            raise TypeError("not a mapping")
        return hint.from_json(value)
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise TypeError("not a mapping")
        return dict(value)
    return hint(value)
