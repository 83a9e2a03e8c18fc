"""What is fitted of fusions: principal components of lyrics, balances of blocks."""

from dataclasses import replace

import numpy as np
import pytest
from songfiles import songs_table, with_column, write
from trainedmodels import fresh

from musicvae_jax.config import Experiment, FeatureConfig, LyricsConfig, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.representations import apply_pca, fit_balance, fit_pca, fuse
from musicvae_jax.songs import load_songs
from musicvae_jax.trained import apply_fusion, fit_fusions
from musicvae_jax.trained.own import base_representations

EXPERIMENT = Experiment(
    "x",
    features=FeatureConfig(blocks=("mfcc",)),
    lyrics=LyricsConfig(runtime="tfidf", components=5),
    model=ModelConfig(hidden=(4,), latent=2),
    train=TrainConfig(epochs=1, beta=(1.0, 4.0)),
    fuse=("lyrics", "genre"),
    seeds=(0, 1),
)


def fitted(experiment, songs):
    """The model with its fusions, the latents before them, its inputs and the split."""
    model, inputs, split = fresh(experiment, songs)
    latents = list(base_representations(model, inputs).values())
    places = np.flatnonzero(inputs.known)
    fusions = fit_fusions(experiment, latents, inputs, split, places)
    return model._replace(fusions=fusions), latents, inputs, split


def test_lyrics_are_fused_reduced_then_whole_and_then_with_the_labels(songs):
    model, _, _, _ = fitted(EXPERIMENT, songs)
    assert model.names == tuple(
        f"{latents}+{blocks}"
        for latents in ("vae", "beta_vae_4")
        for blocks in ("lyrics_tfidf_pca", "lyrics_tfidf", "lyrics_tfidf+genre")
    )
    shapes = [one.points.shape for one in model.representations(songs)]
    assert shapes == [(2, 24, 2 + 2), (2, 24, 2 + 5), (2, 24, 2 + 5 + 3)] * 2


def test_labels_alone_have_one_fusion(songs):
    model, _, _, _ = fitted(replace(EXPERIMENT, fuse=("genre",)), songs)
    assert model.names == ("vae+genre", "beta_vae_4+genre")


def test_a_fusion_is_its_parts_side_by_side_balanced_on_the_clustered_songs(songs):
    model, latents, inputs, split = fitted(EXPERIMENT, songs)
    clustered = np.flatnonzero(songs.table["lyrics"].notna())
    lyrics = inputs.blocks["lyrics"]
    trained_on = np.intersect1d(split.train, clustered)
    projection = fit_pca(lyrics.points[0], trained_on, 2)
    points = apply_pca(projection, lyrics.points[0])[None]
    parts = [latents[1], lyrics._replace(name="lyrics_tfidf_pca", points=points)]
    expected = fuse(parts, [fit_balance(part.at(clustered).points) for part in parts])
    found = model.encode(songs, "beta_vae_4+lyrics_tfidf_pca")
    np.testing.assert_allclose(found.points, expected.points, atol=1e-5)
    np.testing.assert_array_equal(found.known, songs.table["lyrics"].notna())
    assert found.columns_seen == ("melspectrogram", "lyrics")
    of_blocks = np.split(found.at(clustered).points, [2], axis=2)
    for block in of_blocks:
        total = block.var(axis=1, dtype=np.float64).sum(axis=1)
        np.testing.assert_allclose(total, 1, rtol=1e-4)


def test_new_songs_are_fused_as_the_clustered_ones_were(tmp_path, songs):
    model, _, _, _ = fitted(EXPERIMENT, songs)
    fewer = load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    for found, expected in zip(
        model.representations(fewer), model.representations(songs), strict=True
    ):
        np.testing.assert_allclose(found.points, expected.points[:, 5:12], atol=1e-4)
        np.testing.assert_array_equal(found.known, expected.known[5:12])


def test_a_fusion_is_applied_as_it_was_fitted(songs):
    model, latents, inputs, _ = fitted(EXPERIMENT, songs)
    for fusion, expected in zip(model.fusions, model.representations(songs), strict=True):
        (base,) = [one for one in latents if one.name == fusion.latents]
        found = apply_fusion(fusion, base, inputs)
        np.testing.assert_array_equal(found.points, expected.points)


def test_the_latents_before_a_fusion_can_be_named(songs):
    model, latents, _, _ = fitted(EXPERIMENT, songs)
    for wanted in ({"beta": 4.0}, {"name": "beta_vae_4"}):
        np.testing.assert_array_equal(model.encode(songs, **wanted).points, latents[1].points)


def test_a_new_label_is_in_the_way_only_of_the_fusion_that_needs_it(tmp_path, songs):
    model, _, _, _ = fitted(EXPERIMENT, songs)
    renamed = with_column(songs_table(), "main_genre", ["Polka"] * 24)
    polkas = load_songs(write(tmp_path / "polkas.parquet", renamed))
    for name in ("vae", "vae+lyrics_tfidf"):
        np.testing.assert_allclose(
            model.encode(polkas, name).points, model.encode(songs, name).points, atol=1e-5
        )
    with pytest.raises(InputError, match="genre 'Polka'"):
        model.encode(polkas, "vae+lyrics_tfidf+genre")
