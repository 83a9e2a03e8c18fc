"""How many clusters `cluster` finds: that of the call, of the config, or of its rule."""

import numpy as np
import pytest
from listings import represent

import musicvae_jax as mv
from musicvae_jax import verbs
from musicvae_jax.config import K_RULES

# Three far groups of six songs.
POINTS = np.repeat(10 * np.eye(3), 6, axis=0) + np.random.default_rng(0).normal(size=(18, 3))


@pytest.fixture(autouse=True)
def few_subsets(monkeypatch):
    monkeypatch.setattr("musicvae_jax.evaluation.ambiguity._SUBSETS", 10)


def clustered(k=None, **config):
    return mv.cluster(represent("mine", [POINTS]), k, config=mv.ClusterConfig(**config))


def test_the_call_comes_before_the_config_and_the_config_before_the_elbow():
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


@pytest.mark.parametrize("rule", K_RULES)
def test_each_rule_chooses_where_no_k_is_given(rule):
    assert clustered(k=4, choose_k=rule).k == 4
    assert clustered(choose_k=rule, k_max=6).k == 3


@pytest.mark.slow
def test_the_rule_that_is_asked_for_is_the_one_that_chooses():
    # Two far groups of three near clusters.
    centres = np.array([[x, y] for x in (0, 300) for y in (0, 9, 18)])
    x = np.repeat(centres, 20, axis=0) + np.random.default_rng(0).normal(size=(120, 2))
    found = {
        rule: mv.cluster(
            represent("mine", [x]), config=mv.ClusterConfig(choose_k=rule, k_max=8, restarts=2)
        ).k
        for rule in K_RULES
    }
    assert found == {"elbow": 4, "silhouette": 2, "stability": 6, "pac": 6}


def test_too_few_songs_for_a_k_are_refused():
    with pytest.raises(mv.InputError, match=r"got 18 songs, expected more than cluster\.k"):
        clustered(k=18)
