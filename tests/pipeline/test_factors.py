"""disentanglement.csv: which factors, songs and representations are scored."""

import numpy as np
import pandas as pd
import pytest
from listings import list_songs, represent, stages

from musicvae_jax.evaluation import factor_scores
from musicvae_jax.pipeline.factors import SCORES, known_factors, start_factors
from musicvae_jax.runtime.terminal import Terminal

N_SONGS = 120


def songs():
    """Numbers, whole numbers that are names, text and truth values."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "genre": "Polka",
            "factor_tempo": random.uniform(60, 180, N_SONGS).astype(np.float32),
            "factor_key": random.integers(0, 4, N_SONGS),
            "factor_mode": np.array(["major", "minor"])[random.integers(0, 2, N_SONGS)],
            "factor_arpeggio": random.random(N_SONGS) < 0.5,
        }
    )


def latents(table, spread=0.05):
    """A dimension for each of three factors, and one of noise."""
    noise = np.random.default_rng(1).normal(size=(N_SONGS, 4))
    known = [
        (table["factor_tempo"] - 120) / 60,
        table["factor_key"],
        table["factor_mode"] == "minor",
    ]
    return np.stack([*known, np.zeros(N_SONGS)], axis=1).astype(float) + spread * noise


def scored(own, table, baselines=(), seeds=(0, 3), exact_songs=10_000):
    listing = list_songs(table, own, baselines, seeds)
    return start_factors("mine", listing, exact_songs, stages(), Terminal())()


def test_own_representations_are_scored_under_every_seed():
    table = songs()
    x = [latents(table), latents(table, spread=3.0)]
    found, approximated = scored([represent("vae", x)], table, [represent("raw", x)])
    assert approximated == {}
    about = ["experiment", "seed", "representation", "n_songs", "n_factors"]
    assert found[about].to_numpy().tolist() == [
        ["mine", 0, "vae", N_SONGS, 4],
        ["mine", 3, "vae", N_SONGS, 4],
    ]
    factors = known_factors(table.filter(like="factor_"), Terminal())
    for row, points, seed in zip(found[list(SCORES)].to_dict("records"), x, (0, 3), strict=True):
        assert row == factor_scores(points, factors, seed)
    assert found["mig"][0] > found["mig"][1] + 0.2


def test_points_that_no_seed_changes_have_one_score():
    found, _ = scored([represent("pca", [latents(songs())])], songs())
    assert found["seed"].tolist() == [0, 3]
    first, second = found[list(SCORES)].to_numpy()
    np.testing.assert_array_equal(first, second)


def test_numbers_are_continuous_and_names_are_not():
    table = songs().assign(
        factor_year=np.arange(N_SONGS) + 1900,
        factor_register=(np.arange(N_SONGS) % 3).astype(float),
    )
    factors = known_factors(table.filter(like="factor_"), Terminal())
    assert {name: values.dtype.kind for name, values in factors.items()} == {
        "tempo": "f",
        "key": "U",
        "mode": "U",
        "arpeggio": "U",
        "year": "f",
        "register": "U",
    }


def test_factors_that_tell_nothing_are_named(capsys):
    once = ["jig"] + ["waltz", "march"] * 30 + ["sway"] * 59
    table = songs().assign(factor_metre="3/4", factor_pattern=once, factor_level=0.5)
    assert set(known_factors(table.filter(like="factor_"), Terminal())) == {
        *("tempo", "key", "mode", "arpeggio")
    }
    assert "leaves out metre, pattern, level: expected" in capsys.readouterr().err


def test_songs_without_a_factor_are_left_out():
    table = songs()
    lacking = table.assign(factor_empty=None)
    lacking["factor_key"] = lacking["factor_key"].where(np.arange(N_SONGS) >= 20)
    lacking.loc[119, "factor_tempo"] = np.inf
    lacking.loc[118, "factor_mode"] = None
    own = [represent("vae", [latents(table)])]
    found, _ = scored(own, lacking, seeds=(0,))
    known = table.iloc[20:118].reset_index(drop=True)
    factors = known_factors(known.filter(like="factor_"), Terminal())
    assert found["n_songs"].tolist() == [98]
    expected = factor_scores(latents(table)[20:118], factors, 0)
    assert found[list(SCORES)].iloc[0].to_dict() == expected


@pytest.mark.parametrize("dims", [1, 129])
def test_without_factors_or_single_dimensions_for_them_there_is_nothing_to_score(dims, capsys):
    table = songs()
    wide = represent("raw", [np.zeros((N_SONGS, dims))] * 2)
    good = represent("vae", [latents(table)] * 2)
    for own, of_songs in (([wide], table), ([good], table[["genre"]])):
        found, approximated = scored(own, of_songs)
        assert found.columns.tolist()[-5:] == list(SCORES)
        assert found.empty
        assert approximated == {}
    assert capsys.readouterr().err == ""
    assert scored([good], table[["factor_key"]])[0].empty
    assert "got 1 factor(s), expected at least 2" in capsys.readouterr().err


def test_of_many_songs_a_sample_is_scored():
    table = songs()
    own = [represent("vae", [latents(table)])]
    found, approximated = scored(own, table, seeds=(0,), exact_songs=100)
    assert found["n_songs"].tolist() == [100]
    assert approximated == {"disentanglement": "a sample of 100 songs"}
