"""What a script does with the library."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import musicvae_jax as mv

pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.mark.slow
def test_the_ten_lines(demo, capsys):
    songs = mv.load_songs()
    model = mv.fit("hard_cvae", songs, seeds=(0, 1))
    latents = model.encode(songs)
    clusters = mv.cluster(latents, k=9)
    table = mv.score(clusters, songs)
    model.save("checkpoints/mine")
    model = mv.load("checkpoints/mine")
    assert isinstance(songs.table, pd.DataFrame)
    assert latents.name == "cvae"
    assert latents.points.shape == (2, 64, 32)
    assert latents.columns_seen == ("melspectrogram", "genre")
    assert clusters.labels.shape == (2, 64)
    assert set(clusters.labels.ravel()) == set(range(9))
    assert set(table.loc["genre"]["mark"]) == {"given"}
    np.testing.assert_array_equal(model.encode(songs).points, latents.points)
    # Standard output is the caller's.
    assert capsys.readouterr().out == ""


def test_the_verbs_are_imported_when_they_are_first_used():
    code = """
import sys
import musicvae_jax as mv
assert not {"jax", "numpy", "pandas"} & set(sys.modules)
assert set(mv.__all__) <= set(dir(mv))
assert all(getattr(mv, name).__name__ == name for name in mv.__all__)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'clusters'"):
        _ = mv.clusters
