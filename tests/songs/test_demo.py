"""The synthetic demo set: its audio, its design and its file."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import normalized_mutual_info_score

from musicvae_jax.features import mel_db, mel_statistics
from musicvae_jax.songs import demo, demo_lyrics, load_songs
from musicvae_jax.songs.synthesis import (
    SAMPLE_RATE_HZ,
    SongFactors,
    compose,
    midi_to_hz,
    render_note,
    synthesise,
    wavetable,
)

N_SONGS = 27
STEADY = SongFactors(
    duration_seconds=6.0,
    tempo_bpm=120.0,
    metre="4/4",
    key=0,
    mode="major",
    progression="1-4-5-1",
    brightness=0.5,
    odd_share=0.0,
    attack_seconds=0.01,
    decay_seconds=2.0,
    vibrato_cents=0.0,
    percussion=0.0,
    pattern="backbeat",
    arpeggio=False,
    density=0.5,
    register=60.0,
    bass=0.5,
    loudness_db=-6.0,
    dynamics_db=0.0,
    noise_db=-60.0,
)


@pytest.fixture(scope="module")
def demo_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "demo.parquet"
    demo.write_demo(path, N_SONGS)
    return path


@pytest.fixture(scope="module")
def rows(demo_path):
    return pq.read_table(demo_path).to_pylist()


def audio_of(**changes):
    return synthesise(replace(STEADY, **changes), np.random.default_rng(0))


def rms(samples):
    return np.sqrt(np.mean(samples**2))


@pytest.mark.parametrize("midi", [48, 69, 84])
@pytest.mark.parametrize("brightness", [0.0, 1.0])
def test_note_peaks_at_its_frequency(midi, brightness):
    frequency_hz = midi_to_hz(midi)
    note = render_note(frequency_hz, 1.0, wavetable(frequency_hz, brightness, 0.0), STEADY)
    spectrum = np.abs(np.fft.rfft(note))
    peak_hz = np.argmax(spectrum) * SAMPLE_RATE_HZ / note.size
    assert abs(peak_hz - frequency_hz) <= SAMPLE_RATE_HZ / note.size


def test_concert_pitch():
    assert midi_to_hz(69) == 440.0
    assert midi_to_hz(57) == pytest.approx(220.0)


def test_vibrato_spreads_the_pitch_by_its_depth():
    table = wavetable(440.0, 0.0, 0.9)
    note = render_note(440.0, 1.0, table, replace(STEADY, vibrato_cents=50.0))[1000:-1000]
    crossings = np.flatnonzero((note[:-1] < 0) & (note[1:] >= 0))
    # Sub-sample crossings, else one sample of jitter would be a third of a semitone.
    exact = crossings - note[crossings] / (note[crossings + 1] - note[crossings])
    cents = 1200 * np.log2(SAMPLE_RATE_HZ / np.diff(exact) / 440.0)
    assert cents.max() == pytest.approx(50.0, abs=10.0)
    assert cents.min() == pytest.approx(-50.0, abs=10.0)


def test_wavetable_has_the_asked_harmonics():
    power = np.abs(np.fft.rfft(wavetable(220.0, 0.5, 1.0))) ** 2
    assert power[1] > power[3] > power[5] > 0
    assert power[2] < 1e-6 * power[1]
    bright, dark = (np.abs(np.fft.rfft(wavetable(220.0, b, 0.0))) for b in (0.9, 0.1))
    assert bright[10] / bright[1] > 10 * dark[10] / dark[1]


def test_wavetable_does_not_alias():
    spectrum = np.abs(np.fft.rfft(wavetable(3000.0, 1.0, 0.0)))
    highest = np.flatnonzero(spectrum > 1e-3 * spectrum.max()).max()
    assert 1 < highest * 3000.0 < SAMPLE_RATE_HZ / 2


def test_attack_and_decay_shape_the_note():
    table = wavetable(440.0, 0.5, 0.0)
    slow = render_note(440.0, 1.0, table, replace(STEADY, attack_seconds=0.3))
    fast = render_note(440.0, 1.0, table, STEADY)
    short = render_note(440.0, 1.0, table, replace(STEADY, decay_seconds=0.1))
    start, late = slice(0, 2000), slice(12_000, 16_000)
    assert rms(slow[start]) < 0.3 * rms(fast[start])
    assert rms(short[late]) < 0.05 * rms(fast[late])
    assert abs(fast[-1]) < 0.01


@pytest.mark.parametrize(("metre", "bar_seconds"), [("4/4", 2.0), ("3/4", 1.5), ("6/8", 1.0)])
def test_bars_follow_tempo_and_metre(metre, bar_seconds):
    notes = compose(replace(STEADY, metre=metre, bass=0.123, density=0.0), np.random.default_rng(0))
    bass = [note.start_seconds for note in notes if note.level == 0.123]
    np.testing.assert_allclose(bass[::2], np.arange(0.0, 6.0, bar_seconds))


@pytest.mark.parametrize(("mode", "third"), [("major", 4), ("minor", 3)])
def test_notes_stay_in_the_key(mode, third):
    factors = replace(STEADY, key=9, mode=mode, progression="1-1")
    classes = {(note.midi - 9) % 12 for note in compose(factors, np.random.default_rng(0))}
    assert third in classes
    assert 7 - third not in classes


def test_register_moves_the_melody():
    def centre(register):
        notes = compose(replace(STEADY, register=register), np.random.default_rng(0))
        return np.mean([note.midi for note in notes if note.level == 1.0])

    assert centre(72.0) - centre(60.0) == pytest.approx(12.0)


def test_song_has_the_asked_length_and_level():
    audio = audio_of()
    assert audio.dtype == np.float32
    assert audio.shape == (6 * SAMPLE_RATE_HZ,)
    assert 20 * np.log10(np.abs(audio).max()) == pytest.approx(-6.0, abs=0.2)


def test_dynamics_change_the_level():
    def rise_db(dynamics_db):
        audio = audio_of(dynamics_db=dynamics_db)
        return 20 * np.log10(rms(audio[-SAMPLE_RATE_HZ:]) / rms(audio[:SAMPLE_RATE_HZ]))

    # The centres of the first and the last of six seconds are 5/6 of the song apart.
    assert rise_db(12.0) - rise_db(0.0) == pytest.approx(10.0, abs=1.0)


def test_percussion_and_noise_are_heard():
    def high_band(**changes):
        return np.abs(np.fft.rfft(audio_of(brightness=0.0, **changes)))[-10_000:].mean()

    quiet = high_band(noise_db=-80.0)
    assert high_band(noise_db=-40.0) > 10 * quiet
    assert high_band(noise_db=-80.0, percussion=0.8) > 10 * quiet


def test_full_set_has_uneven_artists_in_every_genre():
    artists = demo.plan_songs(400).artists
    counts = Counter(artists)
    assert len(counts) == 40
    assert 4 <= min(counts.values()) <= 6
    assert 18 <= max(counts.values()) <= 21
    genres = Counter(demo.genre_of(artist).name for artist in counts)
    assert len(genres) == 9
    assert min(genres.values()) >= 3


@pytest.mark.parametrize("n_songs", [1, 12, 20, 27, 28, 64, 119, 400])
def test_small_sets_keep_genres_and_artists(n_songs):
    artists = demo.plan_songs(n_songs).artists
    assert len(artists) == n_songs
    genres = {demo.genre_of(artist) for artist in artists}
    if n_songs >= 12:
        assert len(genres) >= 2
        assert len(set(artists)) >= 3
    if n_songs >= 27:
        assert len(genres) == 9


def test_columns_are_those_of_4mula_and_the_factors(demo_path):
    text, texts = pa.string(), pa.list_(pa.string())
    references = pa.list_(pa.struct([("id", text), ("name", text)]))
    schema = pq.read_schema(demo_path)
    assert {field.name: field.type for field in schema if "factor_" not in field.name} == {
        "music_id": text,
        "music_name": text,
        "music_lang": text,
        "music_lyrics": text,
        "art_id": text,
        "art_name": text,
        "art_rank": pa.int64(),
        "main_genre": text,
        "related_genre": texts,
        "related_art": references,
        "related_music": references,
        "musicnn_tags": texts,
        "melspectrogram": pa.list_(pa.list_(pa.float32())),
    }
    assert [name for name in schema.names if "factor_" in name] == list(demo.FACTORS)
    assert schema.field("factor_tempo_bpm").type == pa.float32()
    assert schema.field("factor_key").type == pa.int64()
    assert schema.field("factor_metre").type == text


def test_mels_are_rounded_powers_of_8_to_15_seconds(rows):
    for row in rows:
        mel = np.array(row["melspectrogram"], np.float32)
        assert mel.shape[0] == 128
        assert 345 <= mel.shape[1] <= 646
        assert np.isfinite(mel).all()
        assert mel.min() >= 0
        assert mel.max() > 1
        assert not (mel.view(np.uint32) & ((1 << 18) - 1)).any()


def test_songs_are_distinct_and_shuffled(rows):
    genres = [row["main_genre"] for row in rows]
    assert len({row["music_id"] for row in rows}) == N_SONGS
    assert len({row["factor_tempo_bpm"] for row in rows}) > N_SONGS // 2
    changes = sum(a != b for a, b in pairwise(genres))
    assert changes > 2 * len(set(genres))


def test_artists_have_one_genre_and_a_rank(rows):
    genres = {(row["art_id"], row["main_genre"]) for row in rows}
    assert len(genres) == len({artist for artist, _ in genres}) == 9
    counts = Counter(row["art_id"] for row in rows)
    ranks = {row["art_rank"]: counts[row["art_id"]] for row in rows}
    assert sorted(ranks) == list(range(1, 10))
    assert [ranks[rank] for rank in sorted(ranks)] == sorted(ranks.values(), reverse=True)


def test_related_music_is_by_the_same_artist(rows):
    artist = {row["music_id"]: row["art_id"] for row in rows}
    assert any(row["related_music"] for row in rows)
    for row in rows:
        related = [song["id"] for song in row["related_music"]]
        assert row["music_id"] not in related
        assert {artist[song] for song in related} <= {row["art_id"]}


def test_names_say_that_the_songs_are_synthetic(rows):
    for row in rows:
        assert row["music_name"].startswith("Synthetic Song ")
        assert row["art_name"].startswith("Synthetic Artist ")
        assert row["main_genre"].startswith("Synth ")


def test_language_and_lyrics_are_null_together(rows):
    assert {row["music_lang"] for row in rows} == {"en", "pt-br", "es", None}
    for row in rows:
        assert (row["music_lang"] is None) == (row["music_lyrics"] is None)
        if row["music_lyrics"]:
            assert 8 <= len(row["music_lyrics"].split("\n")) <= 16


@pytest.mark.parametrize("language", demo_lyrics.LANGUAGES)
def test_lyrics_favour_their_topic(language):
    topics = demo_lyrics.LANGUAGES[language].topics
    assert set(topics) == {genre.topic for genre in demo.GENRES}
    rng = np.random.default_rng(0)
    text = "\n".join(demo_lyrics.write_lyrics(language, "sea", rng) for _ in range(20)).lower()
    hits = {topic: sum(text.count(word) for word in words) for topic, words in topics.items()}
    assert max(hits, key=hits.get) == "sea"
    assert min(hits.values()) > 0


def test_factors_lie_in_their_ranges(rows):
    for name, bounds in demo.RANGES.items():
        assert len(bounds.by_genre) == len(demo.GENRES)
        values = [row[f"factor_{name}"] for row in rows]
        assert len(set(values)) > 1
        assert bounds.low - 1e-6 <= min(values)
        assert max(values) <= bounds.high + 1e-6


@pytest.mark.slow
def test_same_bytes_in_one_process_and_in_several(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("first", "second", "spawned")]
    demo.write_demo(paths[0], 3)
    demo.write_demo(paths[1], 3)
    monkeypatch.setattr(demo, "_MAX_SONGS_IN_PROCESS", 1)
    demo.write_demo(paths[2], 3)
    first, second, spawned = (path.read_bytes() for path in paths)
    assert first == second
    assert first == spawned


def test_on_song_is_called_once_per_song(tmp_path):
    calls = []
    demo.write_demo(tmp_path / "demo.parquet", 5, lambda: calls.append(1))
    assert len(calls) == 5
    assert pq.read_metadata(tmp_path / "demo.parquet").num_rows == 5


def test_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "demo.parquet"
    path.write_bytes(b"old")

    def stop():
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        demo.write_demo(path, 3, stop)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_songs_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="n_songs must be at least 1, got 0"):
        demo.write_demo(tmp_path / "demo.parquet", 0)
    assert not list(tmp_path.iterdir())


def test_a_demo_set_is_told_from_other_files(demo_path, tmp_path):
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"music_id": ["a"]}), other)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(demo_path.read_bytes()[:-100])
    assert demo.demo_version(demo_path) == demo.DEMO_VERSION
    assert demo.demo_version(tmp_path / "missing.parquet") is None
    assert demo.demo_version(other) is None
    assert demo.demo_version(broken) is None


def test_import_does_not_load_librosa():
    code = "import sys, musicvae_jax.songs.demo; sys.exit('librosa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _cluster_nmi(features, labels, k):
    known = labels.notna().to_numpy()
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    clusters = KMeans(k, n_init=10, random_state=0).fit_predict(PCA(32).fit_transform(standard))
    return normalized_mutual_info_score(labels[known], clusters[known])


@pytest.mark.slow
def test_the_whole_set_is_small_and_neither_trivial_nor_hopeless(tmp_path):
    path = tmp_path / "demo.parquet"
    demo.write_demo(path)
    assert path.stat().st_size < 50e6
    songs = load_songs(path)
    mels = [mel for part in songs.parts for block in part.mel_blocks() for mel in block.mels]
    assert len(mels) == demo.N_DEMO_SONGS
    features = np.array([mel_statistics(mel_db(mel, 80.0)) for mel in mels])
    genre = _cluster_nmi(features, songs.table["genre"], k=9)
    assert 0.3 < genre < 0.6
    assert 0.03 < _cluster_nmi(features, songs.table["language"], k=9) < genre
    assert songs.table["artist"].nunique() == 40
    assert songs.table["genre"].nunique() == 9
    assert 0.05 < songs.table["lyrics"].isna().mean() < 0.15
