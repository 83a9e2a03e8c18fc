"""The built-in demo set: synthetic songs with known factors, in the 4MuLA schema."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musicvae_jax.runtime.workers import most_processes, processes
from musicvae_jax.songs.demo_lyrics import write_lyrics
from musicvae_jax.songs.power_mel import power_mel, round_mantissa
from musicvae_jax.songs.synthesis import SongFactors, synthesise
from musicvae_jax.songs.writing import file_metadata, write_songs

if TYPE_CHECKING:
    import pyarrow as pa

# Raise it whenever a number or a table here changes, so that old files are made again.
DEMO_VERSION = "1"
N_DEMO_SONGS = 400
_VERSION_KEY = "musicvae_jax.demo_version"
_SEED = 20_210_322
# Last word of a seed. A song's seed has none, and NumPy pads with zeros, so 0 would collide.
_ARTIST_STREAM, _ORDER_STREAM = 1, 2

_MAX_ARTISTS = 40
# Below this, starting processes costs more than it saves.
_MAX_SONGS_IN_PROCESS = 64

_LANGUAGES = ("en", "pt-br", "es")
_INSTRUMENTAL_SHARE = 0.1
_FOREIGN_SHARE = 0.1
_SHORTEST_SECONDS, _LONGEST_SECONDS = 8.0, 15.0
_MAX_RELATED = 5

FACTORS = {
    "factor_duration_seconds": "length of the audio",
    "factor_tempo_bpm": "beats per minute; a beat is a quarter note, a dotted one in 6/8",
    "factor_metre": "3/4, 4/4 or 6/8",
    "factor_key": "pitch class of the tonic, 0 (C) to 11 (B)",
    "factor_mode": "major or minor",
    "factor_progression": "scale degrees of the chords, one per bar, repeated",
    "factor_brightness": "0 (steep harmonic roll-off) to 1 (flat)",
    "factor_odd_share": "0 (even harmonics as strong as odd ones) to 1 (odd ones only)",
    "factor_attack_seconds": "rise time of a note",
    "factor_decay_seconds": "time in which a held note falls to 1/e",
    "factor_vibrato_cents": "depth of the vibrato",
    "factor_percussion": "level of the drums relative to the melody",
    "factor_pattern": "name of the drum pattern",
    "factor_arpeggio": "whether chords are broken into single notes",
    "factor_density": "probability of a melody note on each step of a bar after the first",
    "factor_register": "MIDI pitch around which the melody lies",
    "factor_bass": "level of the bass relative to the melody",
    "factor_loudness_db": "peak level relative to full scale",
    "factor_dynamics_db": "change of level from the start to the end of the song",
    "factor_noise_db": "level of the noise floor relative to the peak",
}


class Genre(NamedTuple):
    """The typical traits of a genre.

    `styles` holds the usual and the rarer metre and drum pattern. The genre's artists take
    `languages` in turn.
    """

    name: str
    topic: str
    styles: tuple[tuple[str, str], tuple[str, str]]
    minor_share: float
    arpeggio_share: float
    languages: tuple[str, ...]


_ENGLISH = ("en", "en", "es", "en", "pt-br")
_SPANISH = ("es", "es", "en", "es", "en")
_PORTUGUESE = ("pt-br", "pt-br", "en", "pt-br", "es")

GENRES = (
    Genre("Synth Waltz", "dance", (("3/4", "waltz"), ("3/4", "sway")), 0.3, 0.3, _SPANISH),
    Genre("Synth March", "road", (("4/4", "march"), ("4/4", "pulse")), 0.2, 0.2, _ENGLISH),
    Genre("Synth Techno", "city", (("4/4", "four_floor"), ("4/4", "backbeat")), 0.8, 0.6, _ENGLISH),
    Genre("Synth Ballad", "love", (("4/4", "pulse"), ("6/8", "sway")), 0.4, 0.5, _SPANISH),
    Genre("Synth Jig", "feast", (("6/8", "jig"), ("6/8", "sway")), 0.4, 0.3, _SPANISH),
    Genre("Synth Lullaby", "sleep", (("6/8", "sway"), ("3/4", "waltz")), 0.2, 0.7, _PORTUGUESE),
    Genre("Synth Bossa", "sea", (("4/4", "clave"), ("4/4", "backbeat")), 0.5, 0.3, _PORTUGUESE),
    Genre("Synth Hymn", "light", (("4/4", "pulse"), ("3/4", "sway")), 0.3, 0.1, _PORTUGUESE),
    Genre("Synth Rock", "fire", (("4/4", "backbeat"), ("4/4", "four_floor")), 0.5, 0.2, _ENGLISH),
)
_PROGRESSIONS = ("1-5-6-4", "1-4-5-1", "1-6-4-5", "2-5-1-6", "1-7-6-5", "1-1-4-5")


class Range(NamedTuple):
    """Where a numeric factor lies: its bounds, its centre by genre and its spreads around that.

    The spreads are standard deviations, of the logarithm if `geometric`. All songs by an artist
    share the artist's shift.
    """

    low: float
    high: float
    artist_spread: float
    song_spread: float
    geometric: bool
    by_genre: tuple[float, ...]


# Columns follow GENRES: waltz, march, techno, ballad, jig, lullaby, bossa, hymn, rock.
RANGES = {
    "tempo_bpm": Range(50, 190, 0.08, 0.16, True, (150, 112, 128, 72, 116, 76, 104, 66, 140)),
    "brightness": Range(
        0.0, 1.0, 0.09, 0.07, False, (0.45, 0.66, 0.70, 0.38, 0.58, 0.22, 0.34, 0.46, 0.76)
    ),
    "odd_share": Range(0.0, 0.9, 0.18, 0.08, False, (0.3, 0.1, 0.4, 0.2, 0.3, 0.6, 0.4, 0.1, 0.1)),
    "attack_seconds": Range(
        0.003, 0.3, 0.45, 0.25, True, (0.03, 0.02, 0.008, 0.03, 0.01, 0.05, 0.01, 0.10, 0.01)
    ),
    "decay_seconds": Range(
        0.08, 3.0, 0.40, 0.25, True, (0.6, 0.5, 0.25, 0.9, 0.35, 0.5, 0.35, 1.8, 0.7)
    ),
    "vibrato_cents": Range(0, 60, 8, 4, False, (20, 10, 6, 28, 12, 16, 14, 18, 8)),
    "percussion": Range(
        0.0, 1.0, 0.08, 0.10, False, (0.25, 0.5, 0.65, 0.2, 0.35, 0.1, 0.35, 0.1, 0.7)
    ),
    "density": Range(
        0.05, 0.95, 0.06, 0.12, False, (0.4, 0.45, 0.65, 0.35, 0.8, 0.4, 0.5, 0.25, 0.55)
    ),
    "register": Range(48, 86, 2.5, 2.5, False, (68, 65, 64, 65, 72, 75, 66, 60, 63)),
    "bass": Range(0.0, 1.2, 0.12, 0.15, False, (0.5, 0.5, 0.8, 0.4, 0.35, 0.2, 0.6, 0.6, 0.7)),
    "loudness_db": Range(-20, -0.5, 2.0, 1.5, False, (-8, -5, -3, -8, -6, -12, -9, -8, -2)),
    "dynamics_db": Range(-12, 12, 1.0, 3.0, False, (0, 2, 0, 5, 0, -5, 0, 3, 0)),
    "noise_db": Range(-85, -30, 3.0, 3.5, False, (-58, -57, -61, -59, -56, -61, -60, -58, -52)),
}


@dataclass(frozen=True)
class Plan:
    """The artist of each song, both by index."""

    artists: tuple[int, ...]

    def songs_of(self, artist: int) -> list[int]:
        return [song for song, singer in enumerate(self.artists) if singer == artist]


class _Song(NamedTuple):
    factors: SongFactors
    language: str | None
    lyrics: str | None
    mel: np.ndarray


def write_demo(
    path: Path, n_songs: int = N_DEMO_SONGS, on_song: Callable[[], None] | None = None
) -> None:
    """Writes the demo set to a parquet file, replacing it in one step.

    The same `n_songs` gives the same bytes on the same machine. The mel spectrograms are power,
    float32 of shape (128, frames), 345 to 646 frames of 512 samples at 22,050 Hz. Worker processes
    make sets of more than 64 songs.

    Args:
        path: the file to write; its folder must exist.
        n_songs: at least 1; all 9 genres appear from 27 songs on and all 40 artists from 120 on.
        on_song: called after each song.

    Raises:
        ValueError: `n_songs` is below 1.
        OSError: the file cannot be written; an old file stays as it was.
    """
    if n_songs < 1:
        raise ValueError(f"n_songs must be at least 1, got {n_songs}")
    plan = plan_songs(n_songs)
    with closing(_songs(plan)) as songs:
        write_songs(
            path,
            _rows(plan, songs, on_song or (lambda: None)),
            extra_columns=_factor_columns(),
            metadata={_VERSION_KEY: DEMO_VERSION},
        )


def demo_version(path: Path) -> str | None:
    """The DEMO_VERSION in a file's footer; None if it is not a demo set."""
    return file_metadata(path).get(_VERSION_KEY)


