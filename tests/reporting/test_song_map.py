"""What a map's page holds; test_map_*.py look at it in a browser."""

import base64
import gzip
import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from mapfolders import latents, songs_table, write_map, write_results

from musicvae_jax.errors import InputError
from musicvae_jax.reporting.song_map import audio, contents, write, write_run_map, write_suite_map
from musicvae_jax.runtime.terminal import Terminal


def element_of(page, name):
    text = page.read_text(encoding="utf-8")
    return text.split(f'id="{name}">')[1].split("</script>")[0]


def data_of(page):
    return json.loads(element_of(page, "data"))


def layout_of(page, number=0):
    return json.loads(gzip.decompress(base64.b64decode(element_of(page, f"layout-{number}"))))


def notices(monkeypatch):
    said = []
    monkeypatch.setattr(Terminal, "notice", lambda self, line: said.append(line))
    return said


def test_no_text_can_end_the_data_and_all_of_it_arrives():
    texts = ["</script><!--<script>", "a & b &amp; \u2028\u2029", "<b>\"'\\", "línea\nñ 🎵"]
    songs = songs_table(4, title=texts, first_line=texts[::-1])
    page = write_map("run", "<b>&", songs=songs)
    raw = element_of(page, "data")
    assert not set("<>&\u2028\u2029") & set(raw)
    assert data_of(page)["titles"] == texts
    assert data_of(page)["lines"] == texts[::-1]
    assert "<title>&lt;b&gt;&amp;</title>" in page.read_text()


def test_the_same_results_give_the_same_bytes():
    first = write_map("run").read_bytes()
    assert write_map("run").read_bytes() == first


def test_the_page_is_whole_but_small():
    page = write_map("run")
    text = page.read_text()
    assert len(text) < 2_500_000
    # The name of SVG is no address.
    assert set(re.findall(r"https?://[^\"']*", text)) == {"http://www.w3.org/2000/svg"}
    assert "src=" not in text


def test_labels_are_categories_or_numbers():
    songs = songs_table(30)
    songs["factor_key"] = [i % 12 if i else None for i in range(30)]
    songs["factor_major"] = [i % 2 == 0 for i in range(30)]
    songs["factor_index"] = range(30)
    songs["factor_loud"] = [np.inf, np.nan, *np.linspace(0.1, 0.2, 28)]
    labels = {label["name"]: label for label in data_of(write_map("run", songs=songs))["labels"]}
    assert list(labels)[:3] == ["genre", "language", "artist"]
    assert labels["language"]["categories"] == ["en"]
    assert labels["language"]["codes"][:3] == [-1, 0, -1]
    assert sorted(labels["key"]["categories"], key=int) == [str(i) for i in range(12)]
    assert labels["key"]["codes"][0] == -1
    assert labels["major"]["categories"] == ["False", "True"]
    assert labels["index"]["numbers"] == list(range(30))
    assert labels["loud"]["numbers"][:3] == [None, None, 0.1]
    assert labels["loud"]["key"] == "factor_loud"
    assert [label["isFactor"] for label in labels.values()] == [False] * 3 + [True] * 5


def test_pictures_are_those_of_their_songs():
    page = write_map("run")
    with np.load("run/thumbnails.npz") as arrays:
        expected = arrays["pictures"]
    data = data_of(page)
    levels = gzip.decompress(base64.b64decode(element_of(page, "pictures")))
    pictures = np.frombuffer(levels, np.uint8).reshape(-1, *data["pictureShape"])
    assert data["pictures"] == [-1, *range(29)]
    np.testing.assert_array_equal(pictures, expected)


def test_without_pictures_the_page_says_so():
    data = data_of(write_map("run", pictures=False))
    assert data["pictureShape"] is None
    assert data["notes"] == [
        "There are no pictures of mel spectrograms: the songs have none or are many."
    ]


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/music/a.wav", "/results/run", "../../music/a.wav"),
        ("/results/run/a b.wav", "/results/run", "./a%20b.wav"),
        ("/results/run/mailto:x.wav", "/results/run", "./mailto%3Ax.wav"),
        ('/m/ã?#%\n"<.wav', "/m", "./%C3%A3%3F%23%25%0A%22%3C.wav"),
        ("/m/..hidden.wav", "/m", "..hidden.wav"),
    ],
)
def test_links_are_relative_and_encoded(path, folder, expected):
    assert audio.relative_url(path, Path(folder)) == expected
    assert (Path(folder) / unquote(expected)).resolve() == Path(path)


