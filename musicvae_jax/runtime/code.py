"""The version of the code that a computation runs, from the source that it imports.

What is kept in a cache is keyed by it, so that mending a figure retrains nothing.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = _ROOT.name


@cache
def code_version(
    modules: tuple[str, ...], packages: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> str:
    """A digest of the source of modules and of all that they import of this package.

    Args:
        modules: full names, such as "musicvae_jax.evaluation.spaces"; of one outside this package
            only the name counts.
        packages: others whose versions count.
        without: packages of this one that do not count, nor what only they import.
    """
    digest = hashlib.sha256()
    for name in sorted(_closure(modules, without)):
        digest.update(name.encode())
        if _is_ours(name):
            digest.update(_source(name).read_bytes())
    for name in packages:
        digest.update(f"{name} {version(name)}".encode())
    return digest.hexdigest()


def _closure(modules: Sequence[str], without: Sequence[str] = ()) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        is_out = any(f"{name}.".startswith(f"{package}.") for package in without)
        if name not in found and not is_out:
            found.add(name)
            waiting.extend(_imports(name) if _is_ours(name) else ())
    return found


@cache
def _imports(name: str) -> tuple[str, ...]:
    """Modules of the package that a module imports, anywhere in it."""
    source = _source(name)
    found = [one for node in ast.walk(ast.parse(source.read_bytes())) for one in _imported(node)]
    if source.name == "__init__.py":
        # Some of a package's modules are imported by name only, such as those of clusterers.
        found += [f"{name}.{path.stem}" for path in sorted(source.parent.glob("[!_]*.py"))]
    return tuple(dict.fromkeys(found))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_ours(alias.name))
    if isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
        for alias in node.names:
            submodule = f"{node.module}.{alias.name}"
            yield submodule if _is_module(submodule) else node.module


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == _PACKAGE


@cache
def _is_module(name: str) -> bool:
    path = _ROOT.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _source(name: str) -> Path:
    # Not by import, which would load what the module needs.
    path = _ROOT.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
