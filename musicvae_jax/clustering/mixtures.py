"""Gaussian mixtures with full and with diagonal covariances."""

import warnings
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from musicvae_jax.clustering.result import (
    Clustering,
    missing_clusters,
    no_clusters,
    too_few_distinct,
)
from musicvae_jax.clustering.sampling import sample_songs, sample_text, song_blocks
from musicvae_jax.config import ClusterConfig


def gmm_full(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    """The best of `config.restarts` mixtures of k Gaussians of any shape, `[songs, dimensions]`.

    A covariance needs dimensions + 1 songs to have full rank. With fewer than k times as many, or
    fewer than k distinct points, all songs are noise and the note says so. The note also reports
    components without songs and a fit that did not converge. Above `config.exact_songs` songs the
    mixture is fitted to a sample of that size.
    """
    n_songs, dims = min(len(x), config.exact_songs), x.shape[1]
    if note := too_few_for_full(n_songs, dims, k, "gmm_full"):
        return no_clusters(len(x), note)
    return gaussian_mixture(x, k, seed, config, "full", "gmm_full")


def gmm_diag(x: np.ndarray, k: int, seed: int, config: ClusterConfig) -> Clustering:
    """As `gmm_full`, with axis-parallel Gaussians, which need only k distinct points."""
    return gaussian_mixture(x, k, seed, config, "diag", "gmm_diag")


def too_few_for_full(n_songs: int, dims: int, k: int, method: str) -> str:
    """A note if so many songs leave k full covariances of `dims` dimensions singular, else ""."""
    if n_songs >= k * (dims + 1):
        return ""
    return f"{method}: {n_songs} songs are too few for {k} components of {dims} dimensions"


def gaussian_mixture(
    x: np.ndarray,
    k: int,
    seed: int,
    config: ClusterConfig,
    covariance: Literal["full", "diag"],
    method: str,
) -> Clustering:
    """A mixture of points `[songs, dimensions]`; its notes are those of the clusterer `method`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    is_sampled = len(x) > config.exact_songs
    # In float32 the Cholesky factors of nearly flat components fail.
    fitted = x[sample_songs(len(x), config.exact_songs, seed)] if is_sampled else x
    points = np.asarray(fitted, np.float64)
    if note := too_few_distinct(points, k, method):
        return no_clusters(len(x), note)
    # Relative to the data, so that its units do not matter; variances near 0 would otherwise fail.
    floor = 1e-6 * points.var(axis=0).mean()
    mixture = GaussianMixture(
        int(k),
        covariance_type=covariance,
        n_init=config.restarts,
        reg_covar=floor,
        random_state=seed,
    )
    # One thread gives the same bytes on every run, and at these sizes is 5 to 25 times as fast as
    # two that wait for each other on a busy machine.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # The note reports it instead.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = mixture.fit_predict(points)
        if is_sampled:
            blocks = song_blocks(len(x))
            labels = np.concatenate([mixture.predict(x[b].astype(np.float64)) for b in blocks])
    notes = [missing_clusters(labels, k, method)]
    if not mixture.converged_:
        notes.append(f"{method}: not converged after {mixture.n_iter_} iterations")
    return Clustering(
        labels,
        note="; ".join(filter(None, notes)),
        approximation=sample_text(len(points)) if is_sampled else "",
    )
