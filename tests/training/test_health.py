import numpy as np
import pytest

from musicvae_jax import training
from musicvae_jax.config import Member
from musicvae_jax.training.health import notes_of


def test_a_collapsed_posterior_gives_a_note():
    units = np.array([[32, 3], [0, 4], [9, 0]])
    much = training.Losses(*[np.full((3, 2), 9.0)] * 3)
    members = [Member(1.0, 1e-3, 0), Member(2.0, 1e-3, 0), Member(200.0, 1e-3, 5)]
    first, last = training.collapse_notes(training.History(much, much, units), members, 32)
    assert "beta 1, learning rate 0.001, seed 0: 3 of 32 latent dimensions are active, so" in first
    assert "beta 200, learning rate 0.001, seed 5: 0 of 32" in last
    for cure in ("--train.free-bits 0.1", "--train.kl-warmup linear", "smaller --train.beta"):
        assert cure in last
    other = "something else"
    assert notes_of([first, last, other], members[1:]) == [last, other]


def notes(kl, decoded=None):
    """Of one member with 30 of 32 active units, and nothing in the place of the KL."""
    losses = training.Losses(*[np.zeros((1, 2), np.float32)] * 3)
    history = training.History(losses, losses, np.array([[0, 30]]))
    return training.collapse_notes(history, [Member(1.0, 1e-3, 0)], 32, decoded, kl)


@pytest.mark.parametrize("decoded", [None, [0.3], [np.nan]])
@pytest.mark.parametrize("kl", [None, [9.0], [np.nan]])
def test_active_units_that_tell_much_give_no_note(decoded, kl):
    assert notes(kl, decoded) == []


@pytest.mark.parametrize(
    ("kl", "decoded", "expected"),
    [
        (9.0, 0.004, "30 of 32 latent dimensions are active, but the decoder explains 0.4% of the"),
        (
            9.0,
            -0.2,
            "the decoder explains 0.0% of the songs' variance with them, so clusters of "
            "these latents mean little; try more --train.epochs, --train.free-bits 0.1",
        ),
        (
            0.3,
            0.3,
            "but hold 0.30 nats of KL; telling two groups of songs apart takes 0.69, so clusters",
        ),
    ],
)
def test_active_units_that_tell_nothing_give_a_note(kl, decoded, expected):
    (line,) = notes([kl], [decoded])
    assert expected in line


def test_a_low_kl_gives_a_note_without_the_shares_too():
    (line,) = notes([0.3])
    assert "but hold 0.30 nats of KL" in line


def test_a_term_of_the_models_own_that_is_not_finite_is_an_error():
    losses = training.Losses(*np.ones((3, 1, 2)), {"commitment": np.array([[1.0, np.nan]])})
    history = training.History(losses, losses, np.ones((1, 2), int))
    with pytest.raises(training.DivergenceError, match=r"epoch 2 .*heldout commitment nan"):
        training.check_finite(history, [Member(1.0, 1e-3, 0)])


@pytest.mark.parametrize("side", ["train", "heldout"])
def test_only_a_member_whose_losses_are_not_finite_is_an_error(side):
    losses = training.Losses(*np.ones((3, 2, 4), np.float32))
    history = training.History(losses, losses, np.ones((2, 4), int))
    members = [Member(1.0, 1e-3, 5), Member(1.0, 1e-3, 6)]
    np.testing.assert_array_equal(training.is_finite(history), True)
    training.check_finite(history, members)
    bound = losses.negative_elbo.copy()
    bound[1, 2] = np.inf
    broken = history._replace(**{side: losses._replace(negative_elbo=bound)})
    with pytest.raises(training.DivergenceError, match=r"seed 6, epoch 3 \(.* inf"):
        training.check_finite(broken, members)
