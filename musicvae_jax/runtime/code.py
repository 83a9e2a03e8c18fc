"""The version of the code that a computation runs, from the source that it imports.

Caches are keyed by it, so that changing a figure does not retrain a model. The source is read once,
at the first call: what is edited while a process runs counts from the next process.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = _ROOT.name
# Where a statement holds others.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_ASSETS = (".css", ".html", ".js")
# Libraries that numbers may depend on.
NUMERICAL_PACKAGES = (
    *("jax", "jaxlib", "flax", "optax", "numpy", "scipy", "pandas"),
    *("scikit-learn", "umap-learn", "numba", "librosa"),
)


@cache
def code_version(
    modules: tuple[str, ...], packages: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> str:
    """A digest of the source of modules and of all that they import of this package.

    Scripts and styles in the folder of a package count as part of it.

    Args:
        modules: full names, such as "musicvae_jax.evaluation.spaces"; of a module outside this
            package only the name counts.
        packages: other packages whose versions are included.
        without: subpackages of this package to leave out, with what only they import.
    """
    digest = hashlib.sha256()
    for name in sorted(_closure(modules, without)):
        digest.update(name.encode())
        if _is_ours(name):
            digest.update(_sources()[name])
            digest.update(_assets().get(name, b""))
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
    if name == _PACKAGE:
        # It imports the other modules only for its users.
        return ()
    found = [one for node in _statements(ast.parse(_sources()[name])) for one in _imported(node)]
    # Some of a package's modules are imported by name only, such as those of clusterers.
    found += [one for one in _sources() if _is_public_child(one, name)]
    return tuple(dict.fromkeys(found))


def _statements(block: ast.AST) -> Iterator[ast.stmt]:
    """The statements in a block and in the blocks within it; expressions hold no imports."""
    for field in _BLOCKS:
        for node in getattr(block, field, ()):
            if isinstance(node, ast.stmt):
                yield node
            yield from _statements(node)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_ours(alias.name))
    if isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
        for alias in node.names:
            submodule = f"{node.module}.{alias.name}"
            yield submodule if submodule in _sources() else node.module


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == _PACKAGE


def _is_public_child(name: str, package: str) -> bool:
    parent, _, last = name.rpartition(".")
    return parent == package and not last.startswith("_")


@cache
def _sources() -> dict[str, bytes]:
    """The source of every module of the package, by the module's name."""
    paths = sorted(_ROOT.rglob("*.py"))
    return {_module_name(path): path.read_bytes() for path in paths}


@cache
def _assets() -> dict[str, bytes]:
    """What packages hold for their pages beside their modules, by the package's name."""
    found: dict[str, bytes] = {}
    for path in sorted(path for path in _ROOT.rglob("*") if path.suffix in _ASSETS):
        name = _module_name(path.parent / "__init__.py")
        found[name] = found.get(name, b"") + path.name.encode() + path.read_bytes()
    return found


def _module_name(path: Path) -> str:
    parts = path.relative_to(_ROOT).with_suffix("").parts
    return ".".join((_PACKAGE, *parts)).removesuffix(".__init__")
