"""How calls of a guarded process and their results are written down: JSON by the annotations of the function called."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.errors import CristaeError


def name_of(function: Callable[..., Any]) -> str:
    """A function of a module as "module:function"."""
    return f"{function.__module__}:{function.__qualname__}"


def function_of(name: str) -> Callable[..., Any]:
    """The function of that name."""
    module, _, qualified = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), qualified)
    return found


def encode_arguments(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Arguments by name, as plain values."""
    bound = inspect.signature(function).bind(*arguments, **named)
    hints = _hints(function)
    return {key: _adapter(hints[key]).dump_python(value, mode="json") for key, value in bound.arguments.items()}


def decode_arguments(function: Callable[..., Any], plain: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `encode_arguments`."""
    hints = _hints(function)
    return {key: _adapter(hints[key]).validate_python(value, strict=False) for key, value in plain.items()}


def encode_result(function: Callable[..., Any], result: Any) -> tuple[Any, np.ndarray[Any, np.dtype[Any]] | None]:
    """Plain values and the array of a result."""
    kind, has_array = _result_kind(function)
    if not has_array:
        return _adapter(kind).dump_python(result, mode="json"), None
    if kind is None:
        return None, np.ascontiguousarray(result)
    *values, array = result
    return _adapter(kind).dump_python(tuple(values), mode="json"), np.ascontiguousarray(array)


def decode_result(function: Callable[..., Any], plain: Any, array: np.ndarray[Any, np.dtype[Any]] | None) -> Any:
    """The inverse of `encode_result`.

    Raises
    ------
    CristaeError
        The values are not what the function promises.
    """
    kind, has_array = _result_kind(function)
    try:
        if not has_array:
            return _adapter(kind).validate_python(plain)
        return array if kind is None else (*_adapter(kind).validate_python(plain), array)
    except ValidationError as error:
        raise CristaeError(
            f"The result of {name_of(function)} is invalid: {error.errors()[0]['msg']}.", ("Please report this bug.")
        ) from error


def _result_kind(function: Callable[..., Any]) -> tuple[Any, bool]:
    """The annotation of a result's values (None: there is only an array), and whether there is an array."""
    hint = _hints(function)["return"]
    if _is_array(hint):
        return None, True
    parts = get_args(hint)
    if get_origin(hint) is tuple and parts and _is_array(parts[-1]):
        return tuple[tuple(parts[:-1])], True  # type: ignore[misc]
    return hint, False


def _is_array(hint: Any) -> bool:
    return hint is np.ndarray or get_origin(hint) is np.ndarray


@lru_cache(maxsize=256)
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(function)


@lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
