"""What the generated data classes share: to and from the provider's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, Callable, TypeVar, Union, get_args, get_origin, get_type_hints

_M = TypeVar("_M", bound="Model")


class Model:
    """A JSON object of the provider. Its subclasses are frozen data classes; a member that is ``None`` is absent."""

    @classmethod
    def from_json(cls: type[_M], value: Mapping[str, Any]) -> _M:
        """The object from parsed JSON, for example from :meth:`payseal.Notification.json`. Members it does not know are left aside.

        Raises:
            ValueError: A member has another type; an amount with a fraction never becomes an integer.
        """
        if not isinstance(value, Mapping):
            raise ValueError(f"{cls.__name__} must be a JSON object")
        found = {}
        for name, member, read in _members(cls):
            if value.get(name) is not None:
                found[member] = read(value[name], name)
        return cls(**found)

    def to_json(self) -> dict[str, Any]:
        """The object as parsed JSON, without the members that are absent."""
        members = ((name, getattr(self, member)) for name, member, _ in _members(type(self)))
        return {name: _written(value) for name, value in members if value is not None}


def given(*parameters: tuple[str, object]) -> dict[str, object]:
    """The parameters that are not ``None``."""
    return {name: value for name, value in parameters if value is not None}


_Reader = Callable[[Any, str], Any]


_Members = tuple[tuple[str, str, _Reader], ...]
_known: dict[type, _Members] = {}


def _members(cls: type) -> _Members:
    """Of each member the provider's name, the attribute, and how it is read; found out once a class."""
    if cls not in _known:
        hints = get_type_hints(cls)
        _known[cls] = tuple((field.metadata.get("name", field.name), field.name, _reader(hints[field.name])) for field in fields(cls))
    return _known[cls]


def _reader(hint: Any) -> _Reader:
    if get_origin(hint) is Union:  # Optional
        return _reader(next(argument for argument in get_args(hint) if argument is not type(None)))
    if get_origin(hint) is list:
        return _list_reader(_reader(get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, Model):
        return lambda value, _name: hint.from_json(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value, _name: hint(value)
    if get_origin(hint) is dict:  # an object of which nothing is known
        return _plain_reader(dict)
    return _plain_reader(hint if isinstance(hint, type) else str)  # a Literal is a text or a number


def _list_reader(item: _Reader) -> _Reader:
    def read(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"{name} must be an array")
        return [item(element, name) for element in value]

    return read


def _plain_reader(kind: type) -> _Reader:
    def read(value: Any, name: str) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{name} must be of type {kind.__name__}, not {type(value).__name__}")
        return value

    return read


def _written(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_json()
    if isinstance(value, (list, tuple)):
        return [_written(element) for element in value]
    return value
