import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score

from musicvae_jax.clustering import kmeans as of_run
from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation import (
    average_linkage_consensus,
    kmeans_agreement,
    resampled_agreement,
    seed_agreement,
)


def kmeans(x, k, seed):
    return KMeans(k, n_init=3, random_state=seed).fit_predict(x)


def blobs(n_songs=120, k=4, seed=0):
    truth = np.arange(n_songs) % k
    centres = 10 * np.eye(k)
    return centres[truth] + np.random.default_rng(seed).normal(size=(n_songs, k)), truth


def test_agreement_is_taken_over_all_pairs():
    random = np.random.default_rng(0)
    one, two, three = random.integers(0, 3, (3, 50))
    scores = [
        adjusted_mutual_info_score(*pair) for pair in ((one, two), (one, three), (two, three))
    ]
    assert seed_agreement([one, two, three]) == pytest.approx((np.mean(scores), min(scores)))


def test_names_of_clusters_do_not_matter():
    assert seed_agreement([np.array([0, 0, 1, 2]), np.array([7, 7, -1, 3])]) == (1, 1)


@pytest.mark.parametrize("clusterings", [[], [np.array([0, 1])]])
def test_one_clustering_agrees_with_nothing(clusterings):
    assert np.isnan(seed_agreement(clusterings)).all()


def test_what_is_compared_are_the_songs_in_both_subsets():
    x = np.arange(10.0)[:, None]
    seen = []

    def cluster(points, k, seed):
        seen.append((points[:, 0], k, seed))
        return points[:, 0].astype(int) % k

    found = resampled_agreement(x, 3, cluster, n_pairs=2, seed=0, share=0.75)
    # The same songs are always together, in any subset.
    assert found == (1, 1)
    assert [len(points) for points, _, _ in seen] == [8] * 4
    assert len({tuple(points) for points, _, _ in seen}) > 1
    assert {k for _, k, _ in seen} == {3}
    assert len({seed for _, _, seed in seen}) == 4


def test_planted_clusters_come_out_again_and_chance_does_not():
    x, _ = blobs()
    assert resampled_agreement(x, 4, kmeans, 5, seed=0).minimum == pytest.approx(1)

    def thrown(points, k, seed):
        return np.random.default_rng(seed).integers(0, k, len(points))

    assert resampled_agreement(x, 4, thrown, 40, seed=0).mean == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_subsets_that_may_share_nothing_or_all_are_refused(share):
    with pytest.raises(ValueError, match=f"share is {share}, expected above 0.5 and below 1"):
        resampled_agreement(np.zeros((4, 1)), 2, kmeans, 1, 0, share)


def test_the_planted_k_is_the_most_stable():
    x, _ = blobs()
    config = ClusterConfig(restarts=3)
    found = [kmeans_agreement(x, k, config, n_pairs=5, seed=0).mean for k in range(2, 8)]
    assert found[2] == pytest.approx(1)
    assert np.argmax(found) == 2


def test_the_agreement_of_kmeans_is_that_of_the_runs_clusterer():
    x, config = np.random.default_rng(0).normal(size=(40, 2)), ClusterConfig(restarts=2)

    def cluster(points, k, seed):
        return of_run(points, k, seed, config).labels

    expected = resampled_agreement(x, 5, cluster, n_pairs=3, seed=4)
    assert kmeans_agreement(x, 5, config, n_pairs=3, seed=4) == expected
    assert 0 < expected.minimum < expected.mean < 1


@pytest.mark.parametrize(("n_songs", "is_told"), [(10, True), (9, True), (8, False)])
def test_single_songs_in_clusters_are_no_agreement(n_songs, is_told):
    x = np.random.default_rng(0).normal(size=(n_songs, 2))
    found = resampled_agreement(x, 4, kmeans, n_pairs=1, seed=0)
    assert np.isfinite(found).tolist() == [is_told] * 2


def test_the_consensus_of_one_is_itself():
    one = np.array([3, 3, 1, 1, 0, 0])
    assert adjusted_mutual_info_score(average_linkage_consensus([one], 3), one) == 1
    assert average_linkage_consensus([one], 1).tolist() == [0] * 6
    assert average_linkage_consensus([one[:1]], 1).tolist() == [0]


def test_a_majority_by_hand():
    # Song 2 is with 0 and 1 in two of three.
    clusterings = [np.array(list(text)) for text in ("aaabb", "xxxyy", "00111")]
    codes = [np.unique(one, return_inverse=True)[1] for one in clusterings]
    found = average_linkage_consensus(codes, 2)
    assert adjusted_mutual_info_score(found, [0, 0, 0, 1, 1]) == pytest.approx(1)


def test_a_consensus_of_poor_clusterings_beats_each():
    _, truth = blobs(200)
    random = np.random.default_rng(1)
    poor = [
        np.where(random.random(200) < 0.4, random.integers(0, 4, 200), truth) for _ in range(15)
    ]
    scores = [adjusted_mutual_info_score(truth, one) for one in poor]
    assert adjusted_mutual_info_score(truth, average_linkage_consensus(poor, 4)) > max(scores) + 0.2


def test_noise_is_not_evidence_of_being_together():
    # As a cluster of its own the noise, in three of four, would bind songs 1 and 2.
    clusterings = [np.array([0, -1, -1, 1])] * 3 + [np.array([0, 0, 1, 1])]
    found = average_linkage_consensus(clusterings, 2)
    assert adjusted_mutual_info_score(found, [0, 0, 1, 1]) == pytest.approx(1)


def test_a_consensus_has_k_clusters_even_where_pairs_are_equally_far():
    assert sorted(np.bincount(average_linkage_consensus([np.arange(6)], 3))) != [6]
    assert len(np.unique(average_linkage_consensus([np.arange(6)], 3))) == 3
