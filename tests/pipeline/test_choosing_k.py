"""The curve that a rule measures to choose k, and where it is kept."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from listings import list_songs, represent, stages

from musicvae_jax.clustering import KCurves
from musicvae_jax.config import K_RULES, ClusterConfig, load_function
from musicvae_jax.evaluation import kmeans_agreement
from musicvae_jax.pipeline.choosing_k import with_measured
from musicvae_jax.pipeline.cluster import start_clustering
from musicvae_jax.pipeline.tables import selection_table
from musicvae_jax.runtime.terminal import Terminal

N_SONGS = 120
CONFIG = ClusterConfig(k_max=6, restarts=2, methods=("kmeans",))
MEASURED = [rule for rule, traits in K_RULES.items() if traits.measure]


@pytest.fixture(autouse=True)
def few_subsets(monkeypatch):
    monkeypatch.setattr("musicvae_jax.evaluation.ambiguity._SUBSETS", 10)


def points(seed):
    return np.random.default_rng(seed).normal(size=(N_SONGS, 4))


def clustered(own, seeds=(0, 3), **changes):
    songs = pd.DataFrame({label: ["a"] * N_SONGS for label in ("genre", "language", "artist")})
    listing = list_songs(songs, own, (), seeds)
    return start_clustering("mine", listing, replace(CONFIG, **changes), stages(), Terminal())()


@pytest.mark.parametrize("rule", MEASURED)
def test_every_k_is_measured_by_seed(rule):
    k, nothing = np.array([2, 4]), np.zeros(2)
    config, seeds = replace(CONFIG, choose_k=rule), (0, 3)
    curves, x = [KCurves(k, nothing, nothing)] * 2, [points(seed) for seed in seeds]
    measure = load_function(f"evaluation.{K_RULES[rule].measure}")
    found = with_measured(curves, x, seeds, config)
    for curve, of_seed, seed in zip(found, x, seeds, strict=True):
        expected = [measure(of_seed, n, config, seed, 2) for n in k]
        assert getattr(curve, rule).tolist() == expected
        assert 0 < expected[0] != expected[1]


def test_twelve_pairs_of_subsets_are_divided_among_the_seeds():
    curves = [KCurves(np.array([4]), np.zeros(1), np.zeros(1))] * 2
    config = replace(CONFIG, choose_k="stability")
    found = with_measured(curves, [points(0), points(3)], (0, 3), config)
    expected = [kmeans_agreement(points(seed), 4, CONFIG, 6, seed).mean for seed in (0, 3)]
    assert [one.stability.tolist() for one in found] == [[mean] for mean in expected]


@pytest.mark.parametrize("changes", [{}, {"choose_k": "silhouette"}, {"choose_k": "pac", "k": 3}])
def test_where_nothing_needs_measuring_nothing_is(changes):
    curves = [KCurves(np.array([4]), np.zeros(1), np.zeros(1))]
    run = {"run": lambda *_: pytest.fail("it was measured")}
    assert with_measured(curves, [points(0)], (0,), replace(CONFIG, **changes), **run) == curves


@pytest.mark.parametrize(
    ("rule", "k"), [("elbow", 4), ("silhouette", 2), ("stability", 6), ("pac", 6)]
)
def test_the_rule_chooses_k_and_the_table_says_by_what(rule, k):
    # Two far groups of three near clusters: as stable as each other, and of unlike silhouettes.
    centres = np.array([[x, y] for x in (0, 300) for y in (0, 9, 18)])
    x = np.repeat(centres, 20, axis=0) + np.random.default_rng(0).normal(size=(N_SONGS, 2))
    found = clustered([represent("vae", [x, x])], choose_k=rule)
    assert found.chosen_k == k
    assert found.metrics["n_clusters"].eq(k).all()
    table = selection_table(found.curves, found.chosen_k, replace(CONFIG, choose_k=rule))
    measured = {name: table[name].notna().all() for name in MEASURED}
    assert measured == {name: name == rule for name in MEASURED}
    assert table.loc[table["chosen"], "k"].eq(k).all()


@pytest.mark.parametrize("k", [None, 3, 60])
def test_a_fixed_k_outside_the_range_does_not_move_what_the_rules_choose(k):
    tried = np.append(np.arange(2, 21), [k] if k == 60 else []).astype(int)
    # The silhouette of 60 would be the best.
    curve = KCurves(tried, tried**-0.5, np.where(tried == 20, 0.5, tried / 100))
    table = selection_table({("vae", 0): curve}, k or 7, ClusterConfig(k=k))
    assert table.loc[table["elbow"], "k"].tolist() == [7]
    assert table.loc[table["best_silhouette"], "k"].tolist() == [20]
    assert table.loc[table["chosen"], "k"].tolist() == [k or 7]


def test_no_rule_chooses_from_a_range_that_no_song_allows():
    curve = KCurves(np.array([2]), np.ones(1), np.ones(1))
    table = selection_table({("vae", 0): curve}, 2, ClusterConfig(k=2, k_min=5))
    assert table[["chosen", "elbow", "best_silhouette"]].to_numpy().tolist() == [
        [True, False, False]
    ]


@pytest.mark.parametrize("rule", MEASURED)
def test_only_what_decides_on_k_is_measured(rule):
    own = [represent(name, [points(0)]) for name in ("first", "second")]
    curves = clustered(own, seeds=(0,), choose_k=rule).curves
    assert [name for (name, _), curve in curves.items() if np.ndim(getattr(curve, rule))] == [
        "first"
    ]
    fixed = clustered(own, seeds=(0,), choose_k=rule, k=3)
    assert fixed.chosen_k == 3
    assert not any(np.ndim(getattr(curve, rule)) for curve in fixed.curves.values())


@pytest.mark.parametrize("rule", MEASURED)
@pytest.mark.slow
def test_of_many_songs_a_sample_is_measured_and_that_is_told(rule):
    own = [represent("vae", [points(0)])]
    found = clustered(own, seeds=(0,), choose_k=rule, exact_songs=100)
    assert found.approximated[rule] == "a sample of 100 songs"
    assert rule not in clustered(own, seeds=(0,), choose_k=rule).approximated
    assert rule not in clustered(own, seeds=(0,), choose_k=rule, k=3, exact_songs=100).approximated
