"""Resolves what a config leaves open: the song files and the lyrics runtime."""

from dataclasses import replace

from musicvae_jax import lyrics
from musicvae_jax.config import DataConfig, Experiment, LyricsConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.devices import first_process_first
from musicvae_jax.runtime.files import remove_abandoned
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import DEMO_PATH, find_songs
from musicvae_jax.songs.demo import DEMO_VERSION, N_DEMO_SONGS, demo_version, write_demo


def resolve(experiment: Experiment, terminal: Terminal) -> Experiment:
    """Finds the experiment's songs and, if it embeds lyrics, chooses their runtime.

    Makes the demo set if needed.
    """
    experiment = replace(experiment, data=resolve_data(experiment.data, terminal))
    if not experiment.chooses_runtime:
        return experiment
    return replace(experiment, lyrics=resolve_lyrics(experiment.lyrics, terminal))


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