def test_links_start_where_the_page_will_be(tmp_path):
    songs = songs_table(12)
    songs["audio_path"] = [str(tmp_path / f"music/{i}.mp3") if i else None for i in range(12)]
    staged = write_results("deep/er/.partial-x", songs)
    write_run_map(staged, "mine", Path("deep/run"), Terminal())
    assert data_of(staged / "map.html")["audio"] == [
        None,
        *(f"../../music/{i}.mp3" for i in range(1, 12)),
    ]


def test_songs_without_files_have_no_audio():
    assert data_of(write_map("run"))["audio"] is None


def test_audio_is_embedded_up_to_a_limit_that_is_said(monkeypatch):
    said = notices(monkeypatch)
    songs = songs_table(12)
    for i, size in enumerate((40, 70, 50)):
        Path(f"{i}.flac").write_bytes(bytes([i]) * size)
    songs.loc[:3, "audio_path"] = [str(Path(f"{i}.flac").absolute()) for i in range(4)]
    monkeypatch.setattr(audio, "MOST_EMBEDDED_BYTES", 100)
    data = data_of(write_map("run", songs=songs, audio="embed"))
    kept = [base64.b64encode(bytes([i]) * size).decode() for i, size in ((0, 40), (2, 50))]
    assert data["audio"][:5] == [
        f"data:audio/flac;base64,{kept[0]}",
        "../1.flac",
        f"data:audio/flac;base64,{kept[1]}",
        # It does not exist.
        "../3.flac",
        None,
    ]
    (line,) = said
    assert line.startswith("run/map.html: the audio of 2 songs is linked, not embedded: only ")
    assert any("audio of 2 songs is linked" in note for note in data["notes"])


def test_results_of_an_earlier_version_are_said_to_be_so():
    folder = write_results("run")
    (folder / "songs.parquet").unlink()
    with pytest.raises(InputError, match=r"run/songs.parquet: no such file, .* run .* again"):
        write_run_map(folder, "mine", folder, Terminal())


def two_runs():
    """Folders of two runs, the second on the last 25 of 30 songs."""
    few = songs_table().iloc[5:].reset_index(drop=True)
    return {
        "one": write_results("one"),
        "two": write_results("two", few, latents(25, seed=1), "mvae"),
    }


def test_a_suite_s_map_has_each_song_once_and_every_representation():
    folders = two_runs()
    write_suite_map(Path(), "a suite", folders, "link", Terminal())
    page = Path("map.html")
    data = data_of(page)
    assert data["layouts"] == ["one: vae", "two: mvae"]
    assert data["ids"] == songs_table()["music_id"].tolist()
    assert [len(layout_of(page, i)["songs"]) for i in (0, 1)] == [30, 25]
    found = pd.read_parquet("two/neighbours.parquet")
    neighbours = layout_of(page, 1)["neighbours"]
    assert [data["ids"][i] for i in neighbours] == found["neighbour"].tolist()


def test_a_suite_of_too_many_dots_shows_some_songs_and_says_so(monkeypatch):
    monkeypatch.setattr(write, "MOST_DOTS", 20)
    write_suite_map(Path(), "a suite", two_runs(), "link", Terminal())
    page = Path("map.html")
    data = data_of(page)
    assert data["notes"] == ["The map shows a sample: 10 of 30 songs."]
    assert data["ids"] == songs_table()["music_id"].tolist()[::3]
    found = pd.read_parquet("one/neighbours.parquet")
    shown = [data["ids"][i] if i >= 0 else None for i in layout_of(page)["neighbours"]]
    is_kept = found["music_id"].isin(data["ids"])
    expected = found["neighbour"][is_kept]
    assert shown == [one if one in data["ids"] else None for one in expected]


def test_pictures_of_runs_of_different_sizes_are_joined_at_the_smaller():
    folders = two_runs()
    with np.load("two/thumbnails.npz") as arrays:
        names, pictures = arrays["music_id"], arrays["pictures"]
    small = pictures.reshape(-1, 16, 2, 32, 2).mean(axis=(2, 4)).round().astype(np.uint8)
    np.savez_compressed("two/thumbnails.npz", music_id=names, pictures=small)
    found = contents.read_contents(folders, 300)
    assert found.pictures.shape == (30, 16, 32)
    assert found.has_picture.tolist() == [False] + [True] * 29
    np.testing.assert_array_equal(found.pictures[6:], small)
