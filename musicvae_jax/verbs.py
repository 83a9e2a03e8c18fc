"""What the command line does, as functions: load songs, fit, cluster, score, assign.

`musicvae_jax` exports them. None of them changes JAX's settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax import songs as song_files
from musicvae_jax.arguments import (
    check_axes,
    check_finite_points,
    check_representation,
    checked_seeds,
)
from musicvae_jax.clustering import (
    NOISE,
    KnownClusters,
    check_enough_songs,
    choose_k,
    find_clusterer,
    k_curves,
)
from musicvae_jax.config import (
    CLUSTERERS,
    ClusterConfig,
    Clusterer,
    DataConfig,
    Experiment,
    RuntimeConfig,
)
from musicvae_jax.config.checks import require_type
from musicvae_jax.errors import InputError
from musicvae_jax.evaluation import Significance, internal_scores, significance
from musicvae_jax.pipeline.choosing_k import with_measured
from musicvae_jax.pipeline.fit import fit as fit_experiment
from musicvae_jax.pipeline.listing import marks
from musicvae_jax.pipeline.new_songs import assign_as_run, assign_songs
from musicvae_jax.pipeline.resolve import (
    resolve_architecture,
    resolve_blocks,
    resolve_data,
    resolve_lyrics,
)
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.representations import Representation
from musicvae_jax.runtime.devices import Devices
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import LABELS, Songs
from musicvae_jax.trained import KnownSongs, Trained, encoded_names, members_by_name
from musicvae_jax.training import OnEpochs

_INDEX = ["label", "score", "seed"]
_COLUMNS = (
    *("value", "mark", "low", "high", "null_high", "null_mean", "p_value"),
    *("p_value_artists", "one_per_artist", "n_songs", "n_artist_songs"),
)


class Clusters(NamedTuple):
    """Clusterings of songs, one for each seed.

    Attributes:
        representation: what was clustered.
        labels: cluster numbers from 0, `[seeds, songs]`; -1 for songs in no cluster, such as those
            the representation does not know.
        seeds: the seed of each clustering.
        k: the requested number of clusters; 0 if the clusterer finds its own number.
        method: the clusterer.
        notes: warnings about the clusterings.
        centres: for each seed the centres of its clusters, `[clusters, dimensions]`; None for a
            clusterer without centres.
    """

    representation: Representation
    labels: np.ndarray
    seeds: tuple[int, ...]
    k: int
    method: Clusterer
    notes: tuple[str, ...]
    centres: tuple[np.ndarray | None, ...] = ()


def load_songs(
    path: Path | str | Sequence[Path | str] | None = None, data: DataConfig | None = None
) -> Songs:
    """Opens songs: metadata at once, mel spectrograms as they are needed.

    Progress goes to standard error if that is a terminal.

    Args:
        path: a folder of audio files, or one file; a parquet file in the 4MuLA schema or a folder
            of such files; a glob; several of these, of one kind; or a table of features (.csv,
            .tsv, .parquet), whose numbers take the place of audio features. By default
            data/4mula_tiny.parquet if it exists, else the synthetic demo set, which the first call
            makes in data/.
        data: how to read them; only the settings of reading matter here, and its path does not.

    Returns:
        The opened songs; `table` has one row per song that was found.

    Raises:
        InputError: there is no such file, it is damaged, or a column has the wrong type.

    Example:
        >>> songs = load_songs()
        >>> "genre" in songs.table
        True
    """
    terminal = _terminal()
    if data is not None:
        require_type("data", data, DataConfig)
    if path is None:
        path = resolve_data(DataConfig(), terminal).source
    return song_files.load_songs(path, data, terminal=terminal)


def fit(
    experiment: str | Experiment,
    songs: Songs,
    seeds: Sequence[int] | None = None,
    on_epochs: OnEpochs | None = None,
    devices: Devices = None,
    quiet: bool = False,
) -> Trained:
    """Fits a named experiment, or your own, on songs.

    Progress goes to standard error if that is a terminal.

    Args:
        experiment: a name, as `python -m experiments.run --list` prints them, or an `Experiment`.
        songs: from `load_songs`; a tenth is held out of training, by artist.
        seeds: one training for each, instead of the experiment's own seeds.
        on_epochs: `on_epochs(epoch, metrics)`, called when all models of a sweep have trained an
            epoch, counted from 0. `metrics` holds losses in nats and active units by name,
            `[members]` each, NaN after a training has diverged. Runs on the host, between compiled
            chunks.
        devices: number of devices, or "all"; see `RuntimeConfig.devices`.
        quiet: print nothing.

    Returns:
        The trained models with their preprocessor.

    Raises:
        InputError: the name is unknown, or the songs or settings cannot be used.
        DivergenceError: training reached NaN or infinity.

    Example:
        >>> from musicvae_jax import Experiment, TrainConfig
        >>> mine = Experiment("mine", train=TrainConfig(epochs=2), seeds=(0, 1))
        >>> model = fit(mine, load_songs(), quiet=True)
        >>> model.encode(load_songs()).points.shape[::2]
        (2, 32)
    """
    terminal = _terminal(quiet)
    experiment = _find(experiment) if isinstance(experiment, str) else experiment
    require_type("experiment", experiment, Experiment)
    require_type("songs", songs, Songs)
    if seeds is not None:
        experiment = replace(experiment, seeds=checked_seeds(seeds))
    split = {name: getattr(experiment.data, name) for name in ("heldout_fraction", "split_seed")}
    experiment = replace(experiment, data=replace(songs.data, **split))
    experiment = resolve_blocks(experiment, songs.has_mels, terminal.notice)
    experiment = resolve_architecture(experiment)
    if experiment.chooses_runtime:
        experiment = replace(experiment, lyrics=resolve_lyrics(experiment.lyrics, terminal))
    runtime = RuntimeConfig(devices=devices)
    return fit_experiment(experiment, songs, runtime, terminal, on_epochs=on_epochs).trained


def cluster(
    representation: Representation,
    k: int | None = None,
    method: Clusterer = "kmeans",
    seeds: Sequence[int] | None = None,
    config: ClusterConfig | None = None,
) -> Clusters:
    """Clusters the songs that a representation knows.

    Args:
        representation: points of songs.
        k: number of clusters, at least 2; by default that of the config, else the k that the
            config's rule chooses from runs of K-Means, which is the one at the elbow of their
            inertia unless set otherwise. A clusterer that finds its own number ignores it.
        method: a clusterer, such as "kmeans" or "agglomerative"; see `config.CLUSTERERS`.
        seeds: one clustering for each; by default one per seed of the points, counted from 0.
        config: further settings of the clusterers.

    Raises:
        InputError: an array has the wrong shape, a point is not finite, the method is unknown, or
            there are too few songs for k.

    Example:
        >>> points = np.array([[[0.0], [0.1], [5.0], [5.1]]], np.float32)
        >>> four = Representation("mine", np.array(list("abcd")), points, np.ones(4, bool), ())
        >>> found = cluster(four, k=2)
        >>> bool(found.labels[0, 0] == found.labels[0, 1] != found.labels[0, 2])
        True
    """
    check_representation(representation)
    check_finite_points(representation)
    # Not looked up: what cannot be hashed is a wrong method too.
    if method not in tuple(CLUSTERERS):
        raise InputError(f"method: got {method!r}, expected one of {', '.join(CLUSTERERS)}")
    config = config or ClusterConfig()
    require_type("config", config, ClusterConfig)
    if k is not None:
        if not isinstance(k, Integral):
            raise InputError(f"k: got {k!r}, expected an integer")
        config = replace(config, k=int(k))
    n_drawn = len(representation.points)
    seeds = tuple(range(n_drawn)) if seeds is None else checked_seeds(seeds)
    if n_drawn not in (1, len(seeds)):
        raise InputError(
            f"seeds: got {len(seeds)}, expected {n_drawn}, one for each seed of the points"
        )
    places = np.flatnonzero(representation.known)
    points = [representation.of_seed(place)[places] for place in range(len(seeds))]
    chosen = 0
    if CLUSTERERS[method].takes_k:
        chosen = config.k or _choose(points, seeds, config)
    for x in points:
        check_enough_songs(x, config)
    function = find_clusterer(method)
    labels, notes, centres = np.full((len(seeds), len(representation.songs)), NOISE), [], []
    for row, x, seed in zip(labels, points, seeds, strict=True):
        found = function(x, chosen, seed, config)
        row[places] = found.labels
        notes.append(found.note)
        centres.append(found.centres)
    kept = tuple(dict.fromkeys(filter(None, notes)))
    return Clusters(representation, labels, seeds, chosen, method, kept, tuple(centres))


def score(clusters: Clusters, songs: Songs) -> pd.DataFrame:
    """Scores a clustering against labels, with chance levels, intervals and leak marks.

    Args:
        clusters: from `cluster`.
        songs: the clustered songs, with their labels.

    Returns:
        A table indexed by label ("genre"; "" for scores of the points alone), score and seed, with
        the columns value, mark ("given" if the representation was given the label, "derivable" if
        the label follows from what it was given: the value is then no result), low and high (95 %
        interval over artists), null_high, null_mean and p_value (labels shuffled over songs),
        p_value_artists (over whole artists), one_per_artist, n_songs and n_artist_songs; see
        `Significance`. Undefined numbers are NaN.

    Raises:
        InputError: no clustered song is among the songs.

    Example:
        >>> songs = load_songs()
        >>> points = np.random.default_rng(0).normal(size=(1, len(songs.table), 2))
        >>> ids = songs.table["music_id"].to_numpy()
        >>> noise = Representation("noise", ids, points, np.ones(len(ids), bool), ())
        >>> table = score(cluster(noise, k=9), songs)
        >>> bool(table.loc[("genre", "ami", 0), "value"] < 0.1)
        True
    """
    _check_clusters(clusters)
    require_type("songs", songs, Songs)
    one = clusters.representation
    by_id = songs.table.drop_duplicates("music_id").set_index("music_id")
    places = np.flatnonzero(one.known & np.isin(one.songs, by_id.index.dropna()))
    if len(places) == 0:
        raise InputError(
            f"songs: got none of the {len(one.songs)} songs of {one.name} in {songs.path} (the "
            f"first is {one.songs[0]!r}), expected songs in common"
        )
    found = by_id.loc[one.songs[places]].reset_index()
    labels: dict[str, pd.Series] = {name: found[name] for name in LABELS}
    rows = []
    for place, seed in enumerate(clusters.seeds):
        of_songs = clusters.labels[place, places]
        rows += [row._asdict() | {"seed": seed} for row in significance(of_songs, labels, seed)]
        internal = internal_scores(one.of_seed(place)[places], of_songs)
        if np.isnan(internal["silhouette_se"]):
            # It is of all songs, so it has no standard error.
            del internal["silhouette_se"]
        rows += [
            {"label": "", "score": name, "seed": seed, "n_songs": len(places), "value": value}
            for name, value in internal.items()
        ]
    table = pd.DataFrame(rows, columns=["seed", *Significance._fields])
    return table.assign(mark=_marks(table["label"], one, labels)).set_index(_INDEX)[[*_COLUMNS]]


def assign(model: Trained, songs: Songs, clusters: Clusters | None = None) -> pd.DataFrame:
    """Puts songs into the clusters of known ones, each into the one with the nearest centre.

    Needs no files of the known songs; these get the clusters that they have.

    Args:
        model: encodes the songs. That of a run's checkpoint, from `load`, has the run's clusters:
            those of its main representation by K-Means under its first seed.
        songs: from `load_songs`.
        clusters: from `cluster`, by K-Means, of a representation of this model; the first seed
            counts. Needed for a model from `fit`, and used in place of a run's own clusters.

    Returns:
        One row for each song, in the order of their files, and the rejected ones last. music_id,
        title and artist; cluster; distance, to the cluster's centre; typicality, the share of the
        cluster's known songs that lie at least as far from it, 0 for a song that is farther away
        than all of them; second_cluster, whose centre is the second nearest; ratio, of both
        distances, 1 for a song halfway between them; nearest_1_music_id, nearest_1_title,
        nearest_1_artist and nearest_1_distance of the nearest known song, and likewise to
        nearest_5 (clusters of `cluster` know only the ids); reason, why a song is in no cluster.
        Numbers are in the units of the representation, absent values null.

    Raises:
        InputError: there are no clusters, they have no centres or are of another model, no song can
            be assigned, or `Trained.encode` refuses the songs.

    Example:
        >>> songs = load_songs()
        >>> from musicvae_jax import Experiment, ModelConfig
        >>> model = fit(Experiment("mine", model=ModelConfig(kind="pca")), songs, quiet=True)
        >>> clusters = cluster(model.encode(songs), k=5)
        >>> table = assign(model, songs, clusters)
        >>> bool((table["cluster"] == clusters.labels[0]).all())
        True
    """
    require_type("model", model, Trained)
    require_type("songs", songs, Songs)
    if clusters is None:
        return assign_as_run(model, songs, _terminal())
    known, name = _known(clusters, model), clusters.representation.name
    return assign_songs(model, songs, known, name, needs_all=False, terminal=_terminal())


def _known(clusters: Clusters, model: Trained) -> KnownSongs:
    """The songs of a clustering as a run's checkpoint has them, without titles and artists."""
    _check_clusters(clusters)
    one, allowed = clusters.representation, encoded_names(model)
    if one.name not in allowed:
        raise InputError(
            f"clusters: got those of {one.name!r}, expected those of a representation of the "
            f"model, {', '.join(allowed)}"
        )
    whole = model.experiment.columns_of_modalities(model.experiment.modalities)
    if one.name in members_by_name(model.experiment) and not {*whole} <= {*one.columns_seen}:
        raise InputError(
            f"clusters: got those of {one.name} of {' and '.join(one.columns_seen)}, expected "
            f"those of {' and '.join(whole)}"
        )
    centres = clusters.centres[0] if clusters.centres else None
    if centres is None:
        raise InputError(
            f"clusters: got those of {clusters.method!r}, which have no centres, expected those of "
            "'kmeans'"
        )
    places = np.flatnonzero(clusters.labels[0] != NOISE)
    unknown = np.full(len(places), None, object)
    found = KnownClusters(one.of_seed(0)[places], clusters.labels[0, places], centres)
    return KnownSongs(one.songs[places], unknown, unknown, {one.name: found})


