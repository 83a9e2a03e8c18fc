"""Models that start at parameters of their own: an autoencoder, then a mixture."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sweepmodels import assert_trees_close

from musicvae_jax.config import Member, TrainConfig
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.models.vade import VaDE
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import Data, DivergenceError, Examples, pretraining
from musicvae_jax.training.pretraining import _fit_mixture, pretrain_members
from musicvae_jax.training.resume import SaveConfig, save_in
from musicvae_jax.training.sweeps import train_members

pytestmark = pytest.mark.usefixtures("default_optimisations")

MODEL = VaDE(features=6, hidden=(8,), latent=2, components=3)
CONFIG = TrainConfig(epochs=7, pretrain_epochs=6, batch_size=16)
MEMBERS = (Member(1.0, 1e-3, 4), Member(2.0, 1e-3, 9), Member(1.0, 1e-2, 9))
# Never moves.
STILL = tuple(member._replace(learning_rate=0.0) for member in MEMBERS)


@pytest.fixture(scope="module")
def data():
    x, _ = make_blobs(60, 6, centers=3, random_state=0)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    return Data(Examples(x[:48]), Examples(x[48:]))


@pytest.fixture(scope="module")
def pretrained(default_optimisations, data):
    return pretrain_members(MODEL, CONFIG, MEMBERS, data)


class Starts:
    """A `start_params` of parameters that are there already; notes the members it is asked for."""

    def __init__(self, params):
        self.params, self.asked = params, []

    def __call__(self, members):
        self.asked.append(len(members))
        places = [(one.beta, one.seed) for one in MEMBERS]
        own = [places.index((one.beta, one.seed)) for one in members]
        return jax.tree.map(lambda leaf: leaf[own], self.params)


@pytest.fixture(scope="module")
def state_bytes(default_optimisations, data):
    """Size of the state of a member."""
    state, _ = train_members(MODEL, CONFIG, MEMBERS[:1], data, mesh=make_mesh(1, 1))
    return sum(leaf.nbytes for leaf in jax.tree.leaves(state))


@pytest.mark.slow
def test_pretraining_finds_the_autoencoder_and_the_mixture_of_its_latents(data, pretrained):
    first = MODEL.pretraining()
    short = replace(CONFIG, epochs=CONFIG.pretrain_epochs)
    state, _ = train_members(first, short, MEMBERS, data)
    for part in ("encoder", "decoder"):
        assert_trees_close(pretrained["params"][part], state.params["params"][part])
    for place in range(len(MEMBERS)):
        params = jax.tree.map(lambda leaf, i=place: leaf[i], pretrained)
        latents = np.asarray(MODEL.apply(params, data.train.x, method="encode").mean)
        shares = MODEL.apply(params, data.train.x, method="responsibilities")
        prior = {name: params["params"][name] for name in ("logits", "means", "log_vars")}
        # Where EM has converged, the mixture is the weighted moments of the latents.
        np.testing.assert_allclose(jax.nn.softmax(prior["logits"]), shares.mean(axis=0), atol=0.01)
        means = (shares.T @ latents) / shares.sum(axis=0)[:, None]
        np.testing.assert_allclose(prior["means"], means, atol=0.02)


@pytest.mark.parametrize(
    ("at_once", "devices", "groups"), [(3, 1, [3]), (2, 1, [2, 1]), (3, 8, [3]), (2, 8, [2, 1])]
)
@pytest.mark.slow
def test_training_starts_at_the_given_parameters(
    data, pretrained, state_bytes, at_once, devices, groups
):
    start = Starts(pretrained)
    state, _ = train_members(
        *(MODEL, CONFIG, STILL, data),
        mesh=make_mesh(at_once, devices),
        state_bytes=at_once * state_bytes,
        start_params=start,
    )
    assert start.asked == groups
    assert_trees_close(state.params, pretrained)


@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.slow
def test_groups_on_any_devices_pretrain_as_one_group_does(data, pretrained, state_bytes, devices):
    mesh = make_mesh(2, devices)
    found, _ = train_members(
        *(MODEL, replace(CONFIG, epochs=1), MEMBERS, data),
        mesh=mesh,
        state_bytes=2 * state_bytes,
        start_params=lambda members: pretrain_members(MODEL, CONFIG, members, data, mesh=mesh),
    )
    expected, _ = train_members(
        *(MODEL, replace(CONFIG, epochs=1), MEMBERS, data), start_params=Starts(pretrained)
    )
    assert_trees_close(found.params, expected.params, rtol=1e-3, atol=1e-3)


def saving(folder, stop_after=None):
    """Saves in a folder; asked for the n-th time whether to stop, says yes."""
    asked = iter(range(1, 10_000))
    should_stop = lambda: next(asked) == stop_after  # noqa: E731
    config = SaveConfig(every=1, kept=2, seconds_between=0.0)
    return partial(save_in, folder, config, should_stop, lambda line: None)


def test_what_was_saved_is_not_pretrained_again(data, pretrained, tmp_path):
    def train(**options):
        start = Starts(pretrained)
        return start, train_members(
            *(MODEL, CONFIG, MEMBERS, data), state_bytes=1, start_params=start, **options
        )

    # Members train one after the other, in two steps each: the second one is stopped in between.
    with pytest.raises(StoppedError):
        train(open_saver=saving(tmp_path, stop_after=3))
    _, uninterrupted = train()
    start, resumed = train(open_saver=saving(tmp_path))
    assert start.asked == [1]
    assert_trees_close(resumed, uninterrupted)


@pytest.mark.parametrize(("stop_after", "n_mixtures"), [(1, 0), (2, 0), (3, 0), (5, 2)])
def test_a_stop_request_ends_pretraining(data, monkeypatch, stop_after, n_mixtures):
    fitted = []

    def fit(*arguments):
        fitted.append(arguments)
        return _fit_mixture(*arguments)

    monkeypatch.setattr(pretraining, "_fit_mixture", fit)
    asked = iter(range(1, 100))
    with pytest.raises(StoppedError, match="stopped while pretraining"):
        pretrain_members(
            *(MODEL, CONFIG, MEMBERS, data), should_stop=lambda: next(asked) == stop_after
        )
    assert len(fitted) == n_mixtures


def test_settings_of_the_kl_do_not_change_pretraining(data, pretrained):
    # With these cycles, so few epochs would be refused.
    config = replace(CONFIG, epochs=20, kl_warmup="cyclical", warmup_cycles=10, free_bits=0.5)
    assert_trees_close(pretrain_members(MODEL, config, MEMBERS, data), pretrained)


def test_fewer_songs_than_components_are_refused(data):
    model = MODEL.clone(components=49)
    message = r"^model\.components: got 49, expected at most 48, the number of training songs"
    with pytest.raises(InputError, match=message):
        pretrain_members(model, CONFIG, MEMBERS, data)


@pytest.mark.slow
def test_an_autoencoder_that_diverges_is_named(data):
    wild = (MEMBERS[0], MEMBERS[1]._replace(learning_rate=1e18))
    with pytest.raises(DivergenceError, match=r"diverged at beta 2, learning rate 1e\+18, seed 9"):
        pretrain_members(MODEL, CONFIG, wild, data)


@pytest.mark.parametrize("n_constant", [1, 2])
def test_latents_that_are_the_same_for_all_songs_have_a_mixture(n_constant):
    x = np.random.default_rng(0).normal(size=(30, 2))
    x[:, :n_constant] = 5.0
    weights, means, variances = _fit_mixture(x, 3, 0)
    assert weights.sum() == pytest.approx(1)
    # One without songs may lie anywhere.
    np.testing.assert_allclose(means[weights > 0.01, :n_constant], 5.0, rtol=1e-5)
    assert np.all(variances > 0)
    assert np.isfinite(np.log(variances)).all()
