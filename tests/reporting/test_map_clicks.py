"""A clicked song on a map in a real browser: it is heard, and its spectrogram seen."""

from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pytest
import soundfile
from mapfolders import songs_table, write_map
from maptabs import apart, click


def with_audio(names):
    """Songs of which the first have these audio files, each a second longer than the last."""
    songs = songs_table(12)
    for i, name in enumerate(names):
        path = Path("music", name).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = np.sin(np.arange(8000 * (i + 1)) / 9)
        soundfile.write(path, 0.1 * tone, 8000)
        songs.loc[i, "audio_path"] = str(path)
    return songs


def wait_until_playable(tab):
    tab.wait_for_function("document.querySelector('audio')?.readyState >= 2")
    return tab.evaluate("document.querySelector('audio').duration")


def test_a_click_plays_the_song_s_own_file(open_map):
    names = ("plain.wav", "Ana & Bia/100% #1?.wav", "ação <b>'\".wav", "a:b.wav")
    songs = with_audio(names)
    opened = open_map(write_map("deep/run", songs=songs, points=apart()))
    tab = opened.tab
    for i, name in enumerate(names):
        click(tab, i)
        assert wait_until_playable(tab) == pytest.approx(i + 1, abs=0.01)
        source = tab.evaluate("document.querySelector('audio').src")
        path = Path(unquote(urlparse(source).path))
        assert path == Path("music", name).absolute()
        assert path.is_file()
        tab.wait_for_function("document.querySelector('audio').currentTime > 0")
    assert {url.split("/")[-2] for url in opened.requests[1:]} <= {"music", "Ana%20%26%20Bia"}
    click(tab, 8)
    assert "No audio file." in tab.locator("#song").inner_text()


@pytest.mark.slow
def test_a_file_that_is_gone_is_said_to_be_missing(open_map):
    songs = with_audio(["gone #1?.wav"])
    path = write_map("run", songs=songs, points=apart())
    Path("music/gone #1?.wav").unlink()
    tab = open_map(path).tab
    click(tab, 0)
    tab.wait_for_selector("text=Cannot be played: ../music/gone #1?.wav is missing")


@pytest.mark.slow
def test_embedded_audio_plays_without_the_file(open_map):
    songs = with_audio(["kept.wav"])
    path = write_map("run", songs=songs, points=apart(), audio="embed")
    Path("music/kept.wav").unlink()
    opened = open_map(path)
    click(opened.tab, 0)
    assert wait_until_playable(opened.tab) == pytest.approx(1, abs=0.01)
    assert all(url.startswith(("data:", "file:")) for url in opened.requests)
    assert sum(url.startswith("file:") for url in opened.requests) == 1


@pytest.mark.slow
def test_a_click_shows_the_mel_spectrogram(open_map):
    path = write_map("run", songs=songs_table(12), points=apart())
    with np.load("run/thumbnails.npz") as arrays:
        levels = arrays["pictures"][4]
    tab = open_map(path).tab
    click(tab, 5)
    tab.wait_for_selector("#song canvas")
    pixels = tab.evaluate(
        """() => {
            const canvas = document.querySelector("#song canvas");
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            return [width, height, Array.from(data)];
        }"""
    )
    assert pixels[:2] == [64, 32]
    # Viridis begins dark violet and ends yellow; low bands are below.
    picture = np.array(pixels[2]).reshape(32, 64, 4)[::-1, :, :3]
    assert (picture[levels == 0] == [0x44, 0x01, 0x54]).all()
    assert (np.abs(picture[levels == 255] - [0xFD, 0xE7, 0x25]) <= 1).all()
    click(tab, 0)
    tab.wait_for_selector("#song h2:text-is('Title 0')")
    assert tab.locator("#song canvas").count() == 0
