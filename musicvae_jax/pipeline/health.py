"""The health of a trained model's posteriors: what its latents say, and what its decoder hears."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.bridge import (
    crop_posteriors,
    decode,
    member_params,
    posteriors,
    standardised_crops,
)
from musicvae_jax.checkpoints import Checkpoint
from musicvae_jax.config import Member
from musicvae_jax.evaluation.posterior import (
    active_units,
    aggregate_kl,
    decoded_share,
    kl_per_dimension,
)
from musicvae_jax.models import ConvAutoencoder, MLPAutoencoder, Posterior
from musicvae_jax.pipeline.inputs import Inputs
from musicvae_jax.training import collapse_notes, make_model
from musicvae_jax.training.streaming import HISTORY_CROPS

# Songs of each side that are decoded, evenly spaced: a share is known well enough from so many.
# A crop has 16,384 numbers or more.
_DECODED_SONGS = 2048
_CROPPED_SONGS = 128
_OF_DIMENSIONS = ("dimension", "kl_nats", "aggregate_kl_nats", "mean_variance", "active")
_OF_MEMBERS = (
    *("latent_dimensions", "active_units", "kl_nats", "aggregate_kl_nats"),
    *("train_decoded_share", "train_without_latents"),
    *("heldout_decoded_share", "heldout_without_latents"),
)


class Health(NamedTuple):
    """What a run leaves of its posteriors.

    Attributes:
        dimensions: rows of posterior.csv, one per member and latent dimension: KL to the prior,
            mean over the training songs; that of all their posteriors together; the variance of
            their posterior means, and whether that is active. Of crops, means and KL are over the
            crops that the history looks at, and the variance is of a song's mean.
        members: rows of posterior_summary.csv, one per member: sums over dimensions, and for each
            side of the split, of at most 2,048 songs or the crops of 128, the share of their
            variance that is decoded from their posterior means, and from the training songs' mean
            in the place of these, which leaves the condition.
        alarms: a line for each posterior that has collapsed.
    """

    dimensions: pd.DataFrame
    members: pd.DataFrame
    alarms: list[str]


def posterior_health(checkpoint: Checkpoint | None, inputs: Inputs) -> Health:
    """Looks at every member.

    An autoencoder has no posterior: its dimensions are left out, and in its summary all but the
    shares is null. Without a checkpoint (nothing was trained) both tables are empty.

    Args:
        checkpoint: the trained model.
        inputs: what it was trained with.
    """
    dimensions, members = [], []
    if checkpoint is not None:
        experiment = checkpoint.experiment
        model = make_model(experiment.model, experiment.crops, inputs.x.shape[1])
        for place, member in enumerate(experiment.members):
            params = member_params(checkpoint.state.params, place)
            posterior = _training_posteriors(model, params, inputs)
            rows = _dimensions(member, posterior)
            if not model.deterministic:
                dimensions.append(rows)
            members.append((*member, *_sums(model, rows), *_decoded_shares(model, params, inputs)))
    of_members = pd.DataFrame(members, columns=[*Member._fields, *_OF_MEMBERS])
    return Health(
        pd.concat(dimensions, ignore_index=True)
        if dimensions
        else pd.DataFrame(columns=[*Member._fields, *_OF_DIMENSIONS]),
        of_members,
        _alarms(checkpoint, of_members) if dimensions else [],
    )


def _training_posteriors(
    model: MLPAutoencoder | ConvAutoencoder, params: dict, inputs: Inputs
) -> Posterior:
    """Parts `[songs, crops, latent]`; features are one crop."""
    train = inputs.split.train
    if inputs.crops is not None:
        return crop_posteriors(model, params, inputs.crops, train, HISTORY_CROPS, inputs.scaler)
    condition = None if inputs.condition is None else inputs.condition[train]
    found = posteriors(model, params, inputs.x[train], condition)
    return Posterior(*(part[:, None] for part in found))


def _dimensions(member: Member, posterior: Posterior) -> pd.DataFrame:
    mean, log_var = (part.reshape(-1, part.shape[-1]) for part in posterior)
    of_songs = np.asarray(posterior.mean, np.float64).mean(axis=1)
    table = pd.DataFrame(
        {
            "dimension": np.arange(mean.shape[1]),
            "kl_nats": kl_per_dimension(mean, log_var),
            "aggregate_kl_nats": aggregate_kl(mean, log_var),
            "mean_variance": of_songs.var(axis=0),
            "active": active_units(of_songs),
        }
    )
    return table.assign(**member._asdict())[[*Member._fields, *_OF_DIMENSIONS]]


def _sums(model: MLPAutoencoder | ConvAutoencoder, rows: pd.DataFrame) -> tuple:
    if model.deterministic:
        return len(rows), None, None, None
    return len(rows), rows["active"].sum(), *rows[["kl_nats", "aggregate_kl_nats"]].sum()


def _decoded_shares(
    model: MLPAutoencoder | ConvAutoencoder, params: dict, inputs: Inputs
) -> Iterator[float]:
    """In the order of the columns."""
    mean = None
    for index in inputs.split:
        x, weight, condition = _examples(model, inputs, index)
        own = posteriors(model, params, x, condition).mean
        # The training songs come first.
        mean = own.mean(axis=0) if mean is None else mean
        flat = x.reshape(len(x), -1)
        for latents in (own, np.broadcast_to(mean, own.shape)):
            found = decode(model, params, latents, condition).reshape(flat.shape)
            yield decoded_share(flat, found, weight)


def _examples(
    model: MLPAutoencoder | ConvAutoencoder, inputs: Inputs, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray | float, np.ndarray | None]:
    """Inputs of songs, or of a sample of many, the weights of their features, their condition."""
    most = _DECODED_SONGS if inputs.crops is None else _CROPPED_SONGS
    chosen = index[np.linspace(0, len(index) - 1, min(most, len(index))).round().astype(int)]
    if inputs.crops is not None:
        crops = standardised_crops(inputs.crops, chosen, model.frames, HISTORY_CROPS, inputs.scaler)
        return crops, 1.0, None
    weight = 1.0 if inputs.weight is None else inputs.weight[chosen]
    condition = None if inputs.condition is None else inputs.condition[chosen]
    return inputs.x[chosen], weight, condition


def _alarms(checkpoint: Checkpoint, of_members: pd.DataFrame) -> list[str]:
    experiment = checkpoint.experiment
    # Beyond what the condition tells. Of training songs, since a decoder that has learnt them by
    # heart and fails on others does not ignore the latents.
    without = of_members["train_without_latents"].clip(lower=0)
    from_latents = of_members["train_decoded_share"] - without
    return collapse_notes(
        checkpoint.history, experiment.members, experiment.model.latent, from_latents.to_list()
    )
