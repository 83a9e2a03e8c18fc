import gc
import os
from contextlib import closing

import joblib
import numpy as np
import pandas as pd
import pytest

from musicvae_jax.config import ClusterConfig
from musicvae_jax.evaluation import evaluate
from musicvae_jax.runtime.workers import Workers, processes

HERE, ELSEWHERE = Workers(min_songs=10), Workers(min_songs=0)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """On one there would be nothing to share."""
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)


def test_few_songs_are_done_in_this_process():
    assert set(HERE.map(os.getpid, [()] * 3, n_songs=9)) == {os.getpid()}
    assert os.getpid() not in set(ELSEWHERE.map(os.getpid, [()] * 3, n_songs=9))


def test_other_processes_give_the_same_numbers_in_the_same_order():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)).astype(np.float32) + 4 * rng.integers(0, 3, (60, 1))
    labels = {"genre": pd.Series(rng.choice(["a", "b", "c"], 60))}
    calls = [
        (method, x, 3, seed, ClusterConfig(restarts=2), labels)
        for method in ("kmeans", "gmm_diag")
        for seed in (0, 1)
    ]
    here, elsewhere = (list(w.map(evaluate, calls, n_songs=5)) for w in (HERE, ELSEWHERE))
    for a, b in zip(here, elsewhere, strict=True):
        np.testing.assert_array_equal(a.clustering.labels, b.clustering.labels)
        np.testing.assert_equal(a.scores, b.scores)


def test_a_map_of_which_only_the_results_were_read_stops_no_other():
    first, nothing, second = (
        ELSEWHERE.map(np.square, [(i,) for i in range(n)], n_songs=5) for n in (3, 0, 40)
    )
    assert [next(first) for _ in range(3)] == [0, 1, 4]
    # Dropped before anyone has asked for a fourth.
    del first, nothing
    gc.collect()
    assert list(second) == [i * i for i in range(40)]


def test_all_work_for_as_many_processes_is_done_by_the_same_ones():
    calls = [()] * 20
    mapped = set(ELSEWHERE.map(os.getpid, calls, n_songs=5))
    others = set(processes(2, batch_size=1)(joblib.delayed(os.getpid)() for _ in calls))
    assert len(mapped | others) <= 2


def test_work_without_calls_ends_as_other_work_does():
    with closing(HERE.map(len, [], n_songs=0)) as results:
        assert list(results) == []
