"""What is computed of a sample where songs are many, and where that is said."""

import json

import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table, write
from tinyruns import run_experiment, tiny

from musicvae_jax.reporting import run_figures

SAMPLE = "a sample of 100 songs"
# In the order of the notice.
EXPECTED = {
    "kmeans": f"all songs, from the best of {SAMPLE}",
    "agglomerative": "Ward of up to 100 centroids of mini-batch K-Means",
    "dbscan": SAMPLE,
    "gmm_full": SAMPLE,
    "gmm_diag": SAMPLE,
    "silhouette": f"{SAMPLE}, each against all",
    "significance.csv": SAMPLE,
    "spaces.csv": SAMPLE,
    "comparisons.csv": SAMPLE,
    "resampled_ami": SAMPLE,
    "consensus_ami": SAMPLE,
    "umap": SAMPLE,
    "tsne": SAMPLE,
}


@pytest.mark.slow
def test_the_tables_the_manifest_a_notice_and_the_figures_say_what_is_approximate(
    tmp_path, monkeypatch, capsys, quick_projections
):
    headings, draw = [], run_figures.projection
    monkeypatch.setattr(
        run_figures, "projection", lambda *args: headings.append(args[-1]) or draw(*args)
    )
    path = write(tmp_path / "s.parquet", songs_table(130))
    experiment = tiny("easy_pca", path, model={"latent": 3}, cluster={"exact_songs": 100})
    folder = run_experiment(experiment)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert list(manifest["approximated"].items()) == list(EXPECTED.items())
    assert headings == [
        f"{method} of pca: easy_pca on s, n = 130 songs, a sample of 100"
        for method in ("t-SNE", "UMAP")
    ]
    (notice,) = [line for line in capsys.readouterr().err.splitlines() if "approximate" in line]
    assert notice == (
        "notice: 130 songs are more than cluster.exact_songs, which is 100, so these are "
        f"approximate: {', '.join(EXPECTED)}; manifest.json says how"
    )
    metrics = pd.read_csv(folder / "metrics.csv")
    in_all = metrics[metrics["scope"] == "all"]
    assert in_all["n_songs"].eq(130).all()
    assert in_all["silhouette_se"].gt(0).all()
    points = pd.read_parquet(folder / "projections.parquet")
    assert points.groupby("method")["music_id"].nunique().to_dict() == {"tsne": 100, "umap": 100}
    latents = pd.read_parquet(folder / "latents.parquet").query("seed == 0")
    projected = points[points["method"] == "tsne"].merge(latents, on="music_id")
    np.testing.assert_array_equal(projected["x"], projected["latent_000"])
