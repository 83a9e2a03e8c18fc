"""The examples of the docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import musicvae_jax

ROOT = Path(musicvae_jax.__file__).parent
MODULES = [
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text()
]
# DESIGN.md: each public loss and model has an example, and so have the verbs.
WITH_EXAMPLES = {
    "musicvae_jax.losses": None,
    "musicvae_jax.models.conv": ("ConvAutoencoder",),
    "musicvae_jax.models.mlp": ("MLPAutoencoder",),
    "musicvae_jax.verbs": ("load_songs", "fit", "cluster", "score"),
}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name, demo):
    found = doctest.testmod(import_module(name), raise_on_error=False, verbose=False)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_what_others_lift_has_an_example(name):
    module = import_module(name)
    public = WITH_EXAMPLES[name] or [
        key
        for key, value in vars(module).items()
        if callable(value) and value.__module__ == name and not key.startswith("_")
    ]
    assert len(public) > 0
    assert [key for key in public if ">>> " not in getattr(module, key).__doc__] == []
