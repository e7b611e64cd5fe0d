"""The nouns as JSON and back: dataclasses, tuples, mappings, enums, times. Deterministic, standard library only."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Turn a noun into what ``json.dumps`` takes. Fields that hold their default are left out
    (but ``kind``, which tells the members of a union apart).

    Sets are sorted; infinite floats become strings, so that the JSON is strict.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: encode(content)
            for field in fields(value)
            if (content := getattr(value, field.name)) != _default(field) or field.name == "kind"
        }
    if isinstance(value, Mapping):
        return {str(key): encode(content) for key, content in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((encode(item) for item in value), key=repr)
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value


def decode(kind: type[T], value: Any) -> T:
    """Rebuild a noun of type ``kind`` from :func:`encode`'s output; unknown fields are ignored.

    Raises ``TypeError``, ``ValueError`` or ``KeyError`` where the data is not of that form.
    """
    result: T = _decoder(kind)(value)
    return result


def _default(field: Any) -> Any:
    if field.default is not MISSING:
        return field.default
    if field.default_factory is not MISSING:
        return field.default_factory()
    return MISSING


def _decoder(kind: Any) -> Callable[[Any], Any]:
    return _build_decoder(kind)


@cache
def _build_decoder(kind: Any) -> Callable[[Any], Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union_decoder(arguments)
    if origin in (tuple, frozenset):
        return _sequence_decoder(origin, arguments)
    if origin is not None and issubclass(origin, Mapping):
        item = _decoder_later(arguments[1])
        return lambda value: {key: item(content) for key, content in value.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    simple: dict[Any, Callable[[Any], Any]] = {datetime: datetime.fromisoformat, Path: Path, float: float}
    return simple.get(kind, lambda value: value)


def _decoder_later(kind: Any) -> Callable[[Any], Any]:
    return lambda value: _decoder(kind)(value)


def _union_decoder(arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    choices = [argument for argument in arguments if argument is not type(None)]
    if len(choices) == 1:
        only = _decoder_later(choices[0])
        return lambda value: None if value is None else only(value)
    tagged = {
        _default(field): choice
        for choice in choices
        if is_dataclass(choice)
        for field in fields(choice)
        if field.name == "kind"
    }

    def by_tag(value: Any) -> Any:
        return _decoder(tagged[value["kind"]])(value) if isinstance(value, Mapping) else value

    return by_tag


def _sequence_decoder(origin: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    if origin is tuple and arguments[-1] is not Ellipsis:
        items = [_decoder_later(argument) for argument in arguments]
        return lambda value: tuple(item(content) for item, content in zip(items, value, strict=True))
    item = _decoder_later(arguments[0])
    return lambda value: origin(item(content) for content in value)


def _dataclass_decoder(kind: Any) -> Callable[[Any], Any]:
    decoders = {name: _decoder_later(hint) for name, hint in get_type_hints(kind).items()}
    names = [field.name for field in fields(kind) if field.init]
    return lambda value: kind(**{name: decoders[name](value[name]) for name in names if name in value})
