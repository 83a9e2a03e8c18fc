"""Checks a trained model's posteriors: what the latents hold, and what the decoder uses."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd

from musicvae_jax.config import Member
from musicvae_jax.evaluation.posterior_health import (
    active_units,
    aggregate_kl,
    decoded_share,
    kl_per_dimension,
)
from musicvae_jax.models import Posterior
from musicvae_jax.pipeline.fit import Fitted
from musicvae_jax.trained import decode
from musicvae_jax.training import Examples, collapse_notes
from musicvae_jax.training.streaming import Source, Visits, make_source, posteriors

# Evenly spaced songs of each side that are decoded: enough for a good estimate. A crop has 16,384
# numbers or more.
_DECODED_SONGS = {"rows": 2048, "blocks": 2048, "crops": 128}
_OF_DIMENSIONS = ("dimension", "kl_nats", "aggregate_kl_nats", "mean_variance", "active")
_OF_MEMBERS = (
    *("latent_dimensions", "active_units", "kl_nats", "aggregate_kl_nats"),
    *("train_decoded_share", "train_without_latents"),
    *("heldout_decoded_share", "heldout_without_latents"),
)


class Health(NamedTuple):
    """The health of a run's posteriors.

    Attributes:
        dimensions: rows of posterior.csv, one per member and latent dimension: the mean KL to the
            prior over training songs, the KL of the aggregate posterior, the variance of the
            posterior means over songs, and whether the dimension is active. For a model of crops,
            the KLs are over the crops of the history, and the variance is that of each song's mean.
            The KLs are NaN for a model whose prior is not the standard normal.
        members: rows of posterior_summary.csv, one per member: sums over dimensions, and for each
            side of the split (at most 2,048 songs, or the crops of 128 songs) the share of the
            variance decoded from the posterior means, and from the training songs' mean latent
            instead, which leaves only the condition.
        alarms: a line for each collapsed posterior.
    """

    dimensions: pd.DataFrame
    members: pd.DataFrame
    alarms: list[str]


def posterior_health(fitted: Fitted) -> Health:
    """Checks the posteriors of every member.

    For an autoencoder, which has no posterior, `dimensions` is empty and the summary has only the
    number of dimensions and the shares. For a model without training both tables are empty.
    """
    trained = fitted.trained
    dimensions, members = [], []
    if trained.state is not None:
        source = make_source(fitted.inputs, *fitted.split)
        for place, member in enumerate(trained.experiment.members):
            params = trained.params(place)
            posterior = _training_posteriors(fitted, params, source)
            rows = _dimensions(member, posterior)
            if not trained.experiment.model.traits.has_normal_prior:
                rows[["kl_nats", "aggregate_kl_nats"]] = np.nan
            dimensions.append(rows)
            sums = _sums(rows, trained.experiment.model.traits.has_kl)
            members.append((*member, *sums, *_decoded_shares(fitted, params, source)))
    has_kl = trained.experiment.model.traits.has_kl
    of_members = pd.DataFrame(members, columns=[*Member._fields, *_OF_MEMBERS])
    return Health(
        pd.concat(dimensions, ignore_index=True)
        if dimensions and has_kl
        else pd.DataFrame(columns=[*Member._fields, *_OF_DIMENSIONS]),
        of_members,
        _alarms(fitted, of_members) if dimensions and has_kl else [],
    )


def _training_posteriors(fitted: Fitted, params: Any, source: Source) -> Posterior:
    """The posteriors of the training songs, parts `[songs, examples of a song, latent]`."""
    train = fitted.split.train
    found = posteriors(fitted.trained.model, params, source, source.fixed(train))
    return Posterior(*(part.reshape(len(train), -1, part.shape[-1]) for part in found))


def _dimensions(member: Member, posterior: Posterior) -> pd.DataFrame:
    mean, log_var = (np.asarray(part).reshape(-1, part.shape[-1]) for part in posterior)
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


def _sums(rows: pd.DataFrame, has_kl: bool) -> tuple[Any, ...]:
    if not has_kl:
        return len(rows), None, None, None
    kl = rows[["kl_nats", "aggregate_kl_nats"]].sum(min_count=1)
    return len(rows), rows["active"].sum(), *kl


def _decoded_shares(fitted: Fitted, params: Any, source: Source) -> Iterator[float]:
    """The decoded shares in the order of the columns."""
    model, mean = fitted.trained.model, None
    most = _DECODED_SONGS[fitted.trained.experiment.model.traits.reads]
    for side in fitted.split:
        chosen = side[np.linspace(0, len(side) - 1, min(most, len(side))).round().astype(int)]
        visits = source.fixed(chosen)
        own = np.asarray(posteriors(model, params, source, visits).mean)
        examples = _examples(source, visits)
        # The training songs come first.
        mean = own.mean(axis=0) if mean is None else mean
        flat = np.asarray(examples.x).reshape(len(examples.x), -1)
        mask = 1.0 if examples.mask is None else np.asarray(examples.mask)
        for latents in (own, np.broadcast_to(mean, own.shape)):
            found = decode(model, params, latents, examples.condition).reshape(flat.shape)
            yield decoded_share(flat, found, mask)


def _examples(source: Source, visits: Visits) -> Examples:
    return jax.tree.map(np.asarray, source.to_examples(source.read(visits)))


def _alarms(fitted: Fitted, of_members: pd.DataFrame) -> list[str]:
    experiment = fitted.trained.experiment
    # What the latents add to the condition. On training songs, since a decoder that has memorised
    # them and fails on others does not ignore the latents.
    without = of_members["train_without_latents"].clip(lower=0)
    from_latents = of_members["train_decoded_share"] - without
    history = fitted.trained.history
    assert history is not None
    return collapse_notes(
        history,
        experiment.members,
        experiment.model.latent,
        from_latents.to_list(),
        # Not the history's KL: some models' objectives have something else in its place.
        of_members["kl_nats"].to_list(),
    )
