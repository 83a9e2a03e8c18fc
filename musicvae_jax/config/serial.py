"""Configs as JSON and back."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def to_json(config: Any) -> Any:
    """A config as plain dicts, lists, strings and numbers, ready for `json.dumps`."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = dataclasses.fields(config)
        return {field.name: to_json(getattr(config, field.name)) for field in fields}
    if isinstance(config, Path):
        return config.as_posix()
    if isinstance(config, tuple):
        return [to_json(item) for item in config]
    return config


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """The config of class `kind` that `to_json` wrote; missing fields get their defaults."""
    types = get_type_hints(kind)
    return kind(**{name: _field_from_json(types[name], value) for name, value in data.items()})


def _field_from_json(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return from_json(kind, value)
    # The config itself makes tuples of lists, and paths.
    return value
