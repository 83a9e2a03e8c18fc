"""Colours and the legend of a map, in a real browser."""

import pytest
from mapfolders import GENRES, songs_table, write_map
from maptabs import apart, listed, trace


@pytest.mark.slow
def test_dots_are_coloured_by_clusters_labels_and_numbers(open_map):
    tab = open_map(write_map("run", songs=songs_table(12), points=apart())).tab
    options = tab.locator("#colour option").all_text_contents()
    assert options == ["cluster", "genre", "language", "artist", "tempo bpm"]
    assert len(set(trace(tab, "marker.color"))) == 2
    tab.select_option("#colour", "genre")
    colours = trace(tab, "marker.color")
    assert all(colours[i] == colours[i % 3] for i in range(12))
    assert len(set(colours)) == 3
    assert sorted(tab.locator("#legend .name").all_text_contents()) == sorted(GENRES)
    assert tab.locator("#legend .number").all_text_contents() == ["4", "4", "4"]
    tab.select_option("#colour", "language")
    assert tab.locator("#legend .name").all_text_contents() == ["en", "unknown"]
    tab.select_option("#colour", "factor_tempo_bpm")
    assert len(set(trace(tab, "marker.color"))) == 12
    assert tab.locator("#legend .low").text_content() == "60"
    assert tab.locator("#legend .high").text_content() == "180.5"


@pytest.mark.slow
def test_a_factor_may_have_the_name_of_a_label(open_map):
    songs = songs_table(12).assign(factor_genre=["x", "y"] * 6, factor_cluster=["z"] * 12)
    tab = open_map(write_map("run", songs=songs, points=apart())).tab
    for key, names in (
        ("factor_genre", ["x", "y"]),
        ("factor_cluster", ["z"]),
        ("genre", sorted(GENRES)),
        ("cluster", ["cluster 0", "cluster 1"]),
    ):
        tab.select_option("#colour", key)
        assert sorted(tab.locator("#legend .name").all_text_contents()) == names


@pytest.mark.slow
def test_a_class_of_the_legend_lists_its_songs(open_map):
    tab = open_map(write_map("run", songs=songs_table(12), points=apart())).tab
    tab.select_option("#colour", "genre")
    tab.click("#legend button:has-text('March')")
    assert listed(tab) == ["Title 1", "Title 4", "Title 7", "Title 10"]
    tab.click("#legend button:has-text('Drone')")
    assert tab.locator("#count").text_content() == "8 songs"
    assert tab.locator("#legend [aria-pressed=true]").count() == 2
    for genre in ("March", "Drone"):
        tab.click(f"#legend button:has-text('{genre}')")
    assert not tab.locator("#list").is_visible()


@pytest.mark.parametrize(("n_classes", "n_shown"), [(93, 93), (120, 98)])
@pytest.mark.slow
def test_no_two_classes_look_alike_and_what_is_too_many_is_grey(open_map, n_classes, n_shown):
    songs = songs_table(2 * n_classes)
    songs["artist"] = [f"Artist {i % n_classes}" for i in range(len(songs))]
    tab = open_map(write_map("run", songs=songs)).tab
    tab.select_option("#colour", "artist")
    names = tab.locator("#legend .name").all_text_contents()
    assert len(names) == n_shown
    looks = set(zip(trace(tab, "marker.color"), trace(tab, "marker.symbol"), strict=True))
    assert len(looks) == n_shown
    assert ("23 others" in names) == (n_classes == 120)


@pytest.mark.slow
def test_dark_and_light_follow_the_system_at_once(open_map):
    tab = open_map(write_map("run")).tab

    def look():
        style = "getComputedStyle(document.body)"
        paper = "document.getElementById('chart')._fullLayout.paper_bgcolor"
        of_page = tab.evaluate(f"[{style}.backgroundColor, {style}.color, {paper}]")
        return [*of_page, sorted(set(trace(tab, "marker.color")))]

    light = look()
    assert light[:3] == ["rgb(255, 255, 255)", "rgb(27, 29, 33)", "#ffffff"]
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(
        "document.getElementById('chart')._fullLayout.paper_bgcolor === '#14161a'"
    )
    dark = look()
    assert dark[:2] == ["rgb(20, 22, 26)", "rgb(233, 235, 239)"]
    assert dark[3] != light[3]
    tab.emulate_media(color_scheme="light")
    tab.wait_for_function(
        "document.getElementById('chart')._fullLayout.paper_bgcolor === '#ffffff'"
    )
    assert look() == light
