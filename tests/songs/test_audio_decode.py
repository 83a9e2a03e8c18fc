"""From audio files to mel spectrograms: closed forms, and every way in which a file can be bad."""

import re
import struct

import audiofiles
import librosa
import numpy as np
import pytest
import soundfile
import soxr

from musicvae_jax.songs.audio import decode, streams
from musicvae_jax.songs.audio.decode import Task, mel_pieces, resampled, song_mel
from musicvae_jax.songs.audio.store import signature
from musicvae_jax.songs.audio.streams import AudioError, open_stream
from musicvae_jax.songs.power_mel import power_mel

LOSSLESS = (".wav", ".flac")
LOSSY = (".ogg", ".opus", ".mp3")


def mel_of(path, excerpt="middle", seconds=30.0):
    return song_mel(Task(signature(path), excerpt, seconds, path.with_suffix(".npy")))


def samples_of(path, start=0):
    with open_stream(path) as stream:
        return stream.rate_hz, np.concatenate([np.empty(0, np.float32), *stream.read(start)])


def fault_of(path, excerpt="middle", seconds=30.0):
    with pytest.raises(AudioError) as caught:
        mel_of(path, excerpt, seconds)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
def test_a_sine_is_in_its_band_whatever_the_rate(tmp_path, suffix, rate_hz):
    path = audiofiles.write(tmp_path / f"a{suffix}", audiofiles.tone(2.0, 1000.0, rate_hz), rate_hz)
    mel = mel_of(path)
    assert mel.dtype == np.float32
    assert abs(mel.shape[1] - 87) <= (0 if suffix in LOSSLESS else 7)
    centres = librosa.mel_frequencies(130, fmax=22_050 / 2)[1:-1]
    loudest = mel[:, 5:-5].sum(axis=1).argmax()
    assert loudest == np.abs(centres - 1000.0).argmin()


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("rate_hz", [192_000, 96_000])
def test_high_rates_are_read(tmp_path, suffix, rate_hz):
    path = audiofiles.write(tmp_path / f"a{suffix}", audiofiles.tone(1, 500.0, rate_hz), rate_hz)
    assert mel_of(path).shape == (128, 44)


def test_wav_and_flac_of_the_same_samples_give_the_same_bytes(tmp_path):
    stereo = np.stack([audiofiles.noise(3.0, 1, 44_100), audiofiles.noise(3.0, 2, 44_100)], axis=1)
    # As integers: encoders differ in how they round.
    samples = (stereo * 2**15).astype(np.int16)
    mels = [mel_of(audiofiles.write(tmp_path / f"a{end}", samples, 44_100)) for end in LOSSLESS]
    np.testing.assert_array_equal(*mels)


@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_channels_are_averaged(tmp_path, n_channels):
    channels = np.stack([audiofiles.noise(seed=i) for i in range(n_channels)], axis=1)
    path = audiofiles.write(tmp_path / "a.wav", channels, subtype="FLOAT")
    _, mono = samples_of(path)
    np.testing.assert_allclose(mono, channels.mean(axis=1), atol=1e-7)
    np.testing.assert_array_equal(mel_of(path), power_mel(mono))


@pytest.mark.parametrize(
    ("excerpt", "first", "last"), [("start", 0, 2), ("middle", 4, 6), ("full", 0, 10)]
)
@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
def test_the_excerpt_is_where_it_should_be(tmp_path, excerpt, first, last, suffix):
    # Second i has the tone of band 20 + 5 i.
    centres = librosa.mel_frequencies(130, fmax=22_050 / 2)[1:-1]
    song = np.concatenate([audiofiles.tone(1.0, centres[20 + 5 * i], 24_000) for i in range(10)])
    mel = mel_of(audiofiles.write(tmp_path / f"a{suffix}", song, 24_000), excerpt, 2.0)
    middles = [round((i + 0.5) * 22_050 / 512) for i in range(last - first)]
    assert list(mel[:, middles].argmax(axis=0)) == [20 + 5 * i for i in range(first, last)]
    assert abs(mel.shape[1] - (last - first) * 22_050 / 512) < 2


def test_an_excerpt_of_30_seconds_has_the_frames_of_4mula(tmp_path):
    path = audiofiles.write(tmp_path / "a.wav", audiofiles.noise(31.0, rate_hz=44_100), 44_100)
    assert mel_of(path).shape == (128, 1292)
    np.testing.assert_array_equal(mel_of(path, "middle", 31.0), mel_of(path, "full", 9.0))


