import pytest
import reportframes as frames

from musicvae_jax.reporting.rivals import against_pca, hardest


def test_of_no_rivals_none_is_hardest():
    assert hardest(frames.comparisons()) is None
    assert against_pca(frames.comparisons()).empty


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_hardest_rival_is_not_beaten_and_has_the_highest_score(order):
    rows = [
        frames.compared("a", "better", 0.02),
        frames.compared("b", "negligible", 0.015),
        frames.compared("c", "no difference shown", 0.05),
    ]
    table = frames.comparisons(*(rows[place] for place in order))
    # As when several runs' tables are joined, of which one has no row.
    table = table.astype(object)
    table.index = [0, 0, 0]
    assert hardest(table)["against"] == "b"
    assert hardest(table[table["against"] != "b"])["against"] == "c"
    assert hardest(table[table["against"] == "a"])["against"] == "a"


def test_pca_is_a_rival_of_all_but_itself():
    names = ["raw", "pca", "whitened_pca_16", "mfa_whitened_pca_32", "conv_vae+lyrics_pca"]
    table = frames.comparisons(*(frames.compared(name) for name in names))
    assert against_pca(table)["against"].tolist() == names[1:4]
    assert against_pca(table.assign(representation="pca")).empty