def _choose(points: Sequence[np.ndarray], seeds: Sequence[int], config: ClusterConfig) -> int:
    curves = [k_curves(x, config, seed) for x, seed in zip(points, seeds, strict=True)]
    return choose_k(with_measured(curves, points, seeds, config), config)


def _marks(of_rows: pd.Series, one: Representation, labels: Mapping[str, pd.Series]) -> pd.Series:
    seen, derivable = (set(found.split()) for found in marks(one, labels).values())
    named = dict.fromkeys(seen, "given") | dict.fromkeys(derivable, "derivable")
    return of_rows.map(lambda label: named.get(label, ""))


def _terminal(quiet: bool = False) -> Terminal:
    """The terminal of a library call: all its lines go to standard error."""
    return Terminal(is_quiet=quiet, is_command=False)


def _find(name: str) -> Experiment:
    if name not in EXPERIMENTS:
        raise InputError(f"experiment: got {name!r}, expected one of {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name].experiment


def _check_clusters(clusters: Clusters) -> None:
    require_type("clusters", clusters, Clusters)
    one = clusters.representation
    check_representation(one)
    check_axes(f"labels of {one.name}", clusters.labels, ("seeds", "songs"), len(one.songs))
    if len(clusters.labels) != len(clusters.seeds):
        raise InputError(
            f"labels of {one.name}: got {len(clusters.labels)} on axis 0, expected "
            f"{len(clusters.seeds)}, the number of seeds"
        )
