"""The types of config fields: what is nearly of a field's type becomes so, all else is refused.

Standard library only, so NumPy's numbers and arrays are recognised by what they can do.
"""

from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from musicvae_jax.config.checks import require

_NOUNS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a string",
    Path: "a path",
    NoneType: "None",
}
_ITEM_NOUNS = {int: "whole numbers", float: "numbers", str: "strings"}
# Configs are made by the hundred when a command starts, of a few classes.
_hints = cache(get_type_hints)


def conform(config: Any, section: str = "") -> None:
    """Makes the fields of a new frozen config those that its type hints promise.

    Lists and arrays become tuples, NumPy's numbers Python's, and strings paths where a path is
    wanted. An integer among floats stays one: as JSON, 4 and 4.0 differ, and with them the keys by
    which trainings are found again.

    Args:
        config: a dataclass instance, in its `__post_init__`.
        section: of the command line, which precedes the field's name in errors: "train".

    Raises:
        InputError: a value is of another type.
    """
    for name, kind in _hints(config.__class__).items():
        arrived = getattr(config, name)
        value = _converted(kind, arrived)
        field = f"{section}.{name}" if section else name
        require(_fits(kind, value), field, arrived, _expected(kind, value))
        # Its own way in, since a frozen dataclass refuses assignments.
        object.__setattr__(config, name, value)


def _converted(kind: Any, value: Any) -> Any:
    if isinstance(value, str) and Path in (kind, *get_args(kind)):
        return Path(value)
    return _plain(value)


def _plain(value: Any) -> Any:
    """The value, or if it is a list, an array or a number of an array, Python's own for it."""
    if getattr(value, "ndim", None) in (0, 1) and hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return tuple(map(_plain, value))
    return value


def _fits(kind: Any, value: Any) -> bool:
    parts = get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(parts[0], one) for one in value)
    if get_origin(kind) is Literal:
        # Which strings or numbers are allowed, the config's other checks say.
        return _fits(type(parts[0]), value)
    if parts:
        return any(_fits(one, value) for one in parts)
    if isinstance(value, bool):
        # Python's bool is an int, but True is no number of epochs.
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _expected(kind: Any, value: Any) -> str:
    """What a field takes, and for a lone item of a tuple how to write it."""
    parts = get_args(kind)
    if get_origin(kind) is tuple:
        example = f", such as ({value!r},)" if _fits(parts[0], value) else ""
        return f"a tuple of {_item_noun(parts[0])}{example}"
    if get_origin(kind) is Literal:
        return ("one of " if len(parts) > 1 else "") + ", ".join(map(repr, parts))
    if parts:
        return " or ".join(_expected(one, value) for one in parts)
    return _NOUNS.get(kind, f"a {kind.__name__}")


def _item_noun(kind: Any) -> str:
    is_literal = get_origin(kind) is Literal
    return _ITEM_NOUNS[type(get_args(kind)[0]) if is_literal else kind]