def plan_songs(n_songs: int) -> Plan:
    """Deals songs to artists, unevenly: 4 to 20 each at 400 songs."""
    n_artists = min(_MAX_ARTISTS, max(1, n_songs // 3))
    # The step of 7 gives every genre artists with many and with few songs.
    rank = np.arange(n_artists) * 7 % _MAX_ARTISTS / (_MAX_ARTISTS - 1)
    weights = 4.0 + 16.0 * rank**1.67
    ends = np.round(np.cumsum(weights) / weights.sum() * n_songs).astype(int)
    artists = np.repeat(np.arange(n_artists), np.diff(ends, prepend=0))
    order = np.random.default_rng([_SEED, n_songs, _ORDER_STREAM]).permutation(n_songs)
    return Plan(tuple(artists[order].tolist()))


def genre_of(artist: int) -> Genre:
    """The genre of an artist, by index; each has one."""
    return GENRES[artist % len(GENRES)]


def _songs(plan: Plan) -> Generator[_Song]:
    indices = range(len(plan.artists))
    if len(indices) <= _MAX_SONGS_IN_PROCESS:
        yield from map(_make_song, indices, plan.artists)
        return
    import joblib

    # Not fork, since the caller may have started JAX's threads; not spawn, which would run the
    # calling script again.
    calls = map(joblib.delayed(_make_song), indices, plan.artists)
    in_processes = processes(most_processes(), batch_size=8, return_as="generator")
    yield from in_processes(calls)


def _make_song(index: int, artist: int) -> _Song:
    rng = np.random.default_rng([_SEED, index])
    factors = _draw_factors(artist, rng)
    language = _draw_language(artist, rng)
    lyrics = write_lyrics(language, genre_of(artist).topic, rng) if language else None
    mel = round_mantissa(power_mel(synthesise(factors, rng)))
    return _Song(factors, language, lyrics, mel)


def _rows(
    plan: Plan, songs: Iterator[_Song], on_song: Callable[[], None]
) -> Iterator[tuple[dict[str, object], np.ndarray]]:
    for index, song in enumerate(songs):
        on_song()
        yield _metadata(plan, index, song), song.mel


def _draw_factors(artist: int, rng: np.random.Generator) -> SongFactors:
    genre = genre_of(artist)
    artist_rng = np.random.default_rng([_SEED, artist, _ARTIST_STREAM])
    metre, pattern = genre.styles[int(rng.random() < 0.25)]
    numeric = {
        name: _draw(spread, artist % len(GENRES), artist_rng, rng)
        for name, spread in RANGES.items()
    }
    return SongFactors(
        duration_seconds=float(rng.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)),
        metre=metre,
        pattern=pattern,
        key=int(rng.integers(12)),
        mode="minor" if rng.random() < genre.minor_share else "major",
        progression=str(rng.choice(_PROGRESSIONS)),
        arpeggio=bool(rng.random() < genre.arpeggio_share),
        **numeric,
    )


def _draw(
    spread: Range, genre: int, artist_rng: np.random.Generator, rng: np.random.Generator
) -> float:
    shift = spread.artist_spread * artist_rng.standard_normal()
    shift += spread.song_spread * rng.standard_normal()
    centre = spread.by_genre[genre]
    value = centre * np.exp(shift) if spread.geometric else centre + shift
    return float(np.clip(value, spread.low, spread.high))


def _draw_language(artist: int, rng: np.random.Generator) -> str | None:
    own = genre_of(artist).languages[artist // len(GENRES)]
    if rng.random() < _INSTRUMENTAL_SHARE:
        return None
    return str(rng.choice(_LANGUAGES)) if rng.random() < _FOREIGN_SHARE else own


def _factor_columns() -> dict[str, "pa.DataType"]:
    import pyarrow as pa

    kinds: dict[Any, pa.DataType] = {
        float: pa.float32(),
        int: pa.int64(),
        bool: pa.bool_(),
        str: pa.string(),
    }
    return {f"factor_{field.name}": kinds[field.type] for field in fields(SongFactors)}


def _metadata(plan: Plan, index: int, song: _Song) -> dict[str, object]:
    artist = plan.artists[index]
    genre = genre_of(artist)
    near_genre = GENRES[(GENRES.index(genre) + 1) % len(GENRES)]
    counts = np.bincount(plan.artists)
    ranking = np.argsort(-counts, kind="stable").tolist()
    peers = [a for a in range(len(counts)) if genre_of(a) == genre and a != artist]
    others = [other for other in plan.songs_of(artist) if other != index]
    return {
        **_song_reference(index, "music_"),
        "music_lang": song.language,
        "music_lyrics": song.lyrics,
        **_artist_reference(artist, "art_"),
        "art_rank": ranking.index(artist) + 1,
        "main_genre": genre.name,
        "related_genre": [genre.name, near_genre.name],
        "related_art": [_artist_reference(peer) for peer in peers[:_MAX_RELATED]],
        "related_music": [_song_reference(other) for other in others[:_MAX_RELATED]],
        "musicnn_tags": [],
        **{f"factor_{name}": value for name, value in asdict(song.factors).items()},
    }


def _song_reference(index: int, prefix: str = "") -> dict[str, str]:
    number = f"{index:04d}"
    return {f"{prefix}id": f"synthetic-song-{number}", f"{prefix}name": f"Synthetic Song {number}"}


def _artist_reference(artist: int, prefix: str = "") -> dict[str, str]:
    number = f"{artist:02d}"
    return {
        f"{prefix}id": f"synthetic-artist-{number}",
        f"{prefix}name": f"Synthetic Artist {number}",
    }
