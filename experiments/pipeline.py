"""One experiment from songs to figures; each stage is a function of the stages before it."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments import tables
from experiments.manifest import Stopwatch, manifest
from experiments.results import CHECKPOINT, MANIFEST, staged_results
from experiments.terminal import Terminal
from musicvae_jax import projections, reporting
from musicvae_jax.baselines import pca_latents
from musicvae_jax.bridge import encode
from musicvae_jax.checkpoints import Checkpoint, save_checkpoint
from musicvae_jax.clustering import KCurves, check_enough_songs, choose_k, k_curves, kmeans
from musicvae_jax.config import Experiment, to_json
from musicvae_jax.errors import InputError
from musicvae_jax.evaluation import external_scores, internal_scores
from musicvae_jax.features import (
    Scaler,
    SongFeatures,
    extract_features,
    fit_scaler,
    one_hot,
    standardise,
    vocabulary,
)
from musicvae_jax.songs import DEMO_PATH, Songs, Split, find_songs, load_songs, split_songs
from musicvae_jax.songs.demo import DEMO_VERSION, N_DEMO_SONGS, demo_version, write_demo
from musicvae_jax.training import (
    Data,
    Examples,
    History,
    TrainState,
    check_finite,
    make_model,
    make_train,
    train_members,
)

_DPI = 150


class Inputs(NamedTuple):
    """What a model is given: standardised features, condition (or None) and the split.

    The vocabularies are those of the training songs.
    """

    x: np.ndarray
    condition: np.ndarray | None
    vocabularies: dict[str, tuple[str, ...]]
    scaler: Scaler
    split: Split


class Trained(NamedTuple):
    """Latents `[seeds, songs, latent]`; for a trained model also its states and history."""

    latents: np.ndarray
    state: TrainState | None
    history: History | None


class Clustered(NamedTuple):
    """Per seed the curves over k and the clusters of its latents; the rows of metrics.csv."""

    curves: list[KCurves]
    chosen_k: int
    clusters: list[np.ndarray]
    metrics: pd.DataFrame


def run_experiment(experiment: Experiment) -> Path:
    """Runs an experiment and returns its results folder.

    Raises:
        InputError: the songs, the settings or the output folder cannot be used.
        DivergenceError: training reached NaN or infinity.
    """
    terminal, watch = Terminal(), Stopwatch()
    name, results_dir = experiment.name, experiment.results_dir
    with staged_results(name, results_dir, experiment.checkpoint_dir) as stage:
        with watch.stage("features"):
            experiment = find_data(experiment, terminal)
            songs, features = read_songs(experiment, terminal)
        inputs = prepare_inputs(experiment, features, terminal)
        with watch.stage("training"):
            trained = train(experiment, inputs, terminal)
        with watch.stage("clustering"):
            clustered = cluster(experiment, features, inputs, trained, terminal)
        title = f"{experiment.name} on {songs.path.stem}, n = {len(features.table)} songs"
        with watch.stage("writing"):
            _write_tables(stage, experiment, features, inputs, trained, clustered)
            if trained.state is not None:
                save_checkpoint(
                    stage / CHECKPOINT,
                    Checkpoint(experiment, trained.state, inputs.scaler, inputs.vocabularies),
                )
        with watch.stage("figures"):
            _draw_figures(stage, experiment, title, terminal)
        _write_json(stage / "config.json", to_json(experiment))
        _write_json(stage / MANIFEST, manifest(experiment, songs, features, inputs.split, watch))
    terminal.show(reporting.score_table(clustered.metrics, title))
    terminal.say(f"results: {experiment.results_dir}")
    if trained.state is not None:
        terminal.say(f"checkpoint: {experiment.checkpoint_dir}")
    return experiment.results_dir


def find_data(experiment: Experiment, terminal: Terminal) -> Experiment:
    """The experiment with its song file resolved; makes the demo set if that is what is wanted."""
    path, description = find_songs(experiment.data.path)
    terminal.say(description)
    if experiment.data.path is None and path == DEMO_PATH:
        _make_demo(path, terminal)
    return replace(experiment, data=replace(experiment.data, path=path))


def _make_demo(path: Path, terminal: Terminal) -> None:
    found = demo_version(path)
    if found == DEMO_VERSION:
        return
    if found is None and path.exists():
        raise InputError(
            f"{path}: is there and is not a demo set; move it, or name it with --data.path"
        )
    try:
        path.parent.mkdir(exist_ok=True)
        with terminal.progress("making demo songs", N_DEMO_SONGS) as advance:
            write_demo(path, on_song=advance)
    except OSError as error:
        raise InputError(
            f"{path}: the demo set cannot be written ({error}); name songs with --data.path"
        ) from error


def read_songs(experiment: Experiment, terminal: Terminal) -> tuple[Songs, SongFeatures]:
    """The songs' metadata and features."""
    path = experiment.data.path
    songs = load_songs(path)
    with terminal.progress("reading mels", len(songs.table)) as advance:
        features = extract_features(songs, experiment.features, advance, terminal.notice)
    source = "from the cache" if features.from_cache else "from the mel spectrograms"
    terminal.say(
        f"features: {len(features.table)} songs {source}; {len(features.rejected)} of "
        f"{len(songs.table)} rows rejected"
    )
    return songs, features


