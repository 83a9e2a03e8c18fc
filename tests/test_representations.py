import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicvae_jax import representations
from musicvae_jax.representations import (
    Balance,
    Representation,
    apply_pca,
    fit_balance,
    fit_pca,
    fit_pca_pair,
    fuse,
    union,
)

X = np.random.default_rng(0).normal(size=(20, 5)) * [5, 4, 3, 2, 1]


def principal_components(x, train, n_components):
    return apply_pca(fit_pca(x, train, n_components), x)


def test_components_are_uncorrelated_with_falling_variance():
    latents = principal_components(X, np.arange(20), 4)
    assert latents.shape == (20, 4)
    assert latents.dtype == np.float32
    covariance = np.cov(latents.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-4)
    assert np.all(np.diff(np.diag(covariance)) < 0)


def test_all_components_keep_all_distances():
    latents = principal_components(X, np.arange(20), 5)
    np.testing.assert_allclose(
        np.linalg.norm(latents[3] - latents[9]), np.linalg.norm(X[3] - X[9]), rtol=1e-5
    )


def test_components_are_those_of_the_covariance_of_the_training_songs():
    train = np.arange(12)
    projection = fit_pca(X, train, 5)
    np.testing.assert_allclose(projection.mean, X[:12].mean(axis=0))
    values, vectors = np.linalg.eigh(np.cov(X[:12].T))
    for found, expected in zip(projection.components, vectors.T[::-1], strict=True):
        np.testing.assert_allclose(abs(found @ expected), 1, rtol=1e-9)
    centred = (X - projection.mean) @ projection.components.T
    np.testing.assert_allclose(apply_pca(projection, X), centred, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(centred[:12].var(axis=0, ddof=1), values[::-1], rtol=1e-9)


def test_whitened_components_have_variance_one_and_no_correlation():
    train = np.arange(12)
    latents = apply_pca(fit_pca(X, train, 4, whitened=True), X)[train]
    np.testing.assert_allclose(np.cov(latents.T), np.eye(4), atol=1e-5)
    plain = apply_pca(fit_pca(X, train, 4), X)[train]
    np.testing.assert_allclose(latents, plain / plain.std(axis=0, ddof=1), rtol=1e-4, atol=1e-5)


def test_a_component_without_variance_is_not_blown_up():
    flat = np.concatenate([X, X[:, :2]], axis=1)
    assert apply_pca(fit_pca(flat, np.arange(20), 7, whitened=True), flat).shape == (20, 5)


@pytest.mark.parametrize("at_once", [7, 8192])
@pytest.mark.parametrize("n_components", [1, 3, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_songs_have_the_components_of_few(monkeypatch, at_once, n_components, dtype):
    flat = (np.concatenate([X, X[:, :2]], axis=1) + 9).astype(dtype)
    train = np.arange(1, 18)
    few = fit_pca_pair(flat, train, n_components)
    monkeypatch.setattr(representations, "_MOST_DECOMPOSED", 16)
    monkeypatch.setattr(representations, "_SONGS_AT_ONCE", at_once)
    many = fit_pca_pair(flat, train, n_components)
    n_varying, tolerance = min(n_components, 5), 1e-5 if dtype == np.float32 else 1e-9
    for one, other in zip(few, many, strict=True):
        assert other.components.dtype == dtype
        np.testing.assert_allclose(other.mean, one.mean, rtol=tolerance)
        found, expected = (of.components[:n_varying] for of in (other, one))
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    assert len(many.plain.components) == n_components
    assert len(many.whitened.components) == n_varying


def test_whitened_components_are_the_plain_ones_scaled():
    pair = fit_pca_pair(X, np.arange(20), 4)
    np.testing.assert_array_equal(pair.plain.components, fit_pca(X, np.arange(20), 4).components)
    first = fit_pca(X, np.arange(20), 2)
    np.testing.assert_array_equal(pair.plain.components[:2], first.components)
    lengths = np.linalg.norm(pair.whitened.components, axis=1, keepdims=True)
    np.testing.assert_allclose(pair.whitened.components / lengths, pair.plain.components)


def test_held_out_songs_do_not_move_the_components():
    train = np.arange(10)
    changed = X.copy()
    changed[15] *= 100
    first, second = (principal_components(x, train, 3) for x in (X, changed))
    np.testing.assert_array_equal(first[:10], second[:10])
    assert np.any(first[15] != second[15])


@pytest.mark.parametrize(("n_train", "expected"), [(3, 3), (20, 5)])
def test_no_more_components_than_songs_or_features(n_train, expected):
    assert principal_components(X, np.arange(n_train), 32).shape == (20, expected)


def of(points, name="one", known=None, columns=("lyrics",)):
    """A representation of songs called 0, 1, 2, ..."""
    points = np.asarray(points, np.float32)
    n_songs = points.shape[1]
    known = np.ones(n_songs, bool) if known is None else np.asarray(known)
    return Representation(name, np.arange(n_songs).astype(object), points, known, columns)


def joined(*blocks):
    parts = [of(block[None]) for block in blocks]
    return fuse(parts, [fit_balance(part.points) for part in parts]).points[0]


def variance(x):
    return float(np.var(x, axis=0, dtype=np.float64).sum())


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.floats(1e-3, 1e3))
def test_no_block_drowns_another(widths, loudness):
    rng = np.random.default_rng(2)
    blocks = [rng.normal(i, 1 + i, (30, width)) for i, width in enumerate(widths)]
    blocks[0] = blocks[0] * loudness
    found = joined(*blocks)
    assert found.dtype == np.float32
    for part in np.split(found, np.cumsum(widths)[:-1], axis=1):
        assert variance(part) == pytest.approx(1, rel=1e-4)
        np.testing.assert_allclose(part.mean(axis=0), 0, atol=1e-5)


def test_a_constant_block_adds_nothing():
    found = joined(np.eye(4), np.full((4, 2), 7.0))
    assert np.all(found[:, 4:] == 0)
    assert np.isfinite(found).all()


def test_distances_within_a_block_keep_their_proportions():
    block = np.random.default_rng(3).normal(size=(10, 5))
    ratio = np.linalg.norm(np.diff(joined(block), axis=0), axis=1) / np.linalg.norm(
        np.diff(block, axis=0), axis=1
    )
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_each_seed_is_balanced_by_itself():
    points = np.random.default_rng(4).normal(3, [[[1]], [[10]]], (2, 20, 4))
    balance = fit_balance(points)
    np.testing.assert_allclose(balance.centre, points.mean(axis=1))
    for seed in (0, 1):
        assert balance.deviation[seed] == pytest.approx(np.sqrt(variance(points[seed])))
    found = fuse([of(points)], [balance]).points
    assert [variance(one) for one in found] == pytest.approx([1, 1], rel=1e-4)


def test_a_fusion_knows_what_all_of_its_parts_know():
    drawn = of(np.ones((2, 3, 1)), "vae", [True, True, False], ("melspectrogram",))
    fixed = of(np.zeros((1, 3, 2)), "genre", [True, False, False], ("genre", "melspectrogram"))
    plain = [Balance(np.zeros((1, width)), np.ones(1)) for width in (1, 2)]
    found = fuse([drawn, fixed], plain)
    assert found.name == "vae+genre"
    np.testing.assert_array_equal(found.points, np.tile([1, 0, 0], (2, 3, 1)))
    assert found.known.tolist() == [True, False, False]
    assert found.columns_seen == ("melspectrogram", "genre")
    assert found.labels_seen == ("genre",)


def test_only_representations_of_the_same_songs_can_be_fused():
    one = of(np.zeros((1, 3, 2)))
    plain = [Balance(np.zeros((1, 2)), np.ones(1))] * 2
    for other in (one._replace(songs=one.songs[::-1]), of(np.zeros((1, 4, 2)))):
        with pytest.raises(ValueError, match=r"^parts: got different songs, expected"):
            fuse([one, other], plain)


def test_points_that_are_not_drawn_are_the_same_under_every_seed():
    points = np.arange(12.0).reshape(2, 3, 2)
    np.testing.assert_array_equal(of(points).of_seed(1), points[1])
    np.testing.assert_array_equal(of(points[:1]).of_seed(1), points[0])


def test_some_of_the_songs():
    one = of(np.arange(12.0).reshape(2, 3, 2), known=[True, False, True])
    found = one.at(np.array([2, 0]))
    assert found.songs.tolist() == [2, 0]
    np.testing.assert_array_equal(found.points, one.points[:, [2, 0]])
    assert found.known.tolist() == [True, True]
    assert found.points[0].flags.c_contiguous
    assert one.at(np.arange(3)) is one


def test_columns_are_listed_once_in_the_order_of_their_appearance():
    assert union(("b", "a"), (), ("a", "c", "b")) == ("b", "a", "c")


def test_a_representation_without_its_columns_cannot_be_made():
    with pytest.raises(TypeError, match="columns_seen"):
        Representation("vae", np.arange(3), np.zeros((1, 3, 2)), np.ones(3, bool))
