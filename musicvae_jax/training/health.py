"""Checks that a training went well: finite losses, and a posterior that has not collapsed."""

import operator
from collections.abc import Sequence
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.config import Member
from musicvae_jax.training.state import History

# Burda et al., Importance Weighted Autoencoders, 2016, appendix: a dimension is active if the
# variance over examples of its posterior mean is above this.
ACTIVE_VARIANCE = 0.01
# A decoder that explains less of the songs' variance with the latents ignores them.
LEAST_DECODED_SHARE = 0.01
# The information needed to tell two groups of equal size apart: log 2.
LEAST_KL_NATS = 0.693
_COLLAPSE_AT = "posterior collapse at "


class DivergenceError(ArithmeticError):
    """Training reached NaN or infinity; the message says when, in which terms, and what to try."""


def is_finite(history: History) -> jax.Array:
    """Whether all that is minimised is finite on both sides, bool, with the shape of a loss."""
    minimised = (
        loss
        for side in (history.train, history.heldout)
        for loss in (side.negative_elbo, *side.others.values())
    )
    return reduce(operator.and_, map(jnp.isfinite, minimised))


def divergence(history: History) -> str | None:
    """When a training's losses stopped being finite and what they were then.

    Args:
        history: of one member, parts `[epochs]`.

    Returns:
        "epoch 3 (train negative_elbo inf, ..., in nats)"; None if all losses are finite.
    """
    finite = np.asarray(is_finite(history))
    if finite.all():
        return None
    epoch = int(np.argmin(finite))
    terms = ", ".join(
        f"{side} {name} {values[epoch]:.4g}"
        for side in ("train", "heldout")
        for name, values in getattr(history, side).by_name().items()
    )
    return f"epoch {epoch + 1} ({terms}, in nats)"


def check_finite(history: History, members: Sequence[Member]) -> None:
    """Raises `DivergenceError` if a member's losses are not all finite.

    Args:
        history: of all members, parts `[members, epochs]`.
        members: beta, learning rate and seed of each, for the message.
    """
    for place, member in enumerate(members):
        one = jax.tree.map(lambda leaf, place=place: np.asarray(leaf[place]), history)
        found = divergence(one)
        if found:
            raise DivergenceError(
                f"training diverged at {member}, {found}; try a smaller --train.learning-rate, or "
                "a smaller --train.beta if it was the KL that grew"
            )


def collapse_notes(
    history: History,
    members: Sequence[Member],
    latent: int,
    decoded: Sequence[float] | None = None,
    kl_nats: Sequence[float] | None = None,
) -> list[str]:
    """A line for each member whose posterior has collapsed.

    A posterior has collapsed if fewer than a tenth of the latent dimensions are active after the
    last epoch, if the decoder ignores them, or if their KL is too small to tell two groups of songs
    apart.

    Args:
        history: of all members, parts `[members, epochs]`.
        members: the members of a variational model.
        latent: number of latent dimensions.
        decoded: for each member, the share of the training songs' variance that its decoder
            explains with the latents; NaN or None skips this check.
        kl_nats: for each member, the mean KL of the training songs' posteriors to the standard
            normal; NaN or None skips this check.
    """
    active = np.asarray(history.active_units)[:, -1]
    unknown = np.full(len(members), np.nan)
    kls, shares = (unknown if one is None else one for one in (kl_nats, decoded))
    found = (_collapse(*one, latent) for one in zip(active, kls, shares, strict=True))
    return [
        f"{_COLLAPSE_AT}{member}: {n} of {latent} latent dimensions are active{about[0]}, "
        f"so clusters of these latents mean little; try {about[1]}--train.free-bits 0.1 or more, "
        "--train.kl-warmup linear or a smaller --train.beta"
        for member, n, about in zip(members, active, found, strict=True)
        if about
    ]


def notes_of(notes: Sequence[str], members: Sequence[Member]) -> list[str]:
    """Notes without those of `collapse_notes` on other members than these.

    Example:
        >>> notes = ["posterior collapse at beta 10, learning rate 0.001, seed 0: 1 of 32 ..."]
        >>> notes_of(notes, [Member(1.0, 1e-3, 0)])
        []
        >>> notes_of(notes, [Member(10.0, 1e-3, 0)]) == notes
        True
    """
    of_these = tuple(f"{_COLLAPSE_AT}{member}: " for member in members)
    return [note for note in notes if note.startswith(of_these) or _COLLAPSE_AT not in note]


def _collapse(n_active: int, kl: float, share: float, latent: int) -> tuple[str, str] | None:
    """What is wrong besides too few active units, and what else to try; None if all is well."""
    if n_active < 0.1 * latent:
        return "", ""
    if share < LEAST_DECODED_SHARE:
        text = f", but the decoder explains {max(share, 0):.1%} of the songs' variance with them"
        # The decoder may only not have learned to use them yet.
        return text, "more --train.epochs, "
    if kl < LEAST_KL_NATS:
        text = f", but hold {kl:.2f} nats of KL; telling two groups of songs apart takes"
        return f"{text} {LEAST_KL_NATS:.2f}", ""
    return None
