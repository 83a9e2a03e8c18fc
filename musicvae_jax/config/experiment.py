"""A named experiment: everything its numbers depend on."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from musicvae_jax.config.blocks import BLOCKS, Block
from musicvae_jax.config.checks import require, require_some_of
from musicvae_jax.config.clusters import ClusterConfig
from musicvae_jax.config.field_types import conform
from musicvae_jax.config.learning import Member, ModelConfig, TrainConfig
from musicvae_jax.config.map import MapConfig
from musicvae_jax.config.songs import CropConfig, DataConfig, FeatureConfig, LyricsConfig

_FUSED = tuple(name for name, traits in BLOCKS.items() if not traits.is_audio)
_TEXTS = tuple(name for name, traits in BLOCKS.items() if traits.is_text)


@dataclass(frozen=True)
class Experiment:
    """One named experiment: data, features, model, training, clustering, seeds, output."""

    name: str
    """Name of the run in tables, and of its folders; without slashes."""
    data: DataConfig = field(default_factory=DataConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    crops: CropConfig = field(default_factory=CropConfig)
    lyrics: LyricsConfig = field(default_factory=LyricsConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    fuse: tuple[Block, ...] = ()
    """Blocks joined to the model's latents before clustering, none twice: lyrics, genre, ..."""
    alone: tuple[Block, ...] = ()
    """Blocks of lyrics or tags to cluster as well, each by itself, none twice."""
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    map: MapConfig = field(default_factory=MapConfig)
    seeds: tuple[int, ...] = (0,)
    """One training and one clustering for each seed; at least 0, none twice."""
    output_dir: Path | None = None
    """Results folder; by default results/NAME with the checkpoint in checkpoints/NAME. When
    given, the checkpoint goes to OUTPUT_DIR/checkpoint."""

    def __post_init__(self) -> None:
        conform(self)
        require(
            self.name not in ("", ".", "..") and not set(self.name) & set("/\\"),
            "name",
            self.name,
            "a folder name",
        )
        require(
            len(self.seeds) > 0
            and all(0 <= seed < 2**32 for seed in self.seeds)
            and len(set(self.seeds)) == len(self.seeds),
            "seeds",
            self.seeds,
            "one or more different whole numbers from 0 to 2**32 - 1",
        )
        # Without a posterior, a KL weight would be ignored silently.
        without_kl = self.model.traits.trained and not self.model.traits.has_kl
        plain: dict[str, object] = {"beta": (0,), "kl_warmup": "none", "free_bits": 0}
        for name, off in plain.items():
            value = getattr(self.train, name)
            require(
                not without_kl or value == off,
                f"train.{name}",
                value,
                f"{off!r} with model.kind {self.model.kind!r}, which has no KL term",
            )
        require(
            self.model.traits.reads != "crops" or not self.text_blocks,
            "features.blocks",
            self.features.blocks,
            f"audio blocks for model.kind {self.model.kind!r}",
        )
        require(
            self.model.traits.reads != "blocks" or len(self.modalities) > 1,
            "features.blocks",
            self.features.blocks,
            f"two modalities or more for model.kind {self.model.kind!r}, such as audio and lyrics",
        )
        balance = self.features.balance
        require(
            balance == "variance" or len(self.modalities) > 1,
            "features.balance",
            balance,
            "'variance' unless features.blocks hold audio and lyrics, or two blocks of text",
        )
        if self.fuse:
            require(not self.model.decoded, "model.decoded", True, "False with --fuse")
            require_some_of("fuse", self.fuse, _FUSED)
            require(
                not self.text_blocks,
                "features.blocks",
                self.features.blocks,
                "audio blocks only, since --fuse adds the others to the model's latents",
            )
        for option, blocks in (("--fuse", self.fuse), ("--alone", self.alone)):
            require(
                not blocks or self.cluster.songs == "complete",
                "cluster.songs",
                self.cluster.songs,
                f"'complete' with {option}, which has no vector for missing lyrics",
            )
        if self.alone:
            require_some_of("alone", self.alone, _TEXTS)

    @property
    def audio_blocks(self) -> tuple[Block, ...]:
        """The audio blocks of the model, or of its baselines if it reads none."""
        found = tuple(name for name in self.features.blocks if BLOCKS[name].is_audio)
        return found or self.features.baseline_blocks

    @property
    def audio_columns(self) -> tuple[str, ...]:
        """The columns of the song table that `audio_blocks` are computed from."""
        columns = (column for block in self.audio_blocks for column in self.columns_of(block))
        return tuple(dict.fromkeys(columns))

    @property
    def text_blocks(self) -> tuple[Block, ...]:
        """Blocks of lyrics or tags that the model reads."""
        return tuple(name for name in self.features.blocks if BLOCKS[name].is_text)

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the model reads as one: "audio", all its blocks together, and each text block."""
        texts = self.text_blocks
        return texts if len(texts) == len(self.features.blocks) else ("audio", *texts)

    @property
    def all_text_blocks(self) -> tuple[Block, ...]:
        """All blocks of lyrics or tags that the experiment uses, none twice."""
        beside = (name for name in (*self.fuse, *self.alone) if BLOCKS[name].is_text)
        return tuple(dict.fromkeys((*self.text_blocks, *beside)))

    @property
    def uses_lyrics(self) -> bool:
        return any(BLOCKS[name].is_lyrics for name in self.all_text_blocks)

    @property
    def chooses_runtime(self) -> bool:
        """Whether it has vectors of lyrics by the runtime of `lyrics`, not by one of their own."""
        return any(
            BLOCKS[name].is_lyrics
            and not BLOCKS[name].function
            and "runtime" not in dict(BLOCKS[name].lyrics)
            for name in self.all_text_blocks
        )

    def lyrics_of(self, block: Block) -> LyricsConfig:
        """How a lyrics block becomes vectors."""
        return replace(self.lyrics, **dict(BLOCKS[block].lyrics))

    def columns_of(self, block: Block) -> tuple[str, ...]:
        """The columns of the song table that a block is computed from."""
        traits = BLOCKS[block]
        is_vector = traits.is_lyrics and not traits.function
        return (traits.column, *(self.lyrics_of(block).labels_seen if is_vector else ()))

    def columns_of_modalities(self, names: Collection[str]) -> tuple[str, ...]:
        """The columns of the song table that some of `modalities` are computed from."""
        blocks = (
            block
            for block in self.features.blocks
            if ("audio" if BLOCKS[block].is_audio else block) in names
        )
        return tuple(dict.fromkeys(column for block in blocks for column in self.columns_of(block)))

    @property
    def columns_seen(self) -> tuple[str, ...]:
        """Every column that this experiment may read; it gets no others."""
        condition = () if self.model.condition == "none" else (self.model.condition,)
        blocks = (*self.audio_blocks, *self.all_text_blocks, *self.fuse)
        columns = (column for block in blocks for column in self.columns_of(block))
        return tuple(dict.fromkeys((*columns, *condition)))

    @property
    def results_dir(self) -> Path:
        return self.output_dir or Path("results") / self.name

    @property
    def checkpoint_dir(self) -> Path:
        if self.output_dir is None:
            return Path("checkpoints") / self.name
        return self.output_dir / "checkpoint"

    @property
    def resume_dir(self) -> Path:
        """Where the training is saved until its results are in place."""
        return self.checkpoint_dir.with_name(f".{self.checkpoint_dir.name}-interrupted")

    @property
    def members(self) -> tuple[Member, ...]:
        """The models of the sweep, in the order of a checkpoint's leading axis."""
        return tuple(
            Member(beta, learning_rate, seed)
            for beta in self.train.beta
            for learning_rate in self.train.learning_rate
            for seed in self.seeds
        )
