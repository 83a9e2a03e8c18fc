import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from musicvae_jax.clustering import (
    NOISE,
    KCurves,
    agglomerative,
    choose_k,
    dbscan,
    elbow_k,
    find_clusterer,
    gmm_diag,
    gmm_full,
    k_curves,
    kmeans,
    knee,
    mean_silhouettes,
    sample_songs,
    sampling,
    silhouette,
    silhouette_k,
    stable_k,
    unambiguous_k,
)
from musicvae_jax.config import CLUSTERERS, ClusterConfig
from musicvae_jax.errors import InputError

pytestmark = pytest.mark.usefixtures("quick_manifold")
# Few songs are many here.
LARGE = ClusterConfig(exact_songs=200, restarts=2, k_max=6)


def blobs(n_blobs, per_blob=12):
    """Points around the corners of a simplex, and which corner each belongs to."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(n_blobs), per_blob)
    return 8 * np.eye(n_blobs)[truth] + rng.normal(size=(len(truth), n_blobs)), truth


@pytest.mark.parametrize("n_blobs", [3, 5])
def test_separate_blobs_are_found_and_so_is_their_number(n_blobs):
    x, truth = blobs(n_blobs)
    config = ClusterConfig(k_max=8)
    k = choose_k([k_curves(x, config, seed) for seed in (0, 1)], config)
    assert k == n_blobs
    assert adjusted_rand_score(truth, kmeans(x, k, 0, config).labels) == 1.0


def test_curves_cover_the_range_and_inertia_falls():
    x, _ = blobs(4)
    curves = k_curves(x, ClusterConfig(k_min=3, k_max=7), 0)
    assert curves.k.tolist() == [3, 4, 5, 6, 7]
    assert np.all(np.diff(curves.inertia) < 0)
    assert np.all(np.abs(curves.silhouette) <= 1)


def test_inertia_is_the_within_cluster_sum_of_squares():
    x, _ = blobs(3)
    curves = k_curves(x, ClusterConfig(k_min=3, k_max=3), 0)
    labels = kmeans(x, 3, 0, ClusterConfig()).labels
    by_hand = sum(((x[labels == c] - x[labels == c].mean(axis=0)) ** 2).sum() for c in range(3))
    np.testing.assert_allclose(curves.inertia, [by_hand])


def test_the_range_ends_where_the_silhouette_does():
    curves = k_curves(np.random.default_rng(0).normal(size=(6, 2)), ClusterConfig(), 0)
    assert curves.k.tolist() == [2, 3, 4, 5]


def test_one_k_for_all_seeds_by_the_mean_silhouette():
    k, nothing = np.array([2, 3, 4]), np.zeros(3)
    curves = [
        KCurves(k, nothing, np.array([0.5, 0.4, 0.0])),
        KCurves(k, nothing, np.array([0.0, 0.4, 0.5])),
    ]
    assert choose_k(curves, ClusterConfig(choose_k="silhouette")) == 3
    assert choose_k(curves, ClusterConfig(k=9)) == 9


def test_one_k_for_all_seeds_by_the_mean_inertia_unless_another_rule_is_asked_for():
    k, nothing = np.array([2, 3, 4, 5]), np.zeros(4)
    curves = [KCurves(k, np.array(inertia), nothing) for inertia in ([9.0, 2, 1, 0], [9, 8, 0, 0])]
    assert [elbow_k([curve]) for curve in curves] == [3, 4]
    assert choose_k(curves, ClusterConfig()) == 4


def curve_of(values, rule="stability"):
    values = np.array(values)
    k, nothing = np.arange(2, 2 + len(values)), np.zeros(len(values))
    return KCurves(k, nothing, -nothing)._replace(**{rule: values})


def test_the_largest_of_nearly_equally_stable_k_is_taken():
    curve = curve_of([1.0, 0.7, 0.985, 0.9, np.nan])
    assert stable_k([curve]) == 4
    assert stable_k([curve], tolerance=0.0) == 2
    assert stable_k([curve], tolerance=0.15) == 5
    assert stable_k([curve, curve_of([0.5, 0.7, 0.5, 1.0, 1.0])]) == 5


def test_the_k_with_the_fewest_ambiguous_pairs_is_taken_the_largest_of_equals():
    curve = curve_of([0.3, 0.1, 0.2, 0.1, np.nan], "pac")
    assert unambiguous_k([curve]) == 5
    assert unambiguous_k([curve, curve_of([0.3, 0.2, 0.0, 0.3, 0.0], "pac")]) == 4


@pytest.mark.parametrize(
    ("rule", "k"), [("elbow", 3), ("silhouette", 2), ("stability", 3), ("pac", 4)]
)
def test_k_is_chosen_by_the_rule_that_was_asked_for(rule, k):
    curve = curve_of([0.5, 0.9, 0.6])._replace(
        inertia=np.array([9.0, 2.0, 1.0]),
        silhouette=np.array([0.2, 0.1, 0.1]),
        pac=np.array([0.2, 0.2, 0.1]),
    )
    assert choose_k([curve], ClusterConfig(choose_k=rule)) == k
    assert choose_k([curve], ClusterConfig(choose_k=rule, k=7)) == 7


@pytest.mark.parametrize("rule", ["stability", "pac"])
@pytest.mark.parametrize("values", [np.full(3, np.nan), np.nan])
def test_songs_too_few_for_a_curve_are_told(rule, values):
    curve = curve_of([0.0, 0.0, 0.0])._replace(**{rule: values})
    with pytest.raises(InputError, match=rf"cluster\.choose_k: got '{rule}' and too few songs"):
        choose_k([curve], ClusterConfig(choose_k=rule))


@pytest.mark.parametrize("method", CLUSTERERS)
def test_the_same_seed_gives_the_same_clusters(method):
    x = np.random.default_rng(0).normal(size=(60, 4))
    first, second = (find_clusterer(method)(x, 7, 3, ClusterConfig(restarts=2)) for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ClusterConfig(k=10), "got 10 songs, expected more than cluster.k, which is 10"),
        (ClusterConfig(k_min=12), "got 10 songs, expected more than cluster.k_min, which is 12"),
    ],
)
def test_too_few_songs_are_counted(config, message):
    with pytest.raises(InputError, match=message):
        k_curves(np.random.default_rng(0).normal(size=(10, 2)), config, 0)


def test_equal_points_are_not_enough():
    x = np.repeat(np.random.default_rng(0).normal(size=(2, 3)), 6, axis=0)
    with pytest.raises(InputError, match="got 12 songs, 2 of them distinct, expected more than"):
        k_curves(x, ClusterConfig(), 0)


def test_the_range_ends_at_the_distinct_points():
    x = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 6, axis=0)
    assert k_curves(x, ClusterConfig(), 0).k.tolist() == [2, 3, 4]


@pytest.mark.parametrize(("k", "expected"), [(3, [3]), (9, [9]), (7, [7])])
def test_a_fixed_k_outside_the_range_is_on_the_curve(k, expected):
    x, _ = blobs(4)
    config = ClusterConfig(k=k, k_min=50, k_max=60)
    assert k_curves(x, config, 0).k.tolist() == expected


@pytest.mark.parametrize("method", CLUSTERERS)
def test_every_clusterer_finds_separate_blobs(method):
    x, truth = blobs(3, 30)
    found = find_clusterer(method)(x, 3, 0, ClusterConfig())
    clustered = found.labels != NOISE
    assert clustered.mean() > (0.7 if method == "dbscan" else 0.999)
    assert adjusted_rand_score(truth[clustered], found.labels[clustered]) == 1.0
    assert np.isnan(found.eps) == (method != "dbscan")
    assert found.note == ""


@pytest.mark.parametrize("method", CLUSTERERS)
@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(90)))
def test_the_order_of_songs_only_renames_clusters(method, order):
    x, _ = blobs(3, 30)
    cluster, config = find_clusterer(method), ClusterConfig(restarts=3)
    before, after = cluster(x, 3, 0, config).labels, cluster(x[order], 3, 0, config).labels
    assert adjusted_rand_score(before[order], after) == 1.0


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=12), st.booleans())
def test_the_knee_is_the_point_farthest_from_the_chord(slopes, falling):
    y = np.cumsum([0, *sorted(slopes)]).astype(float)
    y = y[::-1] if falling else y
    x = np.arange(len(y))
    along = np.array([x[-1], y[-1] - y[0]]) / np.hypot(x[-1], y[-1] - y[0])
    distance = np.abs(x * along[1] - (y - y[0]) * along[0])
    assert distance[knee(x, y)] == pytest.approx(distance.max(), abs=1e-9)


@pytest.mark.parametrize("y", [[1.0], [2.0, 1.0], [0.0, 0.1, 0.2, 0.3], [3.0, 3.0, 3.0]])
def test_a_line_has_its_knee_at_its_start(y):
    assert knee(np.arange(len(y)), np.array(y)) == 0


def test_the_elbow_and_the_silhouette_each_name_a_k():
    k = np.array([2, 3, 4, 5, 6])
    curves = [KCurves(k, np.array([9.0, 5, 1, 0.8, 0.6]), np.array([0.9, 0, 0, 0, 0]))]
    assert (elbow_k(curves), silhouette_k(curves)) == (4, 2)


@pytest.mark.parametrize("dims", [2, 40])
def test_dbscan_takes_eps_from_the_neighbour_distances(dims):
    x = np.random.default_rng(1).normal(size=(50, dims))
    found = dbscan(x, 0, 0, ClusterConfig(min_samples=4))
    distances = np.linalg.norm(x[:, None] - x, axis=-1)
    fourth = np.sort(np.sort(distances, axis=1)[:, 3])
    below = np.linspace(fourth[0], fourth[-1], 50) - fourth
    assert found.eps == pytest.approx(fourth[np.argmax(below)])
    near = distances <= found.eps * (1 + 1e-9)
    core = near.sum(axis=1) >= 4
    np.testing.assert_array_equal(found.labels == NOISE, ~(near & core).any(axis=1))


def test_dbscan_of_equal_songs_is_one_cluster():
    found = dbscan(np.full((20, 30), 0.1, np.float32), 3, 0, ClusterConfig())
    assert (found.labels == 0).all()
    assert found.note == "dbscan: eps is 0, so only equal songs are together; one cluster"


def test_dbscan_of_fewer_songs_than_min_samples_is_noise():
    found = dbscan(np.eye(4), 3, 0, ClusterConfig(min_samples=5))
    assert (found.labels == NOISE).all()
    assert found.note == "dbscan: 4 songs are too few for min_samples 5"


def test_a_full_mixture_of_too_few_songs_says_so():
    x = np.random.default_rng(0).normal(size=(40, 20))
    found = gmm_full(x, 2, 0, ClusterConfig())
    assert (found.labels == NOISE).all()
    assert found.note == "gmm_full: 40 songs are too few for 2 components of 20 dimensions"


@pytest.mark.parametrize("method", sorted(name for name, one in CLUSTERERS.items() if one.takes_k))
def test_fewer_distinct_songs_than_clusters_are_told(method):
    found = find_clusterer(method)(np.repeat(np.eye(2), 10, axis=0), 3, 0, ClusterConfig())
    assert (found.labels == NOISE).all()
    assert found.note == f"{method}: 2 distinct songs are too few for 3 clusters"


def test_a_mixture_that_does_not_converge_is_told(monkeypatch):
    monkeypatch.setattr(
        "sklearn.mixture.GaussianMixture.__init__.__kwdefaults__",
        {**GaussianMixture.__init__.__kwdefaults__, "max_iter": 1},
    )
    x = np.random.default_rng(0).normal(size=(100, 3))
    note = gmm_diag(x, 5, 0, ClusterConfig(restarts=1)).note
    assert note == "gmm_diag: not converged after 1 iterations"


@pytest.mark.parametrize("method", CLUSTERERS)
def test_of_many_songs_too_separate_blobs_are_found(method):
    x, truth = blobs(4, 300)
    found = find_clusterer(method)(x, 4, 0, LARGE)
    clustered = found.labels != NOISE
    assert clustered.mean() > (0.7 if method == "dbscan" else 0.999)
    assert adjusted_rand_score(truth[clustered], found.labels[clustered]) > 0.95
    assert len(np.unique(found.labels[clustered])) == 4
    assert found.note == ""
    assert found.approximation != ""


@pytest.mark.parametrize("method", CLUSTERERS)
def test_of_many_songs_too_the_same_seed_gives_the_same_clusters(method):
    x = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    first, second = (find_clusterer(method)(x, 7, 3, LARGE) for _ in range(2))
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.approximation != ""


@pytest.mark.parametrize("method", CLUSTERERS)
def test_nothing_is_approximate_up_to_the_limit(method):
    x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    at_limit = find_clusterer(method)(x, 7, 3, LARGE)
    below = find_clusterer(method)(x, 7, 3, ClusterConfig(restarts=2))
    assert at_limit.labels.tobytes() == below.labels.tobytes()
    assert at_limit.approximation == ""


def test_the_number_of_separate_blobs_of_many_songs_is_found():
    x, _ = blobs(4, 300)
    curves = k_curves(x, LARGE, 0)
    assert (curves.k.tolist(), choose_k([curves], LARGE)) == ([2, 3, 4, 5, 6], 4)
    by_hand = metrics.silhouette_score(x, kmeans(x, 4, 0, LARGE).labels)
    assert curves.silhouette[2] == pytest.approx(by_hand, abs=0.02)


def test_many_equal_songs_are_clustered():
    x = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 60, axis=0)
    truth = np.repeat(np.arange(5), 60)
    assert adjusted_rand_score(truth, agglomerative(x, 5, 0, LARGE).labels) == 1.0
    of_dbscan = dbscan(x, 0, 0, LARGE)
    assert of_dbscan.eps == 0
    assert adjusted_rand_score(truth, of_dbscan.labels) == 1.0
    assert agglomerative(x, 6, 0, LARGE).note == (
        "agglomerative: 5 distinct songs are too few for 6 clusters"
    )


def test_clusters_that_the_sample_lacks_are_found():
    x = np.append(np.zeros((1000, 2)), [[9, 0], [0, 9]], axis=0)
    assert sample_songs(1002, 200, 0).max() < 1000
    labels = kmeans(x, 3, 0, LARGE).labels
    assert np.bincount(labels).tolist().count(1) == 2
    assert k_curves(x, LARGE, 0).k.tolist() == [2]


def test_songs_join_the_nearest_core_song_within_eps_in_blocks(monkeypatch):
    x = np.random.default_rng(1).normal(size=(500, 2))
    found = dbscan(x, 0, 3, LARGE)
    places = sample_songs(500, 200, 3)
    of_sample = dbscan(x[places], 0, 0, LARGE)
    np.testing.assert_array_equal(found.labels[places], of_sample.labels)
    assert found.eps == of_sample.eps
    apart = np.linalg.norm(x[:, None] - x[places], axis=-1)
    core = (apart[places] <= found.eps * (1 + 1e-9)).sum(axis=0) >= LARGE.min_samples
    to_core = np.where(core, apart, np.inf)
    near = to_core.min(axis=1) <= found.eps
    expected = np.where(near, of_sample.labels[to_core.argmin(axis=1)], NOISE)
    others = np.setdiff1d(np.arange(500), places)
    np.testing.assert_array_equal(found.labels[others], expected[others])

    sizes, argmin = [], metrics.pairwise_distances_argmin
    monkeypatch.setattr(
        metrics, "pairwise_distances_argmin", lambda a, b: sizes.append(len(a)) or argmin(a, b)
    )
    monkeypatch.setattr(sampling, "BLOCK", 64)
    assert dbscan(x, 0, 3, LARGE).labels.tobytes() == found.labels.tobytes()
    assert (max(sizes), sum(sizes)) == (64, 500)


def noisy_groups(n_songs):
    """Overlapping groups, one of them of a single song, and their numbers."""
    rng = np.random.default_rng(0)
    labels = np.append(rng.choice(4, n_songs - 1, p=[0.5, 0.3, 0.15, 0.05]), 4)
    return rng.normal(size=(n_songs, 3)) + 2 * rng.normal(size=(5, 3))[labels], labels


def test_a_sampled_silhouette_is_the_mean_over_sampled_songs_and_its_standard_error():
    x, labels = noisy_groups(600)
    # The smallest cluster's only song is among them.
    of_all = metrics.silhouette_samples(x, labels)
    places = sample_songs(600, 599, silhouette._SEED)
    values = silhouette._silhouettes(x, [labels], places)[0]
    np.testing.assert_allclose(values, of_all[places], atol=1e-9)
    sampled = of_all[sample_songs(600, 200, silhouette._SEED)]
    (found,) = mean_silhouettes(x, [labels], 200)
    assert found.mean == pytest.approx(sampled.mean())
    variance = sum((sampled - sampled.mean()) ** 2) / 199
    assert found.standard_error == pytest.approx(np.sqrt(variance / 200 * (1 - 200 / 600)))


def test_the_standard_error_is_the_spread_over_samples(monkeypatch):
    x, labels = noisy_groups(400)
    found = []
    for seed in range(300):
        monkeypatch.setattr(silhouette, "_SEED", seed)
        found += mean_silhouettes(x, [labels], 100)
    means, errors = np.array(found).T
    # The spread of 300 means is known to 4 percent.
    assert means.std(ddof=1) == pytest.approx(errors.mean(), rel=0.15)
    assert means.mean() == pytest.approx(metrics.silhouette_score(x, labels), abs=4e-3)


@pytest.mark.parametrize("exact_songs", [200, 10_000])
def test_labellings_do_not_change_each_others_silhouettes(exact_songs):
    x, labels = noisy_groups(300)
    other = np.random.default_rng(1).choice([-1, 5, 9], 300)
    assert mean_silhouettes(x, [labels, other], exact_songs) == [
        mean_silhouettes(x, [one], exact_songs)[0] for one in (labels, other)
    ]


def test_equal_points_have_a_silhouette_of_zero():
    (found,) = mean_silhouettes(np.zeros((300, 2)), [np.arange(300) % 2], 200)
    assert found == (0, 0)


def test_sampled_silhouettes_hold_no_table_of_all_distances(monkeypatch):
    monkeypatch.setattr(silhouette, "_MEMORY_MIB", 1)
    x = np.random.default_rng(0).normal(size=(6000, 2))
    tracemalloc.start()
    mean_silhouettes(x, [np.arange(6000) % 3], 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1000 * 6000 * 8 / 4


def test_a_sample_is_drawn_without_replacement_and_by_its_seed():
    places = sample_songs(1000, 300, 1)
    assert len(places) == 300
    assert np.all(np.diff(places) > 0)
    assert (places.min() >= 0, places.max() < 1000) == (True, True)
    assert places.tolist() == sample_songs(1000, 300, 1).tolist()
    assert places.tolist() != sample_songs(1000, 300, 2).tolist()
    assert sample_songs(5, 300, 1).tolist() == [0, 1, 2, 3, 4]
