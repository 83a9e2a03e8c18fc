"""Songs on a map in a real browser: pointed at, searched for, selected, and their neighbours."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from mapfolders import latents, songs_table, write_map
from maptabs import apart, listed, place, point_at, trace


def select(tab, mode, left, top, right, bottom):
    """Drags the mouse around a rectangle, or across it."""
    around = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    corners = around if mode == "lasso" else [around[0], around[2]]
    tab.mouse.move(*corners[0])
    tab.mouse.down()
    for corner in corners[1:]:
        tab.mouse.move(*corner, steps=6)
    tab.mouse.up()


@pytest.mark.slow
def test_hovering_says_what_a_song_is(open_map):
    tab = open_map(write_map("run", songs=songs_table(12), points=apart())).tab
    tip = tab.locator("#tip")
    assert not tip.is_visible()
    point_at(tab, 1)
    for text in ("Title 1", "Artist 1", "cluster 1", "genre: March", "Line of song 1"):
        assert text in tip.inner_text()
    assert "language: en (detected from the lyrics)" in tip.inner_text()
    tab.mouse.move(5, 5)
    tip.wait_for(state="hidden")


def test_a_search_finds_titles_and_artists_whatever_the_accents(open_map):
    songs = songs_table()
    songs.loc[7, "title"], songs.loc[3, "artist"] = "Título 7", "Ana & Bia"
    tab = open_map(write_map("run", songs=songs)).tab
    for wanted, expected in (
        ("título 7", ["Título 7"]),
        ("TITULO 7", ["Título 7"]),
        ("nobody", []),
        ("bia", ["Title 3"]),
    ):
        tab.fill("#search", wanted)
        assert listed(tab) == expected
        assert trace(tab, "selectedpoints") == [int(title[-1]) for title in expected]
    tab.click("#clear")
    assert not tab.locator("#list").is_visible()
    assert tab.locator("#search").input_value() == ""
    assert tab.evaluate("document.getElementById('chart').data[0].selectedpoints") is None


@pytest.mark.parametrize("mode", ["select", "lasso"])
@pytest.mark.slow
def test_songs_inside_a_box_or_a_lasso_are_listed_and_saved(open_map, mode):
    songs = songs_table(12)
    songs.loc[0, ["title", "first_line"]] = '=HYPERLINK("http://x", "y")', 'He said "hi", twice'
    tab = open_map(write_map("run", songs=songs, points=apart())).tab
    tab.check(f"input[value={mode}]")
    (right, _), (left, top), (_, bottom) = (place(tab, dot) for dot in (0, 1, 11))
    select(tab, mode, left - 20, top - 20, right + 15, bottom + 20)
    tab.wait_for_selector("#list")
    assert listed(tab) == [songs.loc[0, "title"], "Title 1", "Title 11"]
    assert trace(tab, "selectedpoints") == [0, 1, 11]
    with tab.expect_download() as download:
        tab.click("#save")
    assert download.value.suggested_filename == "songs.csv"
    content = Path(download.value.path()).read_text("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert rows[0] == [
        *("music_id", "title", "genre", "language", "artist", "factor_tempo_bpm"),
        *("cluster", "first_line"),
    ]
    assert [row[0] for row in rows[1:]] == ["id-00", "id-01", "id-11"]
    assert rows[1] == [
        *("id-00", "'" + songs.loc[0, "title"], "Waltz", "", "Artist 0", "60", "0"),
        'He said "hi", twice',
    ]
    assert tab.locator("#chart .outline-controllers, #chart .select-outline").count() == 0
    tab.click("#clear")
    assert not tab.locator("#list").is_visible()
    # Once more, elsewhere: nothing is left of the first.
    x, y = place(tab, 6)
    select(tab, mode, x - 15, y - 15, x + 15, y + 15)
    tab.wait_for_selector("#list")
    assert listed(tab) == ["Title 6"]


@pytest.mark.slow
def test_neighbours_are_those_of_the_latents(open_map):
    points = latents(30)
    tab = open_map(write_map("run", points=points)).tab
    between = np.linalg.norm(points[:, None] - points[None], axis=2)
    for song in (0, 7, 29):
        tab.fill("#search", f"title {song}")
        tab.locator("#found button").filter(has_text=f"Title {song}Artist").first.click()
        nearest = np.argsort(between[song])[1:6]
        assert listed(tab, "#neighbours") == [f"Title {i}" for i in nearest]
        about = tab.locator("#neighbours .quiet").first.text_content()
        assert about == f"Artist {nearest[0] % 4} · distance {between[song][nearest[0]]:.3g}"
    # A neighbour is a button that leads to that song.
    tab.locator("#neighbours button").first.click()
    assert tab.locator("#song h2").text_content() == f"Title {nearest[0]}"