def prepare_inputs(experiment: Experiment, features: SongFeatures, terminal: Terminal) -> Inputs:
    """Splits, standardises and encodes the condition; says what the scores will lack.

    Raises:
        InputError: too few songs to hold one out or to cluster, or a condition without two values.
    """
    table, data = features.table, experiment.data
    check_enough_songs(features.values, experiment.cluster)
    split = split_songs(table["artist"], data.heldout_fraction, data.split_seed)
    scaler = fit_scaler(features.values[split.train])
    training_songs = table.iloc[split.train]
    vocabularies = {name: vocabulary(training_songs[name]) for name in tables.LABELS}
    condition = None
    if experiment.model.condition != "none":
        condition = _condition(experiment.model.condition, table, vocabularies, terminal)
    _notice_gaps(table, split, terminal)
    return Inputs(standardise(features.values, scaler), condition, vocabularies, scaler, split)


def _notice_gaps(table: pd.DataFrame, split: Split, terminal: Terminal) -> None:
    for name in tables.LABELS:
        found = vocabulary(table[name])
        if len(found) < 2:
            terminal.notice(
                f"{name}: got {len(found)} distinct value(s) ({', '.join(found) or 'all null'}), "
                "expected at least 2; its scores are left empty"
            )
    both = set(table["artist"].iloc[split.train]) & set(table["artist"].iloc[split.heldout])
    if both - {None}:
        terminal.notice("all songs are by one artist, so held-out songs are by a known artist")


def _condition(
    field: str,
    table: pd.DataFrame,
    vocabularies: dict[str, tuple[str, ...]],
    terminal: Terminal,
) -> np.ndarray:
    """The one-hot condition of every song; a label that no training song has counts as null."""
    known = vocabularies[field]
    if len(known) < 2:
        raise InputError(
            f"model.condition {field}: got {len(known)} distinct value(s) "
            f"({', '.join(known) or 'all null'}) in the training songs, expected at least 2"
        )
    is_new = table[field].notna() & ~table[field].isin(known)
    if is_new.any():
        terminal.notice(
            f"{field}: {is_new.sum()} held-out song(s) have a {field} that no training song has "
            f"({', '.join(vocabulary(table[field][is_new]))}); the model is not told it"
        )
    return one_hot(table[field].mask(is_new, None), known, field)


def train(experiment: Experiment, inputs: Inputs, terminal: Terminal) -> Trained:
    """Fits the model, all seeds in one compiled call, and encodes every song."""
    n_seeds = len(experiment.seeds)
    if experiment.model.kind == "pca":
        latents = pca_latents(inputs.x, inputs.split.train, experiment.model.latent)
        return Trained(np.stack([latents] * n_seeds), None, None)
    model = make_model(experiment.model, inputs.x.shape[1])
    keys = jnp.stack([jax.random.key(seed) for seed in experiment.seeds])
    betas = jnp.full(n_seeds, experiment.train.beta)
    data = Data(_examples(inputs, inputs.split.train), _examples(inputs, inputs.split.heldout))
    with terminal.progress("training", n_seeds * experiment.train.epochs) as advance:
        train_one = make_train(model, experiment.train, on_epoch=advance)
        state, history = train_members(train_one, keys, data, betas)
    check_finite(history, experiment.seeds)
    return Trained(encode(model, state.params, inputs.x, inputs.condition), state, history)


def _examples(inputs: Inputs, index: np.ndarray) -> Examples:
    condition = None if inputs.condition is None else jnp.asarray(inputs.condition[index])
    return Examples(jnp.asarray(inputs.x[index]), condition)


