"""What an experiment clusters: its own representations and the baselines, on the same songs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from musicvae_jax.baselines import pca_latents
from musicvae_jax.config import Experiment, LyricsConfig
from musicvae_jax.config.naming import lyrics_name, member_name, model_name
from musicvae_jax.features import SongFeatures, one_hot, vocabulary
from musicvae_jax.fusion import concatenate
from musicvae_jax.pipeline.inputs import Inputs, declared_columns, read_lyrics
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import LABELS

_AUDIO = ("melspectrogram",)


class Representation(NamedTuple):
    """Points of the scored songs.

    Attributes:
        name: what tables call it; one of a kind within an experiment.
        role: "own" for what the experiment is about, "baseline" for what it has to beat.
        points: one `[songs, dimensions]` per seed; the same array where seeds do not differ.
        columns_seen: columns of the song table it was computed from. Scores against labels among
            them, and against labels that follow from them, are leaks, not results.
    """

    name: str
    role: Literal["own", "baseline"]
    points: Sequence[np.ndarray]
    columns_seen: tuple[str, ...]

    @property
    def labels_seen(self) -> tuple[str, ...]:
        """The labels among the columns."""
        return tuple(column for column in self.columns_seen if column in LABELS)


def representations(
    experiment: Experiment,
    features: SongFeatures,
    inputs: Inputs,
    latents: np.ndarray | None,
    terminal: Terminal,
) -> list[Representation]:
    """Own representations first, then baselines.

    Args:
        experiment: resolved.
        features: of all songs.
        inputs: made from them.
        latents: of all songs, `[members, songs, latent]`; None if the model is not trained.
        terminal: for progress.
    """
    model, n_seeds = experiment.model, len(experiment.seeds)
    features = features._replace(table=declared_columns(features.table, experiment))
    if model.kind == "raw" and model.inputs == "lyrics":
        own = _lyrics_variants(experiment, features, inputs, terminal)
    elif model.is_trained:
        own = _of_model(experiment, inputs, latents)
    else:
        is_raw = model.kind == "raw"
        points = inputs.x if is_raw else pca_latents(inputs.x, inputs.split.train, model.latent)
        seen = _seen_by_model(experiment)
        own = [_same(model_name(model), "own", points[inputs.scored], n_seeds, seen)]
    parts: list[Representation] = []
    if experiment.fuse:
        parts = [part._replace(role="baseline") for part in own]
        own = _fused(experiment, features, inputs, own)
    if "lyrics" in experiment.fuse or model.inputs == "audio+lyrics":
        parts.append(_lyrics_alone(experiment, inputs)._replace(role="baseline"))
    # The linear baseline has the dimensions of the model it stands beside.
    pca = pca_latents(inputs.audio, inputs.split.train, model.latent)
    parts.append(_same("pca", "baseline", pca[inputs.scored], n_seeds, _AUDIO))
    parts.append(_same("raw", "baseline", inputs.scored_audio, n_seeds, _AUDIO))
    names = {one.name for one in own}
    return own + [part for part in parts if part.name not in names]


def _same(
    name: str,
    role: Literal["own", "baseline"],
    points: np.ndarray,
    n_seeds: int,
    columns_seen: tuple[str, ...],
) -> Representation:
    return Representation(name, role, [points] * n_seeds, columns_seen)


def _seen_by_model(experiment: Experiment) -> tuple[str, ...]:
    model = experiment.model
    audio = _AUDIO if "audio" in model.inputs else ()
    condition = () if model.condition == "none" else (model.condition,)
    text = _seen_by_lyrics(experiment.lyrics) if "lyrics" in model.inputs else ()
    return _union(audio, text, condition)


def _seen_by_lyrics(config: LyricsConfig) -> tuple[str, ...]:
    return ("lyrics", *config.labels_seen)


def _union(*columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for of_one in columns for column in of_one))


def _of_model(experiment: Experiment, inputs: Inputs, latents: np.ndarray) -> list[Representation]:
    """One representation per beta and learning rate."""
    found: dict[str, list[np.ndarray]] = {}
    for member, points in zip(experiment.members, latents, strict=True):
        found.setdefault(member_name(experiment, member), []).append(points[inputs.scored])
    seen = _seen_by_model(experiment)
    return [Representation(name, "own", points, seen) for name, points in found.items()]


def _lyrics_alone(experiment: Experiment, inputs: Inputs) -> Representation:
    config, points = experiment.lyrics, inputs.lyrics.values[inputs.scored]
    seen = _seen_by_lyrics(config)
    return _same(lyrics_name(config), "own", points, len(experiment.seeds), seen)


def _lyrics_variants(
    experiment: Experiment, features: SongFeatures, inputs: Inputs, terminal: Terminal
) -> list[Representation]:
    """The configured lyrics representation, then it and TF-IDF, each plain and centred."""
    configured = experiment.lyrics
    found = [_lyrics_alone(experiment, inputs)]
    for runtime in dict.fromkeys((configured.runtime, "tfidf")):
        for centred in (configured.centred, not configured.centred):
            config = replace(configured, runtime=runtime, centred=centred)
            if config != configured:
                other = replace(experiment, lyrics=config)
                _, vectors = read_lyrics(other, features.table, inputs.split, terminal)
                found.append(_lyrics_alone(other, inputs._replace(lyrics=vectors)))
    return found


def _fused(
    experiment: Experiment,
    features: SongFeatures,
    inputs: Inputs,
    latents: list[Representation],
) -> list[Representation]:
    """Latents beside lyrics: reduced to as many dimensions, whole, and with the genre.

    The lyrics are reduced by PCA because hundreds of dimensions of embedding noise hide the
    clusters of the fewer audio latents even at equal variance. With the genre it is what the
    reference pipeline calls multimodal.
    """
    fused = []
    for own in latents:
        whole = [own]
        if "lyrics" in experiment.fuse:
            text = _lyrics_alone(experiment, inputs)
            whole.append(text)
            fused.append(_side_by_side([own, _reduced(text, experiment, inputs)]))
            fused.append(_side_by_side(whole))
        if "genre" in experiment.fuse:
            genre = features.table["genre"].iloc[inputs.scored]
            points = one_hot(genre, vocabulary(genre), "genre")
            label = _same("genre", "own", points, len(experiment.seeds), ("genre",))
            fused.append(_side_by_side([*whole, label]))
    return fused


def _reduced(text: Representation, experiment: Experiment, inputs: Inputs) -> Representation:
    vectors = inputs.lyrics
    train = inputs.split.train[vectors.known[inputs.split.train]]
    points = pca_latents(vectors.values, train, experiment.model.latent)[inputs.scored]
    return text._replace(name=f"{text.name}_pca", points=[points] * len(text.points))


def _side_by_side(parts: list[Representation]) -> Representation:
    return Representation(
        name="+".join(part.name for part in parts),
        role="own",
        points=[concatenate(blocks) for blocks in zip(*(p.points for p in parts), strict=True)],
        columns_seen=_union(*(part.columns_seen for part in parts)),
    )
