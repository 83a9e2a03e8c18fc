from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import reportframes as frames
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics

from musicvae_jax import reporting
from musicvae_jax.evaluation import (
    EXTERNAL_METRICS,
    ExternalMetric,
    clustering_accuracy,
    completeness,
    contingency,
    external_intervals,
    external_scores,
    group_permutation_nulls,
    homogeneity,
    matching_scores,
    metrics_with_nulls,
    one_per_artist_scores,
    permutation_nulls,
    purity,
    significance,
)
from musicvae_jax.evaluation.contingency import ContingencyTables
from musicvae_jax.evaluation.external import score_tables

pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), min_size=1, max_size=40)


counts = arrays.arrays(
    int,
    arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5),
    elements=st.integers(0, 6),
    fill=st.nothing(),
).filter(lambda tables: tables.any(axis=(1, 2)).all())


def unzip(rows):
    return tuple(np.array(column) for column in zip(*rows, strict=True))


@given(pairs)
def test_v_measure_parts_agree_with_scikit_learn(rows):
    labels, clusters = unzip(rows)
    h, c, _ = metrics.homogeneity_completeness_v_measure(labels, clusters)
    assert homogeneity(labels, clusters) == pytest.approx(h, abs=1e-9)
    assert completeness(labels, clusters) == pytest.approx(c, abs=1e-9)


@given(pairs)
def test_nmi_is_the_harmonic_mean_of_the_parts(rows):
    labels, clusters = unzip(rows)
    h, c = homogeneity(labels, clusters), completeness(labels, clusters)
    nmi = metrics.normalized_mutual_info_score(labels, clusters)
    assert nmi * (h + c) == pytest.approx(2 * h * c, abs=1e-7)


@given(pairs)
def test_accuracy_is_the_best_of_all_assignments(rows):
    labels, clusters = unzip(rows)
    # A label of nobody's lets a cluster go without one.
    names = [*"abcd", *[None] * 5]
    right = (np.mean(labels == np.array(to, object)[clusters]) for to in assignments(names))
    assert clustering_accuracy(labels, clusters) == pytest.approx(max(right))


def assignments(names):
    return set(permutations(names, 5))


@given(pairs)
def test_accuracy_is_at_most_purity(rows):
    labels, clusters = unzip(rows)
    assert 0 < clustering_accuracy(labels, clusters) <= purity(labels, clusters)


def test_accuracy_by_hand_with_unequal_numbers():
    # One of three clusters goes without a label, and with it its two songs.
    labels, clusters = np.array(list("aaaabbb")), np.array([0, 0, 1, 1, 2, 2, 2])
    assert clustering_accuracy(labels, clusters) == pytest.approx(5 / 7)
    assert purity(labels, clusters) == 1
    # And one of two labels goes without a cluster.
    assert clustering_accuracy(labels, np.zeros(7)) == pytest.approx(4 / 7)


def test_parts_by_hand():
    # Each cluster has one label, and label a is split in two: of the entropy of the clusters,
    # 1.5 bits, the labels leave half a bit.
    labels, clusters = np.array(list("aabb")), np.array([0, 1, 2, 2])
    assert homogeneity(labels, clusters) == pytest.approx(1)
    assert completeness(labels, clusters) == pytest.approx(2 / 3)


def test_matching_scores_are_taken_on_songs_with_the_label():
    clusters = np.array([0, 0, 1, 1, 0, 1])
    labels = {
        "genre": pd.Series(["a", "a", "b", "b", None, None], dtype=object, index=range(3, 9)),
        "language": pd.Series(["x"] * 6),
    }
    found = matching_scores(clusters, labels)
    assert list(found) == [
        f"{name}_{kind}" for kind in labels for name in ("homogeneity", "completeness", "accuracy")
    ]
    assert [value for name, value in found.items() if name.endswith("genre")] == [1, 1, 1]
    assert np.isnan([value for name, value in found.items() if name.endswith("language")]).all()


def test_the_metrics_and_their_order():
    labels = {"genre": pd.Series(list("aabb"))}
    assert metrics_with_nulls() == ("ari", "nmi", "ami", "purity", "fmi")
    assert list(EXTERNAL_METRICS) == [
        *metrics_with_nulls(),
        *("homogeneity", "completeness", "accuracy"),
    ]
    found = external_scores(np.array([0, 0, 1, 1]), labels)
    assert list(found) == [*(f"{name}_genre" for name in metrics_with_nulls()), "n_genre"]
    assert not set(found) & set(matching_scores(np.array([0, 0, 1, 1]), labels))


