"""The supervised reference in significance.csv: where it stands, of which points, and when not."""

import numpy as np
import pandas as pd
import pytest
from listings import list_songs, represent, stages

from musicvae_jax.clustering import sample_songs
from musicvae_jax.evaluation import supervised_reference
from musicvae_jax.pipeline.evidence import start_evidence
from musicvae_jax.runtime.terminal import Terminal

N_SONGS = 120
SEEDS = (4, 9)
REFERENCES = ["supervised_linear", "supervised_rbf"]

pytestmark = pytest.mark.usefixtures("quick_projections")


def songs(n_shared=3):
    """Twenty artists: of every four, as many share a genre with others as are told to."""
    artist = np.arange(N_SONGS) // 6
    genre = np.where(artist % 4 < n_shared, artist % 4, artist + 10)
    return pd.DataFrame(
        {
            "genre": [f"genre {i}" for i in genre],
            "language": np.array(["en", "pt"])[artist % 2],
            "artist": [f"artist {i}" for i in artist],
        }
    )


def points(table, seed):
    codes = pd.factorize(table["genre"])[0]
    return np.eye(codes.max() + 1)[codes] + np.random.default_rng(seed).normal(size=(N_SONGS, 1))


def evidence(table, own, counting=None, exact_songs=10_000):
    listing = list_songs(table, own, seeds=SEEDS)
    clusters = {(one.name, seed): np.arange(N_SONGS) % 3 for one in own for seed in SEEDS}
    run = counting or stages()
    return start_evidence("mine", listing, clusters, exact_songs, run, Terminal())().significance


def test_it_stands_beside_the_ami_with_genres_alone():
    table = songs()
    x = [points(table, seed) for seed in SEEDS]
    found = evidence(table, [represent("vae", x)])
    is_beside = (found["label"] == "genre") & (found["score"] == "ami")
    assert found.loc[~is_beside, REFERENCES].isna().all(axis=None)
    beside = found[is_beside]
    assert beside["seed"].tolist() == list(SEEDS)
    for row, of_seed, seed in zip(beside[REFERENCES].to_numpy(), x, SEEDS, strict=True):
        expected = supervised_reference(of_seed, table["genre"], table["artist"], seed)
        assert tuple(row) == expected[:2]
    assert beside[REFERENCES].to_numpy().min() > 0.2


def test_points_of_all_seeds_are_classified_once():
    table, counting = songs(), stages()
    found = evidence(table, [represent("raw", [points(table, 0)])], counting)
    assert counting.counts["supervised"] == {"computed": 1, "found": 0}
    of_seeds = found.dropna(subset=REFERENCES).groupby("seed")[REFERENCES].first()
    assert len(of_seeds) == 2
    assert of_seeds.nunique().eq(1).all()


def test_of_many_songs_the_same_sample_is_classified_as_is_scored():
    table = songs()
    x = points(table, 0)
    found = evidence(table, [represent("raw", [x])], exact_songs=100)
    at = sample_songs(N_SONGS, 100, SEEDS[0])
    of_sample = table.iloc[at]
    expected = supervised_reference(x[at], of_sample["genre"], of_sample["artist"], SEEDS[0])
    beside = found.dropna(subset=REFERENCES)
    assert beside["n_songs"].eq(100).all()
    assert beside[REFERENCES].iloc[0].tolist() == list(expected[:2])


def test_where_artists_do_not_share_genres_one_notice_says_so(capsys):
    table = songs(n_shared=0)
    x = [points(table, seed) for seed in SEEDS]
    found = evidence(table, [represent("vae", x), represent("raw", x[:1])])
    assert found[REFERENCES].isna().all(axis=None)
    assert capsys.readouterr().err == (
        "notice: the supervised reference of genre is left out: got 0 label(s) with songs by "
        "several artists, expected at least 2\n"
    )


def test_songs_without_genres_have_no_scores_and_no_notice(capsys):
    table = songs().assign(genre=None)
    found = evidence(
        table, [represent("raw", [np.random.default_rng(0).normal(size=(N_SONGS, 2))])]
    )
    assert set(found["label"]) == {"language", "artist"}
    assert found[REFERENCES].isna().all(axis=None)
    assert capsys.readouterr().err == ""
