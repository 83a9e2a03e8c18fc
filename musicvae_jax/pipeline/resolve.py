"""Resolves what a config leaves open: song files, blocks, layers, the lyrics runtime."""

from collections.abc import Callable
from dataclasses import replace

from musicvae_jax import lyrics
from musicvae_jax.config import BLOCKS, DataConfig, Experiment, LyricsConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import TABLE
from musicvae_jax.runtime.devices import first_process_first, has_accelerators
from musicvae_jax.runtime.files import remove_abandoned
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import DEMO_PATH, find_songs, reader_of
from musicvae_jax.songs.demo import DEMO_VERSION, N_DEMO_SONGS, demo_version, write_demo


def resolve(experiment: Experiment, terminal: Terminal) -> Experiment:
    """Finds the experiment's songs and, if it embeds lyrics, chooses their runtime.

    Makes the demo set if needed. Layers of a convolutional model are chosen by the devices.

    Raises:
        InputError: no file matches a glob, the experiment needs mel spectrograms and the songs have
            none, or the lyrics runtime is not available.
    """
    data = resolve_data(experiment.data, terminal)
    has_mels = reader_of(data.source).has_mels
    experiment = resolve_blocks(replace(experiment, data=data), has_mels, terminal.notice)
    experiment = resolve_architecture(experiment)
    if not experiment.chooses_runtime:
        return experiment
    return replace(experiment, lyrics=resolve_lyrics(experiment.lyrics, terminal))


def resolve_blocks(
    experiment: Experiment, has_mels: bool, on_notice: Callable[[str], None]
) -> Experiment:
    """The experiment with blocks that its songs have: for songs without mels, their table's.

    Args:
        experiment: with the path of its songs.
        has_mels: whether these have mel spectrograms.
        on_notice: called with a line about the blocks that are replaced.

    Raises:
        InputError: the model reads mel spectrograms and the songs have none.
    """
    if has_mels:
        return experiment
    model, path = experiment.model, experiment.data.path
    if model.traits.reads == "crops":
        raise InputError(
            f"model.kind: got {model.kind!r}, which reads mel spectrograms, and {path} is a table "
            "of features; expected songs with mel spectrograms, or another kind of model"
        )
    replaced = dict.fromkeys(name for name in experiment.audio_blocks if BLOCKS[name].needs_mels)
    if replaced:
        on_notice(
            f"songs without mel spectrograms: the block {TABLE} takes the place of "
            f"{' and '.join(replaced)}"
        )
    blocks = (TABLE if name in replaced else name for name in experiment.features.blocks)
    features = replace(
        experiment.features, blocks=tuple(dict.fromkeys(blocks)), baseline_blocks=(TABLE,)
    )
    return replace(experiment, features=features)


def resolve_architecture(experiment: Experiment) -> Experiment:
    """The experiment with the layers that suit the devices, if its model reads mel crops."""
    model = experiment.model
    if model.traits.reads != "crops" or model.architecture != "auto":
        return experiment
    model = replace(model, architecture="conv" if has_accelerators() else "patch")
    return replace(experiment, model=model)


def resolve_data(data: DataConfig, terminal: Terminal) -> DataConfig:
    """Finds the song file and says which it is."""
    path, description = find_songs(data.path)
    terminal.say(description)
    if data.path is None and path == DEMO_PATH:
        with first_process_first("demo songs"):
            _make_demo(terminal)
    return replace(data, path=path)


def resolve_lyrics(config: LyricsConfig, terminal: Terminal) -> LyricsConfig:
    """Chooses the lyrics runtime and says which it is, and whether it is a fallback."""
    settled, description = lyrics.resolve_runtime(config)
    terminal.say(description)
    return settled


def _make_demo(terminal: Terminal) -> None:
    found = demo_version(DEMO_PATH)
    if found == DEMO_VERSION:
        return
    if found is None and DEMO_PATH.exists():
        raise InputError(
            f"{DEMO_PATH}: exists and is not a demo set; move it, or read it with --data.path"
        )
    try:
        DEMO_PATH.parent.mkdir(exist_ok=True)
        remove_abandoned(DEMO_PATH.parent)
        with terminal.progress("making demo songs", N_DEMO_SONGS) as advance:
            write_demo(DEMO_PATH, on_song=advance)
    except OSError as error:
        raise InputError(
            f"{DEMO_PATH}: the demo set cannot be written ({error}); read songs with --data.path"
        ) from error
