import numpy as np
import pandas as pd
import pytest
import reportframes as frames

from musicvae_jax import reporting


def test_summary_by_hand():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.4, 0.6]),
        *frames.over_seeds([0.2, 0.2, 0.2], representation="pca", role="baseline", n_clusters=6),
        frames.scored(clusterer="dbscan"),
    )
    rows.loc[1, "n_clusters"] = 9
    beside_pca = frames.compared(difference=0.3)
    p_values = [0.001, 0.5, 0.002, 0.3, 0.3, 0.3]
    found = frames.summary(rows, beside_pca, low=0.2, p_value=p_values)
    assert found["representation"].tolist() == ["vae", "pca"]
    assert found["n_clusters"].tolist() == ["4-9", "6"]
    vae, pca = (row for _, row in found.iterrows())
    assert vae["ami_genre_mean"] == pytest.approx(0.5)
    assert vae["ami_genre_std"] == pytest.approx(0.1)
    assert vae["n_genre"] == 100
    assert vae[["genre_low", "p_value", "p_value_artists"]].tolist() == pytest.approx(
        [0.2, 0.5, 0.034]
    )
    assert (vae["one_per_artist_mean"], vae["one_per_artist_std"]) == (0.25, 0.0)
    assert (vae["supervised_linear_mean"], vae["supervised_rbf_mean"]) == (0.55, 0.62)
    assert vae["language_probe_mean"] == pytest.approx(0.4)
    assert vae["against_pca"] == "better"
    assert vae["difference_to_pca"] == pytest.approx(0.3)
    assert pca["against_pca"] == ""


@pytest.mark.parametrize(
    ("rows", "verdict", "difference"),
    [
        ([], "", np.nan),
        ([("raw", "better", 0.2)], "", np.nan),
        ([("pca", "better", 0.2)], "better", 0.2),
        # Better than PCA is what is better than whitened PCA too.
        ([("pca", "better", 0.2), ("whitened_pca_16", "better", 0.1)], "better", 0.1),
        ([("pca", "better", 0.2), ("whitened_pca_32", "worse", -0.1)], "worse", -0.1),
        # Not beaten comes before beaten by less.
        (
            [("pca", "better", 0.03), ("whitened_pca_16", "no difference shown", 0.04)],
            "no difference shown",
            0.04,
        ),
    ],
)
def test_the_verdict_is_that_on_the_pca_that_is_hardest_to_beat(rows, verdict, difference):
    table = frames.metrics(frames.scored(), frames.scored(representation="pca", role="baseline"))
    others = [
        frames.compared(verdict="worse", label="language"),
        frames.compared(verdict="worse", experiment="hard_ae"),
        frames.compared(verdict="worse", representation="beta_vae_4"),
    ]
    found = frames.summary(table, *(frames.compared(*row) for row in rows), *others)
    assert found["against_pca"].tolist() == [verdict, ""]
    assert found["difference_to_pca"].tolist() == pytest.approx([difference, np.nan], nan_ok=True)


def test_pca_itself_is_not_held_against_whitened_pca():
    table = frames.metrics(frames.scored("easy_pca", "pca"))
    row = frames.compared("whitened_pca_16", experiment="easy_pca", representation="pca")
    assert frames.summary(table, row)["against_pca"].tolist() == [""]


def test_a_summary_without_genres_has_no_evidence():
    rows = frames.metrics(frames.scored(ami_genre=np.nan))
    nothing = pd.DataFrame(columns=["experiment", "representation", "label", "score"])
    spaces = frames.spaces(rows)
    found = reporting.summary(rows, nothing, spaces, frames.comparisons())
    undefined = ["genre_low", "null_high", "p_value", "one_per_artist_mean", "supervised_rbf_mean"]
    assert found[undefined].isna().all(axis=None)