def cluster(
    experiment: Experiment,
    features: SongFeatures,
    inputs: Inputs,
    trained: Trained,
    terminal: Terminal,
) -> Clustered:
    """K-Means per seed, on the latents and on the baselines, all at the one k of the latents.

    Scores at different k do not compare, so the baselines do not choose a k of their own.
    """
    config = experiment.cluster
    labels = {name: features.table[name] for name in tables.LABELS}
    baselines = {
        "pca": pca_latents(inputs.x, inputs.split.train, experiment.model.latent),
        "raw": inputs.x,
    }
    by_seed = list(zip(experiment.seeds, trained.latents, strict=True))
    with terminal.progress("clustering", 2 * len(by_seed)) as advance:
        curves = []
        for seed, latents in by_seed:
            curves.append(k_curves(latents, config, seed))
            advance()
        k = choose_k(curves, config)
        clusters, rows = [], []
        for seed, latents in by_seed:
            # First in the table comes the experiment's own; in easy_pca that is the baseline.
            for name, x in ({experiment.representation: latents} | baselines).items():
                found = kmeans(x, k, seed, config.restarts)
                rows.append(_score_row(experiment, seed, name, x, found, labels))
                if name == experiment.representation:
                    clusters.append(found)
            advance()
    return Clustered(curves, k, clusters, pd.DataFrame(rows))


def _score_row(
    experiment: Experiment,
    seed: int,
    representation: str,
    x: np.ndarray,
    clusters: np.ndarray,
    labels: dict[str, pd.Series],
) -> dict:
    is_own = representation == experiment.representation
    return {
        "experiment": experiment.name,
        "seed": seed,
        "representation": representation,
        "clusterer": "kmeans",
        "n_clusters": len(np.unique(clusters)),
        "n_songs": len(x),
        **internal_scores(x, clusters),
        **external_scores(clusters, labels),
        "labels_seen": " ".join(experiment.labels_seen) if is_own else "",
    }


def _write_tables(
    stage: Path,
    experiment: Experiment,
    features: SongFeatures,
    inputs: Inputs,
    trained: Trained,
    clustered: Clustered,
) -> None:
    seeds = experiment.seeds
    texts = {
        "metrics": clustered.metrics,
        "history": tables.history_table(seeds, trained.history, experiment.model.kind == "vae"),
        "cluster_selection": tables.selection_table(seeds, clustered.curves, clustered.chosen_k),
        "rejected": tables.rejected_table(features.rejected),
    }
    for name, table in texts.items():
        (stage / f"{name}.csv").write_text(tables.to_csv(table), encoding="utf-8")
    latents = tables.latents_table(
        seeds, features.table, inputs.split, clustered.clusters, trained.latents
    )
    latents.to_parquet(stage / "latents.parquet", index=False)


def _draw_figures(stage: Path, experiment: Experiment, title: str, terminal: Terminal) -> None:
    """Figures from the tables in the folder, so that whoever has the folder can redraw them."""
    folder = stage / "figures"
    folder.mkdir()

    def save(figure: Figure, name: str) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            figure.savefig(folder / f"{name}.png", dpi=_DPI, bbox_inches="tight")
        missing_glyphs = [w for w in caught if "missing from font" in str(w.message)]
        if missing_glyphs:
            terminal.notice(f"{name}.png: no installed font has some of the labels' characters")
        for warning in caught:
            if warning not in missing_glyphs:
                warnings.warn_explicit(
                    warning.message, warning.category, warning.filename, warning.lineno
                )

    if experiment.model.kind != "pca":
        history = pd.read_csv(stage / "history.csv")
        save(reporting.training_curves(history, title), "training_curves")
    curves = pd.read_csv(stage / "cluster_selection.csv")
    save(reporting.cluster_selection(curves, title), "cluster_selection")

    latents = pd.read_parquet(stage / "latents.parquet")
    latents = latents[latents["seed"] == experiment.seeds[0]]
    x = latents.filter(like="latent_").to_numpy()
    if len(x) < projections.MIN_SONGS:
        terminal.notice(
            f"t-SNE and UMAP are left out: got {len(x)} songs, expected at least "
            f"{projections.MIN_SONGS}"
        )
        return
    groups = {
        "cluster": "cluster " + latents["cluster"].astype(str).str.zfill(2),
        "genre": latents["genre"],
        "language": latents["language"],
    }
    methods = {"tsne": ("t-SNE", projections.tsne), "umap": ("UMAP", projections.umap)}
    with terminal.progress("drawing projections", len(methods)) as advance:
        for name, (method, project) in methods.items():
            coordinates = project(x, experiment.seeds[0])
            heading = f"{method} of the latents of {title}, seed {experiment.seeds[0]}"
            save(reporting.projection(coordinates, groups, method, heading), name)
            advance()


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
