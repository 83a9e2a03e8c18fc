"""How many clusters `cluster` finds: that of the call, of the config, or of the silhouette."""

import numpy as np
import pytest
from listings import represent

import musicvae_jax as mv
from musicvae_jax import verbs

# Three far groups of six songs.
POINTS = np.repeat(10 * np.eye(3), 6, axis=0) + np.random.default_rng(0).normal(size=(18, 3))


def clustered(k=None, **config):
    return mv.cluster(represent("mine", [POINTS]), k, config=mv.ClusterConfig(**config))


def test_the_call_comes_before_the_config_and_the_config_before_the_silhouette():
    mine = represent("mine", [POINTS])
    five = mv.ClusterConfig(k=5)
    found = [
        *(mv.cluster(mine), mv.cluster(mine, 4)),
        *(mv.cluster(mine, config=five), mv.cluster(mine, 2, config=five)),
    ]
    assert [one.k for one in found] == [3, 4, 5, 2]
    assert [len(set(one.labels[0])) for one in found] == [3, 4, 5, 2]


def test_with_a_k_no_other_is_tried(monkeypatch):
    monkeypatch.setattr(verbs, "k_curves", lambda *arguments: pytest.fail("others were tried"))
    assert clustered(k=4).k == 4


def test_a_rule_that_it_does_not_have_is_refused_where_it_would_choose():
    assert clustered(k=4, choose_k="stability").k == 4
    with pytest.raises(mv.InputError, match=r"config\.choose_k: got 'stability', expected"):
        clustered(choose_k="stability")


def test_too_few_songs_for_a_k_are_refused():
    with pytest.raises(mv.InputError, match=r"got 18 songs, expected more than cluster\.k"):
        clustered(k=18)
