"""comparisons.csv: what is compared with what, and on which songs and labels."""

import numpy as np
import pandas as pd
import pytest
from listings import list_songs, represent, stages

from musicvae_jax.evaluation import compare_methods, resampled_ami
from musicvae_jax.pipeline.compare import start_comparisons
from musicvae_jax.runtime.terminal import Terminal

N_SONGS, SEEDS = 120, (0, 3)


def songs():
    """Twenty-four artists of one genre each, and two languages."""
    artist = np.repeat(np.arange(24), 5)
    return pd.DataFrame(
        {
            "genre": [f"genre {one % 3}" for one in artist],
            "language": np.random.default_rng(0).choice(["en", "pt"], N_SONGS),
            "artist": [f"artist {one}" for one in artist],
        }
    )


def listed(own, baselines, table):
    """A listing of representations, each a name or a name and the columns it has seen."""
    points = [np.zeros((N_SONGS, 2))]
    made = [
        [
            represent(*((one, points) if isinstance(one, str) else (one[0], points, one[1])))
            for one in names
        ]
        for names in (own, baselines)
    ]
    return list_songs(table, *made, seeds=SEEDS)


def clusters_of(listing):
    """Clusters that are the genre for some of the songs: ever fewer from one to the next."""
    random = np.random.default_rng(1)
    codes, n_songs = pd.factorize(listing.songs["genre"])[0], len(listing.songs)
    return {
        (one.name, seed): np.where(
            random.random(n_songs) < 0.9 - 0.2 * place, codes, random.integers(0, 3, n_songs)
        )
        for place, one in enumerate(listing.everything)
        for seed in listing.seeds
    }


def compared(listing, clusters, exact_songs=1000):
    return start_comparisons("mine", listing, clusters, exact_songs, stages(), Terminal())()


def names(table):
    return table[["representation", "against", "label"]].to_numpy().tolist()


def test_every_own_representation_is_compared_with_every_baseline():
    table = songs()
    listing = listed(["vae", "beta_vae_4"], ["pca", "raw"], table)
    clusters = clusters_of(listing)
    found, approximated = compared(listing, clusters)
    assert approximated == {}
    assert found["experiment"].eq("mine").all()
    assert names(found) == [
        [one, other, label]
        for one in ("vae", "beta_vae_4")
        for other in ("pca", "raw")
        for label in ("genre", "language")
    ]
    for row in found.to_dict("records"):
        scores = (
            resampled_ami(
                [clusters[row[name], seed] for seed in SEEDS],
                table[row["label"]],
                table["artist"],
                SEEDS[0],
            )
            for name in ("representation", "against")
        )
        expected = compare_methods(*scores)._asdict()
        assert {name: row[name] for name in expected} == expected
    assert found[["labels_seen", "labels_derivable"]].eq("").all(axis=None)
    assert found["verdict"].iloc[0] == "better"


def test_what_leaks_is_not_compared_on_its_label():
    own = [("told", ("melspectrogram", "genre")), ("sung", ("melspectrogram", "lyrics")), "vae"]
    listing = listed(own, ["pca", ("lyrics", ("lyrics",))], songs())
    found, _ = compared(listing, clusters_of(listing))
    assert names(found) == [
        ["told", "pca", "language"],
        ["sung", "pca", "genre"],
        ["sung", "lyrics", "genre"],
        ["vae", "pca", "genre"],
        ["vae", "pca", "language"],
        ["vae", "lyrics", "genre"],
    ]
    marks = found.groupby("representation")[["labels_seen", "labels_derivable"]].first()
    assert marks.loc[["told", "sung", "vae"]].to_numpy().tolist() == [
        ["genre", ""],
        ["", "language"],
        ["", ""],
    ]


def test_scores_that_are_not_defined_have_no_row():
    table = songs().assign(language=None)
    listing = listed(["vae"], ["pca", "raw"], table)
    clusters = clusters_of(listing)
    clusters["pca", 3] = np.zeros(N_SONGS, int)
    found, _ = compared(listing, clusters)
    assert names(found) == [["vae", "raw", "genre"]]
    nothing, _ = compared(list_songs(table.assign(genre="polka"), *listing[:2], SEEDS), clusters)
    assert nothing.empty
    assert list(nothing) == list(found)


def test_of_many_songs_a_sample_is_compared():
    listing = listed(["vae"], ["pca"], songs())
    found, approximated = compared(listing, clusters_of(listing), exact_songs=100)
    assert approximated == {"comparisons.csv": "a sample of 100 songs"}
    assert found["n_songs"].eq(100).all()


def test_verdicts_of_a_run_of_one_seed_cannot_be_told():
    listing = listed(["vae"], ["pca"], songs())._replace(seeds=(0,))
    found, _ = compared(listing, clusters_of(listing))
    assert found["verdict"].eq("one seed").all()
    assert found["seeds_low"].isna().all()
    assert found.loc[0, "artists_low"] == pytest.approx(found.loc[0, "difference"], abs=0.3)
