"""Training as pure functions: initialisation, then a scan over epochs and over steps.

`make_train` builds `train(key, data, beta, learning_rate)`. Whatever is swept (key, beta, learning
rate) is traced, so that a sweep compiles once; `sweeps.train_members` runs one. Randomness is per
example and folded from (epoch, example index), so that how a batch is laid out over devices does
not change the numbers.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from musicvae_jax.config import CropConfig, Member, ModelConfig, TrainConfig
from musicvae_jax.losses import (
    free_bits_kl,
    gaussian_kl,
    gaussian_kl_per_dimension,
    gaussian_nll,
    kl_weight,
    negative_elbo,
    squared_error,
)
from musicvae_jax.models import ConvAutoencoder, MLPAutoencoder, Posterior

_RECONSTRUCTIONS = {"squared_error": squared_error, "gaussian": gaussian_nll}
# Burda et al., Importance Weighted Autoencoders, 2016, appendix: a dimension is active if the
# variance over examples of its posterior mean is above this.
ACTIVE_VARIANCE = 0.01
# A decoder that has less of the songs' variance from the latents ignores them.
LEAST_DECODED_SHARE = 0.01
# What it takes to know which of two equal groups a song is in: log 2.
LEAST_KL_NATS = 0.693


class Examples(NamedTuple):
    """What a model is given.

    Attributes:
        x: inputs, `[examples, features]`, or `[examples, bands, frames]` for a model of crops.
        condition: labels, `[examples, labels]`, or None.
        weight: of each feature in the reconstruction term, `[examples, features]`; 0 where the
            feature is missing. None if none is.
    """

    x: jax.Array
    condition: jax.Array | None = None
    weight: jax.Array | None = None


class Data(NamedTuple):
    """Examples to train on and examples held out; neither empty."""

    train: Examples
    heldout: Examples


class TrainState(NamedTuple):
    """What a step changes."""

    params: Any
    opt_state: optax.OptState


class Progress(NamedTuple):
    """Where a training stands.

    Attributes:
        state: what a step changes.
        going: bool; False once a loss is not finite, after which epochs are skipped.
    """

    state: TrainState
    going: jax.Array


class Losses(NamedTuple):
    """Nats per example; `negative_elbo` is weighted by beta.

    It is what training minimises, unless the KL is warmed up or has free bits: these change what
    is minimised and not what is told, so that runs with and without them compare.
    """

    reconstruction: jax.Array
    kl: jax.Array
    negative_elbo: jax.Array


class History(NamedTuple):
    """One number per epoch, each `[epochs]`.

    `train` averages over the epoch's songs as they were used, with the parameters of that moment;
    `heldout` and `active_units` (of the training songs' posterior means) are taken at its end.
    """

    train: Losses
    heldout: Losses
    active_units: jax.Array


class DivergenceError(ArithmeticError):
    """Training reached NaN or infinity; the message says when, in which terms and what to try."""


class Keys(NamedTuple):
    """What the randomness of a training is for."""

    init: jax.Array
    order: jax.Array
    noise: jax.Array
    heldout: jax.Array


Step = Callable[
    [TrainState, Examples, jax.Array, jax.Array, jax.Array, jax.Array], tuple[TrainState, Losses]
]
Start = Callable[[jax.Array, Data, jax.Array], Progress]
Run = Callable[[Progress, jax.Array, Data, jax.Array, jax.Array], tuple[Progress, History]]
Train = Callable[[jax.Array, Data, jax.Array, jax.Array], tuple[TrainState, History]]


def split_key(key: jax.Array) -> Keys:
    """The keys of a training, from the one that it is given."""
    return Keys(*jax.random.split(key, 4))


def make_model(
    config: ModelConfig, crops: CropConfig, n_features: int
) -> MLPAutoencoder | ConvAutoencoder:
    """The Flax module that a config of a trained kind describes.

    Args:
        config: kind and sizes.
        crops: their length in frames, for a conv_vae.
        n_features: size of x, for the other kinds.
    """
    if config.kind == "conv_vae":
        return ConvAutoencoder(
            frames=crops.frames, latent=config.latent, architecture=config.architecture
        )
    return MLPAutoencoder(
        features=n_features,
        hidden=config.hidden,
        latent=config.latent,
        deterministic=config.kind == "ae",
    )


def init_state(
    model: MLPAutoencoder | ConvAutoencoder,
    key: jax.Array,
    examples: Examples,
    learning_rate: jax.Array | float,
) -> TrainState:
    """Fresh parameters and optimiser state; of the examples only the shapes matter."""
    first = jax.tree.map(lambda leaf: leaf[:1], examples)
    noise = jnp.zeros((1, model.latent))
    params = model.init(key, first.x, noise, first.condition)
    return TrainState(params, optimiser(learning_rate).init(params))


def optimiser(learning_rate: jax.Array | float = 0.0) -> optax.GradientTransformation:
    """Adam; its step size is part of its state, so that updates do not need it again."""
    # What is not swept stays a constant: in float32, 1 - 0.9 is not 0.1.
    fixed = ("b1", "b2", "eps", "eps_root")
    return optax.inject_hyperparams(optax.adam, static_args=fixed)(learning_rate)


def make_train(model: MLPAutoencoder, config: TrainConfig) -> Train:
    """Builds the whole training of one member of a sweep.

    Args:
        model: the module to fit.
        config: epochs, batch size, reconstruction term, and how the KL is warmed up and what of
            it is free; its betas and step sizes are not used, since those are arguments of the
            result.

    Returns:
        `train(key, data, beta, learning_rate) -> (state, history)`, to be jitted, mapped or
        vmapped. An epoch visits every training song once; its last batch may be smaller. Once a
        loss is not finite the remaining epochs are skipped and their history is NaN.
    """
    start, run = make_epochs(model, config)

    def train(
        key: jax.Array, data: Data, beta: jax.Array, learning_rate: jax.Array
    ) -> tuple[TrainState, History]:
        progress = start(key, data, learning_rate)
        progress, history = run(progress, key, data, beta, jnp.arange(config.epochs))
        return progress.state, history

    return train


def make_epochs(
    model: MLPAutoencoder, config: TrainConfig, data_axis: str | None = None
) -> tuple[Start, Run]:
    """The training of `make_train` in parts, for a caller that looks in between.

    Args:
        model: see `make_train`.
        config: see there.
        data_axis: name of the mesh axis whose devices share every batch, where this is called
            inside a `shard_map` over it; all of them are given all of the data.

    Returns:
        `start(key, data, learning_rate) -> progress` and `run(progress, key, data, beta, epochs)
        -> (progress, history)`, where `epochs` are the next ones to train, counted from 0; those
        from `config.epochs` on are skipped.
    """
    losses_of = make_losses(model, config)
    step = make_step(model, config, data_axis)

    def start(key: jax.Array, data: Data, learning_rate: jax.Array) -> Progress:
        state = init_state(model, split_key(key).init, data.train, learning_rate)
        return Progress(state, jnp.array(True))

    def run(
        progress: Progress, key: jax.Array, data: Data, beta: jax.Array, epochs: jax.Array
    ) -> tuple[Progress, History]:
        keys = split_key(key)
        n_train, n_heldout = len(data.train.x), len(data.heldout.x)
        batch_size = min(config.batch_size, n_train)
        shown, _, shown_weight = _own_examples(data.train, data_axis)
        kept, kept_index, kept_weight = _own_examples(data.heldout, data_axis)

        def run_epoch(state: TrainState, epoch: jax.Array) -> tuple[TrainState, History]:
            order, weights = _epoch_order(
                jax.random.fold_in(keys.order, epoch), n_train, batch_size
            )
            epoch_key = jax.random.fold_in(keys.noise, epoch)

            def run_step(state, place):
                index, in_share = _own_share(place[0], data_axis)
                weight = _own_share(place[1], data_axis)[0] * in_share
                batch = _take(data.train, index)
                noise = example_noise(epoch_key, index, model.latent)
                return step(state, batch, weight, noise, beta, epoch)

            state, sums = jax.lax.scan(run_step, state, (order, weights))
            noise = example_noise(jax.random.fold_in(keys.heldout, epoch), kept_index, model.latent)
            heldout = losses_of(state.params, kept, noise, beta)
            history = History(
                train=jax.tree.map(lambda loss: loss.sum() / n_train, sums),
                heldout=jax.tree.map(
                    lambda loss: _total(jnp.sum(kept_weight * loss), data_axis) / n_heldout,
                    heldout,
                ),
                active_units=_active_units(model, state.params, shown, shown_weight, data_axis),
            )
            return state, history

        def run_or_skip(progress, epoch):
            state, history = jax.lax.cond(
                progress.going & (epoch < config.epochs),
                run_epoch,
                lambda state, _: (state, no_history()),
                progress.state,
                epoch,
            )
            return Progress(state, progress.going & is_finite(history)), history

        return jax.lax.scan(run_or_skip, progress, epochs)

    return start, run


def make_step(
    model: MLPAutoencoder | ConvAutoencoder, config: TrainConfig, data_axis: str | None = None
) -> Step:
    """`step(state, batch, weight, noise, beta, epoch) -> (state, sums)`: one gradient step.

    The gradient is of the mean over the examples of weight 1; those of weight 0 fill up a batch.
    `sums` adds up the former's losses, with the parameters of before the step. The epoch, counted
    from 0, is where a KL warm-up stands. Along a `data_axis` each device is given a share of the
    batch, and all return the same: what is averaged is the whole batch, for free bits too.
    """
    terms_of = _make_terms(model, config)
    minimised = _make_minimised(config, data_axis)

    def objective(params, batch, weight, noise, beta, epoch):
        losses, posterior = terms_of(params, batch, noise, beta)
        mean = jax.tree.map(lambda per_example: jnp.sum(weight * per_example), losses)
        if config.is_plain:
            return mean.negative_elbo, mean
        return jnp.sum(weight * minimised(losses, posterior, weight, beta, epoch)), mean

    def step(state, batch, weight, noise, beta, epoch):
        n_used = _total(weight.sum(), data_axis)
        gradient, losses = _total(
            jax.grad(objective, has_aux=True)(
                state.params, batch, weight / n_used, noise, beta, epoch
            ),
            data_axis,
        )
        updates, opt_state = optimiser().update(gradient, state.opt_state, state.params)
        state = TrainState(optax.apply_updates(state.params, updates), opt_state)
        return state, jax.tree.map(lambda loss: loss * n_used, losses)

    return step


def make_losses(
    model: MLPAutoencoder, config: TrainConfig
) -> Callable[[Any, Examples, jax.Array, jax.Array], Losses]:
    """`losses(params, examples, noise, beta)`: `Losses` of each example, parts `[examples]`.

    An example may have any number of axes (a crop has two); its error is the sum over all. A
    deterministic model has no posterior to diverge from the prior: its KL is 0.
    """
    terms_of = _make_terms(model, config)

    def losses(params: Any, examples: Examples, noise: jax.Array, beta: jax.Array) -> Losses:
        return terms_of(params, examples, noise, beta)[0]

    return losses


def _make_terms(
    model: MLPAutoencoder | ConvAutoencoder, config: TrainConfig
) -> Callable[[Any, Examples, jax.Array, jax.Array], tuple[Losses, Posterior]]:
    """The losses of `make_losses`, and the posterior that they are of."""
    reconstruction_of = _RECONSTRUCTIONS[config.reconstruction]

    def terms(
        params: Any, examples: Examples, noise: jax.Array, beta: jax.Array
    ) -> tuple[Losses, Posterior]:
        output = model.apply(params, examples.x, noise, examples.condition)
        weight = 1.0 if examples.weight is None else examples.weight
        reconstruction = reconstruction_of(
            _flat(examples.x), _flat(output.reconstruction), weight=weight
        )
        if model.deterministic:
            kl = jnp.zeros_like(reconstruction)
        else:
            kl = gaussian_kl(*output.posterior)
        losses = Losses(reconstruction, kl, negative_elbo(reconstruction, kl, beta))
        return losses, output.posterior

    return terms


def _make_minimised(
    config: TrainConfig, data_axis: str | None
) -> Callable[[Losses, Posterior, jax.Array, jax.Array, jax.Array], jax.Array]:
    """The negative ELBO with the KL's warm-up and free bits, `[examples]`.

    `minimised(losses, posterior, weight, beta, epoch)` is given weights that add up to 1 over the
    whole batch, wherever its parts are.
    """
    n_cycles = config.warmup_cycles if config.kl_warmup == "cyclical" else 1

    def minimised(
        losses: Losses, posterior: Posterior, weight: jax.Array, beta: jax.Array, epoch: jax.Array
    ) -> jax.Array:
        kl = losses.kl
        if config.free_bits:
            per_dimension = gaussian_kl_per_dimension(*posterior)
            of_batch = _total(jax.lax.stop_gradient(weight @ per_dimension), data_axis)
            kl = free_bits_kl(per_dimension, of_batch, config.free_bits)
        if config.kl_warmup != "none":
            # An epoch has one weight, that of its middle.
            beta = beta * kl_weight(epoch + 0.5, config.epochs, n_cycles, config.warmup_share)
        return negative_elbo(losses.reconstruction, kl, beta)

    return minimised


def no_history() -> History:
    """Of an epoch that was skipped."""
    nan = jnp.float32(jnp.nan)
    return History(Losses(nan, nan, nan), Losses(nan, nan, nan), jnp.int32(0))


def blank_history(n_members: int, n_epochs: int) -> History:
    """Of epochs that are to come, NumPy, parts `[members, epochs]`."""
    return jax.tree.map(lambda leaf: np.full((n_members, n_epochs), leaf, leaf.dtype), no_history())


def is_finite(history: History) -> jax.Array:
    """Whether the losses on both sides are finite, bool, of the shape of a loss."""
    return jnp.isfinite(history.train.negative_elbo) & jnp.isfinite(history.heldout.negative_elbo)


def check_finite(history: History, members: Sequence[Member]) -> None:
    """Raises `DivergenceError` if a member's losses left the finite numbers.

    Args:
        history: of all members, parts `[members, epochs]`.
        members: beta, step size and seed of each, for the message.
    """
    for place, member in enumerate(members):
        one = jax.tree.map(lambda leaf, place=place: np.asarray(leaf[place]), history)
        finite = np.asarray(is_finite(one))
        if finite.all():
            continue
        epoch = int(np.argmin(finite))
        terms = ", ".join(
            f"{side} {name} {values[epoch]:.4g}"
            for side in ("train", "heldout")
            for name, values in getattr(one, side)._asdict().items()
        )
        raise DivergenceError(
            f"training diverged at {member}, epoch {epoch + 1} ({terms}, in nats); try a smaller "
            "--train.learning-rate, or a smaller --train.beta if the KL is what grew"
        )


def collapse_notes(
    history: History,
    members: Sequence[Member],
    latent: int,
    decoded: Sequence[float] | None = None,
) -> list[str]:
    """A line for each member whose posterior has collapsed, for people who read no curves.

    That is where fewer than a tenth of the latent dimensions are active after the last epoch; or
    where enough are, but the decoder does not look at them, or their KL is less than it takes to
    tell two groups of songs apart.

    Args:
        history: of all members, parts `[members, epochs]`.
        members: of a variational model.
        latent: its latent dimensions.
        decoded: of each member, the share of the variance of training songs that its decoder has
            from the latents; NaN is no reason for a line, nor is None.
    """
    active, kl_nats = (
        np.asarray(of_all)[:, -1] for of_all in (history.active_units, history.train.kl)
    )
    shares = np.full(len(members), np.nan) if decoded is None else decoded
    found = (_collapse(*one, latent) for one in zip(active, kl_nats, shares, strict=True))
    return [
        f"posterior collapse at {member}: {n} of {latent} latent dimensions are active{about[0]}, "
        f"so clusters of these latents mean little; try {about[1]}--train.free-bits 0.1 or more, "
        "--train.kl-warmup linear or a smaller --train.beta"
        for member, n, about in zip(members, active, found, strict=True)
        if about
    ]


def _collapse(n_active: int, kl: float, share: float, latent: int) -> tuple[str, str] | None:
    """What else is wrong than the number of active units, and what else to try; None if nothing."""
    if n_active < 0.1 * latent:
        return "", ""
    if share < LEAST_DECODED_SHARE:
        text = f", but the decoder has {max(share, 0):.1%} of the songs' variance from them"
        # It may only not have come to use them yet.
        return text, "more --train.epochs, "
    if kl < LEAST_KL_NATS:
        text = f", but tell a song by {kl:.2f} nats of KL, where two groups of songs take"
        return f"{text} {LEAST_KL_NATS:.2f}", ""
    return None


def example_noise(key: jax.Array, index: jax.Array, latent: int) -> jax.Array:
    """Standard normal noise `[examples, latent]` that depends on each example's index alone."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, index)
    return jax.vmap(lambda key: jax.random.normal(key, (latent,)))(keys)


def _take(examples: Examples, index: jax.Array) -> Examples:
    return jax.tree.map(lambda leaf: leaf[index], examples)


def _total(tree: Any, data_axis: str | None) -> Any:
    """Sums over the devices that share the data."""
    return tree if data_axis is None else jax.lax.psum(tree, data_axis)


def _own_share(items: jax.Array, data_axis: str | None) -> tuple[jax.Array, jax.Array]:
    """This device's share of items `[n]`, and 1 for each, or 0 where it fills up the share."""
    if data_axis is None:
        return items, jnp.ones(len(items))
    n_shares = jax.lax.axis_size(data_axis)
    share = -(-len(items) // n_shares)
    place = jax.lax.axis_index(data_axis) * share + jnp.arange(share)
    return items[jnp.minimum(place, len(items) - 1)], (place < len(items)).astype(jnp.float32)


def _own_examples(
    examples: Examples, data_axis: str | None
) -> tuple[Examples, jax.Array, jax.Array]:
    """This device's share of examples, their indices and weights."""
    index, weight = _own_share(jnp.arange(len(examples.x)), data_axis)
    return (examples if data_axis is None else _take(examples, index)), index, weight


def _flat(x: jax.Array) -> jax.Array:
    return x.reshape(len(x), -1)


def _epoch_order(key: jax.Array, n: int, batch_size: int) -> tuple[jax.Array, jax.Array]:
    """Example indices and weights, each `[steps, batch_size]`; padding has weight 0."""
    n_padded = -(-n // batch_size) * batch_size
    order = jnp.pad(jax.random.permutation(key, n), (0, n_padded - n))
    weight = (jnp.arange(n_padded) < n).astype(jnp.float32)
    return order.reshape(-1, batch_size), weight.reshape(-1, batch_size)


def _active_units(
    model: MLPAutoencoder,
    params: Any,
    examples: Examples,
    weight: jax.Array,
    data_axis: str | None,
) -> jax.Array:
    means = model.apply(params, examples.x, examples.condition, method="encode").mean
    weight = weight[:, None]
    n_examples = _total(weight.sum(), data_axis)
    centre = _total(jnp.sum(weight * means, axis=0), data_axis) / n_examples
    variance = _total(jnp.sum(weight * (means - centre) ** 2, axis=0), data_axis) / n_examples
    return jnp.sum(variance > ACTIVE_VARIANCE)
