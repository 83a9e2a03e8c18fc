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
    found = frames.summary(rows, low=0.2, p_value=[0.001, 0.5, 0.002, 0.3, 0.3, 0.3])
    assert found["representation"].tolist() == ["vae", "pca"]
    assert found["n_clusters"].tolist() == ["4-9", "6"]
    vae, pca = (row for _, row in found.iterrows())
    assert vae["ami_genre_mean"] == pytest.approx(0.5)
    assert vae["ami_genre_std"] == pytest.approx(0.1)
    assert vae[["genre_low", "p_value", "p_value_artists"]].tolist() == pytest.approx(
        [0.2, 0.5, 0.034]
    )
    assert (vae["one_per_artist_mean"], vae["one_per_artist_std"]) == (0.25, 0.0)
    assert (vae["supervised_linear_mean"], vae["supervised_rbf_mean"]) == (0.55, 0.62)
    assert vae["language_probe_mean"] == pytest.approx(0.4)
    # Differences .3, .2 and .4: a t value of 5.2 with two degrees of freedom.
    assert vae["against_pca"] == "better"
    assert vae["difference_to_pca"] == pytest.approx(0.3)
    assert pca["against_pca"] == ""


def test_what_knows_the_genre_is_not_compared_with_pca():
    pca = frames.over_seeds([0.2, 0.21], representation="pca", role="baseline")
    for mark in frames.MARKS:
        rows = frames.metrics(*frames.over_seeds([0.5, 0.51], **{mark: "genre"}), *pca)
        assert frames.summary(rows)["against_pca"].tolist() == ["", ""]


def test_a_summary_without_genres_has_no_evidence():
    rows = frames.metrics(frames.scored(ami_genre=np.nan))
    nothing = pd.DataFrame(columns=["experiment", "representation", "label", "score"])
    spaces = frames.spaces(rows)
    found = reporting.summary(rows, nothing, spaces)
    undefined = ["genre_low", "null_high", "p_value", "one_per_artist_mean", "supervised_rbf_mean"]
    assert found[undefined].isna().all(axis=None)
