"""Errors for values that a config or a function does not allow."""

from collections.abc import Collection

from musicvae_jax.errors import InputError


def require(ok: bool, field: str, arrived: object, allowed: str) -> None:
    if not ok:
        # Arrays and tables are shown in several lines; an error has one.
        shown = " ".join(map(str.strip, repr(arrived).splitlines()))
        raise InputError(f"{field}: got {shown}, expected {allowed}")


def require_type(field: str, arrived: object, allowed: type) -> None:
    if not isinstance(arrived, allowed):
        raise InputError(f"{field}: got {type(arrived).__name__}, expected {allowed.__name__}")


def require_one_of(field: str, arrived: object, allowed: Collection[object]) -> None:
    require(arrived in allowed, field, arrived, "one of " + ", ".join(map(repr, allowed)))


def require_some_of(field: str, arrived: tuple[object, ...], allowed: Collection[object]) -> None:
    require(
        len(arrived) > 0 and set(arrived) <= set(allowed) and len(set(arrived)) == len(arrived),
        field,
        arrived,
        "one or more, none twice, of " + ", ".join(map(repr, allowed)),
    )
