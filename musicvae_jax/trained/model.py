"""A trained model with its preprocessor: songs to representations, latents back to songs."""

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from musicvae_jax.config import Experiment
from musicvae_jax.config.checks import require_type
from musicvae_jax.config.naming import member_name
from musicvae_jax.errors import InputError
from musicvae_jax.features import unstandardise
from musicvae_jax.models import Model
from musicvae_jax.preprocess import Preprocessor, transform
from musicvae_jax.representations import Projection, Representation
from musicvae_jax.songs import Songs
from musicvae_jax.trained.decoding import decode, sample
from musicvae_jax.trained.fusion import Fusion
from musicvae_jax.trained.known import KnownSongs
from musicvae_jax.trained.own import (
    blocks_of,
    encoded_names,
    members_by_name,
    one_representation,
    own_names,
    own_representations,
)
from musicvae_jax.training import History, TrainState, make_model


class Trained(NamedTuple):
    """A fitted experiment: everything needed to treat new songs like the training songs.

    Attributes:
        preprocessor: turns songs into the model's input.
        shape: shape of an example, `[features]` or `[bands, frames]`, or the widths of its blocks.
        state: parameters and optimiser state, with a leading axis of members, in the order of
            `experiment.members`; None for a model without training.
        history: history of the members' training, parts `[members, epochs]`, or None.
        projection: principal components, for a linear model.
        fusions: fusions of the latents with other blocks.
        key: digest of everything the training depends on; "" for a model without training.
        known: the songs that a run clustered, with the clusters of its main representation and of
            each part of a sweep; None for a model of `musicvae_jax.fit`.
    """

    preprocessor: Preprocessor
    shape: tuple[int, ...]
    state: TrainState | None = None
    history: History | None = None
    projection: Projection | None = None
    fusions: tuple[Fusion, ...] = ()
    key: str = ""
    known: KnownSongs | None = None

    @property
    def experiment(self) -> Experiment:
        """The resolved config."""
        return self.preprocessor.experiment

    @property
    def model(self) -> Model:
        """The Flax module."""
        return make_model(self.experiment.model, self.shape)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the model's own representations, the main one first."""
        return own_names(self)

    def params(self, member: int) -> Any:
        """One member's parameters, by its index in `experiment.members`.

        Raises:
            InputError: there is no such member.
            ValueError: the model is not trained.
        """
        if self.state is None:
            raise ValueError("params: the model is not trained")
        n_members = len(self.experiment.members)
        if not 0 <= member < n_members:
            # JAX would clamp it.
            raise InputError(f"member: got {member}, expected a place from 0 to {n_members - 1}")
        return jax.tree.map(lambda leaf: leaf[member], self.state.params)

    def encode(
        self,
        songs: Songs,
        name: str | None = None,
        beta: float | None = None,
        given: str | Collection[str] | None = None,
    ) -> Representation:
        """Encodes songs, including new ones, without sampling.

        Args:
            songs: from `load_songs`.
            name: which of the model's representations, see `names`; by default the first.
            beta: selects the latents with this KL weight, instead of a name; with several learning
                rates, those of the first.
            given: for a model of blocks, which of `experiment.modalities` to encode from, such as
                "audio"; by default all that a song has.

        Returns:
            The usable songs, in the order of their files: posterior means for each seed, or the
            points of the chosen representation.

        Raises:
            InputError: these are no songs, there is no such representation, modality or usable
                song, both a name and a beta were given, or a song has a label that the
                representation uses and that no training song has.
        """
        require_type("songs", songs, Songs)
        wanted = self._wanted(name, beta)
        if given is not None:
            given = (given,) if isinstance(given, str) else given
            self._check_modalities(given, wanted)
        inputs = transform(self.preprocessor, songs, blocks_of(self, wanted))
        if given is None:
            return one_representation(self, inputs, wanted)
        inputs = inputs.only(given)
        found = one_representation(self, inputs, wanted)
        known = np.any(np.asarray(inputs.mask), axis=1)
        return found._replace(
            known=known, columns_seen=self.experiment.columns_of_modalities(given)
        )

    def representations(self, songs: Songs) -> tuple[Representation, ...]:
        """All of the model's own representations of songs, see `encode` and `names`."""
        require_type("songs", songs, Songs)
        return own_representations(self, transform(self.preprocessor, songs))

    def decode(
        self, points: np.ndarray, member: int = 0, condition: np.ndarray | None = None
    ) -> np.ndarray:
        """Decodes latents, in the units of the model's input: decibels, or those of a table.

        Args:
            points: latents, `[n, latent]`, at least one.
            member: index in `experiment.members`.
            condition: one-hot labels, `[n, labels]`, for a conditional model.

        Returns:
            float32 `[n, features]`, or `[n, bands, frames]` for a model of crops.

        Raises:
            InputError: the model has no decoder, there is no such member, or the points or the
                condition have another shape.
        """
        model = self._trained_model("decode")
        points = self._checked_latents(points, model.latent)
        condition = self._checked_condition(condition, len(points))
        return self.unscaled(decode(model, self.params(member), points, condition))

    def sample(
        self, key: jax.Array, n: int, member: int = 0, condition: np.ndarray | None = None
    ) -> np.ndarray:
        """Samples songs from the prior; shapes and units are those of `decode`.

        Args:
            key: random key.
            n: number of songs, at least 1.
            member: index in `experiment.members`.
            condition: one-hot labels, `[n, labels]`, for a conditional model.

        Raises:
            InputError: the model has no prior to sample from, n is below 1, there is no such
                member, or the condition has another shape.
        """
        model = self._trained_model("sample")
        if not self.experiment.model.traits.has_kl:
            kind = self.experiment.model.kind
            raise InputError(f"sample: got a model of kind {kind!r}, which has no prior to sample")
        if n < 1:
            raise InputError(f"n: got {n}, expected at least 1")
        condition = self._checked_condition(condition, n)
        # As a model draws it: float32 in a process that computes in double precision too.
        noise = np.asarray(jax.random.normal(key, (n, model.latent), jnp.float32))
        return self.unscaled(sample(model, self.params(member), noise, condition))

    def unscaled(self, x: np.ndarray) -> np.ndarray:
        """Converts standardised examples `[n, ...]` to the units of the model's input."""
        # The features of a crop are its bands, and its last axis is time.
        rows = x if x.ndim == 2 else np.swapaxes(x, -1, -2)
        rows = unstandardise(rows, self.preprocessor.scaler)
        return rows if x.ndim == 2 else np.swapaxes(rows, -1, -2)

    def of_beta(self, beta: float) -> "Trained":
        """The part of a sweep with one KL weight, without its fusions.

        Raises:
            InputError: there is no model of this weight.
        """
        # For its error.
        self._name_of_beta(beta)
        experiment = self.experiment
        chosen = np.array([member.beta == beta for member in experiment.members])
        state, history = jax.tree.map(
            lambda leaf: np.asarray(leaf)[chosen], (self.state, self.history)
        )
        train = dataclasses.replace(experiment.train, beta=(beta,))
        single = dataclasses.replace(experiment, train=train)
        return self._replace(
            preprocessor=self.preprocessor._replace(experiment=single),
            state=state,
            history=history,
            fusions=(),
            # The key belongs to the whole sweep; no training makes just this part.
            key="",
            known=self._known_of(members_by_name(single)),
        )

    def save(self, directory: Path | str) -> None:
        """Writes a checkpoint into a folder that is empty or does not exist yet.

        Raises:
            InputError: the folder is not empty.
        """
        from musicvae_jax.trained.checkpoint import save

        directory = Path(directory)
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise InputError(f"{directory}: already exists; expected a new or an empty folder")
        save(self, directory)

    def _known_of(self, names: Collection[str]) -> KnownSongs | None:
        if self.known is None:
            return None
        kept = {name: one for name, one in self.known.clusters.items() if name in names}
        return self.known._replace(clusters=kept) if kept else None

    def _trained_model(self, what: str) -> Model:
        if self.state is None:
            kind = self.experiment.model.kind
            raise InputError(f"{what}: got a model of kind {kind!r}, expected a neural network")
        return self.model

    def _checked_latents(self, points: np.ndarray, n_latent: int) -> np.ndarray:
        if isinstance(points, Representation):
            raise InputError("points: got Representation, expected those of one seed, .points[i]")
        points = np.asarray(points, np.float32)
        if points.ndim != 2 or len(points) == 0 or points.shape[1] != n_latent:
            raise InputError(
                f"points: got shape {points.shape}, expected [n, {n_latent}], n at least 1"
            )
        return points

    def _checked_condition(self, condition: np.ndarray | None, n: int) -> np.ndarray | None:
        label = self.experiment.model.condition
        condition = None if condition is None else np.asarray(condition, np.float32)
        got = None if condition is None else condition.shape
        wanted = None if label == "none" else (n, len(self.preprocessor.vocabularies[label]))
        if got != wanted:
            raise InputError(
                f"condition: got {'none' if got is None else f'shape {got}'}, expected "
                f"{'none' if wanted is None else f'shape {wanted}'} for a model whose condition is "
                f"{label!r}"
            )
        return condition

    def _check_modalities(self, given: Collection[str], wanted: str) -> None:
        model, allowed = self.experiment.model, self.experiment.modalities
        if model.traits.reads != "blocks":
            raise InputError(f"given: got a model of kind {model.kind!r}, expected one of blocks")
        if not given or not set(given) <= set(allowed):
            raise InputError(
                f"given: got {', '.join(given) or 'nothing'}, expected some of {', '.join(allowed)}"
            )
        if blocks_of(self, wanted):
            raise InputError(
                f"given: got the block {wanted!r} beside it, expected a representation of the model"
            )

    def _wanted(self, name: str | None, beta: float | None) -> str:
        if name is not None and beta is not None:
            raise InputError(f"name and beta: got {name!r} and {beta}, expected one of the two")
        if beta is not None:
            return self._name_of_beta(beta)
        allowed = encoded_names(self)
        if name is not None and name not in allowed:
            raise InputError(f"name: got {name!r}, expected one of {', '.join(allowed)}")
        return name or self.names[0]

    def _name_of_beta(self, beta: float) -> str:
        if self.state is None:
            raise InputError(f"beta: got {beta}, expected none, since the model is not trained")
        named: dict[float, str] = {}
        for member in self.experiment.members:
            named.setdefault(member.beta, member_name(self.experiment, member))
        if beta not in named:
            raise InputError(f"beta: got {beta}, expected one of {', '.join(map(str, named))}")
        return named[beta]