@pytest.mark.parametrize("name", EXTERNAL_METRICS)
def test_a_perfect_clustering_scores_one(name):
    assert EXTERNAL_METRICS[name].of_songs(np.array(list("aabb")), np.array([1, 1, 0, 0])) == 1


def test_fowlkes_mallows_by_hand():
    # One pair is together, of 2 pairs in one cluster and of 4 with one label.
    table = np.array([[2, 1, 0], [0, 1, 1]])
    # No cluster has two songs.
    singletons = np.array([[1, 0, 0], [0, 1, 1]])
    found = EXTERNAL_METRICS["fmi"].of_tables(ContingencyTables(np.stack([table, singletons])))
    assert found == pytest.approx([np.sqrt(1 / 2 * 1 / 4), 0])


@pytest.mark.parametrize("name", metrics_with_nulls())
@given(tables=counts)
def test_many_tables_score_as_the_songs_of_each(name, tables):
    found = EXTERNAL_METRICS[name].of_tables(ContingencyTables(tables))
    assert found.shape == (len(tables),)
    for score, table in zip(found, tables, strict=True):
        classes, clusters = np.nonzero(table)
        labels, clusters = (np.repeat(codes, table[table > 0]) for codes in (classes, clusters))
        # scikit-learn rounds its way through 0 / 0, as with singletons on both sides.
        expected = EXTERNAL_METRICS[name].of_songs(labels, clusters)
        assert score == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("held", [1, 4_000_000])
@given(tables=counts)
def test_the_expected_mutual_information_is_that_of_scikit_learn(held, tables):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contingency, "_MAX_HELD", held)
        found = ContingencyTables(tables).expected_mutual_information
    for nats, table in zip(found, tables, strict=True):
        present = table[table.any(axis=1)][:, table.any(axis=0)]
        n_songs = int(table.sum())
        expected = metrics.cluster.expected_mutual_information(present, n_songs)
        assert nats == pytest.approx(n_songs * expected, abs=1e-9)


def test_equal_cells_of_many_tables_are_computed_once(monkeypatch):
    computed = []
    compute = contingency._expected_nats

    def counting(*sizes):
        computed.append(len(sizes[0]))
        return compute(*sizes)

    monkeypatch.setattr(contingency, "_expected_nats", counting)
    score_tables(ContingencyTables(np.tile([[3, 1], [0, 2]], (5, 1, 1))))
    # Classes of 4 and 2 songs, and two clusters of 3.
    assert computed == [2]


def _rand_index(tables):
    """Share of pairs that labels and clusters agree on: to keep together or to part."""
    apart = tables.n_pairs - tables.pairs_of_classes - tables.pairs_of_clusters
    return (apart + 2 * tables.pairs_together) / tables.n_pairs


def test_one_entry_gives_a_metric_its_scores_null_interval_and_place_in_every_table(monkeypatch):
    entry = ExternalMetric("Rand index", metrics.rand_score, _rand_index)
    monkeypatch.setitem(EXTERNAL_METRICS, "rand", entry)
    random = np.random.default_rng(0)
    artists = np.repeat(np.arange(20), 4)
    genres, clusters = artists % 3, random.integers(0, 4, 80)
    expected = metrics.rand_score(genres, clusters)

    labels = {"genre": pd.Series(genres), "artist": pd.Series(artists)}
    assert external_scores(clusters, labels)["rand_genre"] == expected
    null = permutation_nulls(genres, clusters, 1000, seed=1)["rand"]
    by_artists = group_permutation_nulls(genres, clusters, artists, 1000, seed=1)["rand"]
    interval = external_intervals(genres, clusters, artists, 1000, seed=1)["rand"]
    alone = one_per_artist_scores(genres, clusters, artists, 1000, seed=1)["rand"]
    assert null.score == by_artists.score == interval.score == pytest.approx(expected)
    assert interval.low < interval.high
    (row,) = (
        one
        for one in significance(clusters, labels, seed=1)
        if (one.label, one.score) == ("genre", "rand")
    )
    assert row[3:9] == (null.score, interval.low, interval.high, null.mean, null.high, null.p_value)
    assert (row.p_value_artists, row.one_per_artist) == (by_artists.p_value, alone)

    scored = frames.metrics(
        *(frames.scored(seed=seed) | {f"rand_{of}": 0.8 for of in frames.LABELS} for seed in (0, 1))
    )
    table = reporting.suite_table([scored])
    for label in frames.LABELS:
        assert table[f"rand_{label}_mean"][0] == pytest.approx(0.8)
        assert table[f"rand_{label}_std"][0] == pytest.approx(0)
    tables = reporting.SuiteTables(frames.summary(scored), table)
    page = reporting.page(reporting.Contents("title", {"easy": tables}))
    assert ">genre Rand index</th>" in page
