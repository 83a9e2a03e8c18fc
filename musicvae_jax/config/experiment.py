"""A named experiment: all that its numbers depend on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from musicvae_jax.config.checks import require, require_some_of
from musicvae_jax.config.clusters import ClusterConfig
from musicvae_jax.config.learning import Member, ModelConfig, TrainConfig
from musicvae_jax.config.songs import CropConfig, DataConfig, FeatureConfig, Label, LyricsConfig


@dataclass(frozen=True)
class Experiment:
    """One named experiment: data, features, model, training, clustering, seeds, output."""

    name: str
    """What tables call the run and its folders are named after; without slashes."""
    data: DataConfig = field(default_factory=DataConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    crops: CropConfig = field(default_factory=CropConfig)
    lyrics: LyricsConfig = field(default_factory=LyricsConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    fuse: tuple[Literal["lyrics", "genre"], ...] = ()
    """What is put beside the model's latents before clustering, none twice: lyrics, genre."""
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    seeds: tuple[int, ...] = (0,)
    """One training and one clustering per seed; each at least 0, none twice."""
    output_dir: Path | None = None
    """Results folder; by default results/NAME with the checkpoint in checkpoints/NAME. When
    given, the checkpoint goes to OUTPUT_DIR/checkpoint."""

    def __post_init__(self) -> None:
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
        # An autoencoder has no posterior, so a KL weight would silently mean nothing.
        require(
            self.model.kind != "ae" or self.train.beta == (0,),
            "train.beta",
            self.train.beta,
            "0 with model.kind 'ae', which has no KL term",
        )
        for name, off in (("kl_warmup", "none"), ("free_bits", 0)):
            value = getattr(self.train, name)
            require(
                self.model.kind != "ae" or value == off,
                f"train.{name}",
                value,
                f"{off!r} with model.kind 'ae', which has no KL term",
            )
        if self.fuse:
            require_some_of("fuse", self.fuse, ("lyrics", "genre"))
            require(
                self.model.inputs == "audio",
                "model.inputs",
                self.model.inputs,
                "'audio' where --fuse adds to the model's latents",
            )

    @property
    def uses_lyrics(self) -> bool:
        return self.model.inputs != "audio" or "lyrics" in self.fuse

    @property
    def labels_seen(self) -> tuple[Label, ...]:
        """Every label that something of this experiment is computed from; no other is at hand."""
        condition = () if self.model.condition == "none" else (self.model.condition,)
        fused = ("genre",) if "genre" in self.fuse else ()
        by_lyrics = self.lyrics.labels_seen if self.uses_lyrics else ()
        # Lyrics alone are shown centred per language too.
        if self.model.kind == "raw" and self.model.inputs == "lyrics":
            by_lyrics = ("language",)
        return tuple(dict.fromkeys((*condition, *fused, *by_lyrics)))

    @property
    def results_dir(self) -> Path:
        return self.output_dir or Path("results") / self.name

    @property
    def checkpoint_dir(self) -> Path:
        if self.output_dir is None:
            return Path("checkpoints") / self.name
        return self.output_dir / "checkpoint"

    @property
    def unfinished_dir(self) -> Path:
        """Where a training is kept until its results are in place."""
        return self.checkpoint_dir.with_name(f".{self.checkpoint_dir.name}-unfinished")

    @property
    def members(self) -> tuple[Member, ...]:
        """Each model of the sweep, in the order of a checkpoint's leading axis."""
        return tuple(
            Member(beta, learning_rate, seed)
            for beta in self.train.beta
            for learning_rate in self.train.learning_rate
            for seed in self.seeds
        )
