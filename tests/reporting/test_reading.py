import pytest

from musicvae_jax.errors import InputError
from musicvae_jax.reporting.reading import read_table


def test_results_without_a_table_are_refused_in_words(tmp_path):
    with pytest.raises(InputError, match=r"comparisons\.csv: no such table, expected one in the"):
        read_table(tmp_path, "comparisons")
