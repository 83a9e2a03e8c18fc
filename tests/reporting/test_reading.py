import pytest

from musicvae_jax.config.folder import MANIFEST
from musicvae_jax.errors import InputError
from musicvae_jax.reporting.reading import read_manifest, read_table


def test_results_without_a_table_are_refused_in_words(tmp_path):
    with pytest.raises(InputError, match=r"comparisons\.csv: no such table, expected one in the"):
        read_table(tmp_path, "comparisons")


@pytest.mark.parametrize("content", [None, "[1]", "{"])
def test_results_without_a_manifest_are_refused_in_words(tmp_path, content):
    if content is not None:
        (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(InputError, match=rf"{MANIFEST}: no such file, or no JSON object in it"):
        read_manifest(tmp_path)
