from dataclasses import replace
from pathlib import Path

import pytest
from trainedmodels import TINY, by_hand, fresh

from musicvae_jax.config import DataConfig, Experiment, FeatureConfig, LyricsConfig, TrainConfig
from musicvae_jax.pipeline import training_key as module
from musicvae_jax.pipeline.training_key import training_key, training_settings
from musicvae_jax.songs import load_songs


def key_of(experiment=TINY, fingerprint="songs"):
    return training_key(training_settings(by_hand(experiment).preprocessor, fingerprint))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"fuse": ("genre",)},
        {"output_dir": Path("x")},
        {"data": DataConfig(path=Path("elsewhere.parquet"))},
        {"data": DataConfig(excerpt="start", seconds=9.0, decode_seconds=9.0)},
        {"features": FeatureConfig(cache_dir=Path("elsewhere"))},
    ],
)
def test_names_fusions_and_folders_do_not_matter_to_a_training(changes):
    assert key_of(replace(TINY, **changes)) == key_of()


def test_all_that_a_training_depends_on_changes_its_key(monkeypatch):
    keys = [
        key_of(),
        key_of(fingerprint="other songs"),
        key_of(replace(TINY, seeds=(3,))),
        key_of(replace(TINY, train=TrainConfig(epochs=8))),
        key_of(replace(TINY, data=DataConfig(split_seed=1))),
        key_of(replace(TINY, features=FeatureConfig(db_range=70.0))),
        key_of(replace(TINY, features=FeatureConfig(blocks=("mfcc",)))),
        key_of(replace(TINY, model=replace(TINY.model, latent=3))),
    ]
    monkeypatch.setattr(module, "code_version", lambda modules, packages: "other code")
    assert len({*keys, key_of()}) == len(keys) + 1


@pytest.mark.slow
def test_the_model_of_lyrics_matters_where_they_are_read(song_path):
    songs = load_songs(song_path)
    lyrics = LyricsConfig(runtime="tfidf", components=3)
    of_audio = Experiment("x", lyrics=lyrics, features=FeatureConfig(blocks=("mfcc",)))
    of_both = replace(of_audio, features=FeatureConfig(blocks=("mfcc", "lyrics")))
    fused = replace(of_audio, fuse=("lyrics",))

    def settings_of(experiment, weights):
        preprocessor = fresh(experiment, songs)[0].preprocessor
        changed = {name: one._replace(weights=weights) for name, one in preprocessor.texts.items()}
        return training_settings(preprocessor._replace(texts=changed), "songs")

    assert settings_of(of_both, "a") != settings_of(of_both, "b")
    assert settings_of(fused, "a") == settings_of(fused, "b") == settings_of(of_audio, "a")