@pytest.mark.parametrize("block_samples", [1000, 4097, 1 << 20])
def test_blocks_make_no_difference(tmp_path, monkeypatch, block_samples):
    song = audiofiles.noise(4.0, rate_hz=44_100)
    path = audiofiles.write(tmp_path / "a.wav", song, 44_100, subtype="FLOAT")
    monkeypatch.setattr(streams, "_BLOCK_SAMPLES", block_samples)
    monkeypatch.setattr(decode, "_PIECE_SAMPLES", max(block_samples // 2, 4096))
    whole = power_mel(soxr.resample(song, 44_100, 22_050))
    np.testing.assert_allclose(mel_of(path), whole, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("n_samples", [11_025, 50_000, 50_001, 51_200, 123_456])
def test_pieces_join_to_the_whole_spectrogram(monkeypatch, n_samples):
    monkeypatch.setattr(decode, "_PIECE_SAMPLES", 10_000)
    audio = audiofiles.noise(6.0)[:n_samples]
    pieces = list(mel_pieces(np.array_split(audio, 40), decode.Watch()))
    assert len(pieces) == 1 + n_samples // 10_000 or len(pieces) > 1
    joined = np.concatenate(pieces, axis=1)
    np.testing.assert_allclose(joined, power_mel(audio), rtol=1e-5, atol=1e-9)


def test_resampling_keeps_a_sine():
    blocks = np.array_split(audiofiles.tone(2.0, 440.0, 44_100), 9)
    found = np.concatenate(list(resampled(blocks, 44_100)))
    expected = audiofiles.tone(2.0, 440.0)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found[500:-500], expected[500:-500], atol=1e-4)


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
def test_seeking_and_reading_on_find_the_same_samples(tmp_path, monkeypatch, suffix):
    path = audiofiles.write(tmp_path / f"a{suffix}", audiofiles.noise(4.0, rate_hz=48_000), 48_000)
    _, sought = samples_of(path, 100_000)
    monkeypatch.setattr(soundfile.SoundFile, "seekable", lambda self: False)
    _, read = samples_of(path, 100_000)
    # mpg123 computes with other roundings after a seek.
    np.testing.assert_allclose(sought, read, rtol=0, atol=1e-7 if suffix == ".mp3" else 0)
    assert len(read) == 92_000


@pytest.mark.parametrize("suffix", [".m4a", ".aac"])
def test_ffmpeg_formats_are_read(tmp_path, suffix):
    pytest.importorskip("av")
    path = audiofiles.write_m4a(tmp_path / f"a{suffix}", audiofiles.tone(4.0, 1000.0, 44_100))
    centres = librosa.mel_frequencies(130, fmax=22_050 / 2)[1:-1]
    mel = mel_of(path, "middle", 2.0)
    assert mel.shape == (128, 87)
    assert mel.sum(axis=1).argmax() == np.abs(centres - 1000.0).argmin()


def test_the_name_does_not_decide_on_the_format(tmp_path):
    path = audiofiles.write(tmp_path / "a.wav", audiofiles.tone())
    expected = mel_of(path)
    np.testing.assert_array_equal(mel_of(path.rename(tmp_path / "a.mp3")), expected)


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"", "the file is empty"), (b"text, not audio. " * 500, "holds no audio that libsndfile")],
)
def test_what_is_no_audio_is_refused(tmp_path, suffix, content, fault):
    (tmp_path / f"a{suffix}").write_bytes(content)
    assert fault in fault_of(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".wav"])
def test_a_file_that_was_cut_is_refused(tmp_path, suffix):
    path = audiofiles.write(tmp_path / f"a{suffix}", audiofiles.noise(8.0, rate_hz=44_100), 44_100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert re.search(
        r"is cut short: it ends after [34]\.\d s, but should have 8\.0 s|"
        r"is damaged after [1234]\.\d s \(libsndfile: ",
        fault_of(path),
    )
    # What comes before is whole.
    assert mel_of(path, "start", 2.0).shape == (128, 87)


def test_a_wav_file_that_ends_before_the_excerpt_is_refused(tmp_path):
    path = audiofiles.write(tmp_path / "a.wav", audiofiles.noise(8.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 4])
    assert fault_of(path, "middle", 2.0) == (
        "is cut short: it ends before 3.0 s, but should have 8.0 s"
    )


@pytest.mark.parametrize("n_bytes", [0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_file_written_to_a_pipe_is_as_long_as_it_is(tmp_path, n_bytes):
    path = audiofiles.write(tmp_path / "a.wav", audiofiles.noise(2.0))
    head, mark, rest = path.read_bytes().partition(b"data")
    path.write_bytes(head + mark + struct.pack("<I", n_bytes) + rest[4:])
    assert mel_of(path).shape == (128, 87)


def test_silence_nan_and_0_seconds_are_refused(tmp_path):
    silent = audiofiles.write(tmp_path / "silent.wav", np.zeros(44_100, np.float32))
    assert fault_of(silent) == "is silent: no sample of the excerpt (0.0 to 2.0 s) is above -100 dB"
    broken = audiofiles.tone()
    broken[11_025:] = np.nan
    path = audiofiles.write(tmp_path / "nan.wav", broken, subtype="FLOAT")
    assert fault_of(path) == "has NaN or infinity 0.5 s from the start"
    empty = audiofiles.write(tmp_path / "empty.wav", np.zeros(0, np.float32))
    assert fault_of(empty) == "has 0.00 s of audio; expected at least 0.5"
    short = audiofiles.write(tmp_path / "short.wav", audiofiles.tone(0.2))
    assert fault_of(short) == "has 0.20 s of audio; expected at least 0.5"
    slow = audiofiles.write(tmp_path / "slow.wav", audiofiles.noise(1.0), 100)
    assert fault_of(slow) == "has a sampling rate of 100 Hz; expected 1000 to 768000"


def test_an_excerpt_is_silent_where_the_rest_is_not(tmp_path):
    song = np.concatenate([audiofiles.tone(), np.zeros(44_100, np.float32), audiofiles.tone()])
    path = audiofiles.write(tmp_path / "a.wav", song)
    assert "is silent: no sample of the excerpt (1.5 to 2.5 s)" in fault_of(path, "middle", 1.0)
    assert mel_of(path, "start", 1.0).shape == (128, 44)


def test_a_file_of_hours_is_read_in_part_only(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "MOST_EXCERPT_SECONDS", 3.0)
    path = audiofiles.write(tmp_path / "a.wav", audiofiles.tone(4.0))
    assert "h long; data.excerpt 'full' reads files of up to" in fault_of(path, "full")
    assert mel_of(path, "middle", 2.0).shape == (128, 87)


def test_a_cut_ffmpeg_file_is_refused(tmp_path):
    pytest.importorskip("av")
    path = audiofiles.write_m4a(tmp_path / "a.m4a", audiofiles.tone(4.0, 1000.0, 44_100))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    assert "holds no audio that FFmpeg can read" in fault_of(path)
    path.write_text("no audio")
    assert "holds no audio that FFmpeg can read" in fault_of(path)
