import numpy as np
import pytest
import reportframes as frames

from musicvae_jax import reporting


def test_suite_table_by_hand():
    first = frames.metrics(
        *frames.over_seeds([0.1, 0.3, 0.8], n_clusters=5),
        *frames.over_seeds(
            [0.25], representation="cvae", role="own", labels_seen="genre", silhouette=np.nan
        ),
    )
    second = frames.metrics(
        frames.scored("easy_pca", "pca", role="baseline", clusterer="dbscan", noise_share=0.2),
        frames.scored(
            "easy_pca", "pca", 1, role="baseline", clusterer="dbscan", noise_share=0.4, n_songs=90
        ),
        frames.scored("easy_pca", "pca", clusterer="dbscan", scope="clustered"),
    )
    second.loc[1, "n_clusters"] = 9
    table = reporting.suite_table([first, second])
    methods = ["experiment", "representation", "clusterer", "scope"]
    assert table[methods].to_numpy().tolist() == [
        ["easy_vae", "vae", "kmeans", "all"],
        ["easy_vae", "cvae", "kmeans", "all"],
        ["easy_pca", "pca", "dbscan", "all"],
        ["easy_pca", "pca", "dbscan", "clustered"],
    ]
    assert table["n_seeds"].tolist() == [3, 1, 2, 1]
    assert table["n_clusters"].tolist() == ["5", "4", "4-9", "4"]
    assert table["n_songs"].tolist() == ["100", "100", "90-100", "100"]
    assert table["role"].tolist() == ["own", "own", "baseline", "own"]
    assert table["labels_seen"].tolist() == ["", "genre", "", ""]
    assert table["noise_share"].tolist() == pytest.approx([0, 0, 0.3, 0])
    # Mean 0.4; squared distances 0.09, 0.01 and 0.16 over 2.
    assert table["ami_genre_mean"][0] == pytest.approx(0.4)
    assert table["ami_genre_std"][0] == pytest.approx(np.sqrt(0.13))
    assert table["ami_genre_mean"][1] == 0.25
    assert np.isnan(table["ami_genre_std"][1])
    assert np.isnan(table["silhouette_mean"][1])
    assert {"purity_artist_mean", "davies_bouldin_std", "nmi_language_mean"} <= set(table)
