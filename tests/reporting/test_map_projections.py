"""What a map in a real browser shows: either projection, many songs, a suite, or no projection."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mapfolders import latents, songs_table, write_map, write_results
from maptabs import apart, click, listed, trace

from musicvae_jax.reporting.song_map import write_run_map, write_suite_map
from musicvae_jax.runtime.terminal import Terminal


@pytest.mark.slow
def test_the_other_projection_moves_the_dots(open_map):
    points = apart()
    tab = open_map(write_map("run", songs=songs_table(12), points=points)).tab
    for method, columns in (("umap", [0, 1]), ("tsne", [3, 2])):
        tab.check(f"input[value={method}]")
        drawn = np.array([trace(tab, "x"), trace(tab, "y")], float).T
        wanted = points[:, columns] - points[:, columns].min(axis=0)
        np.testing.assert_allclose(drawn / drawn.max(), wanted / wanted.max(), atol=2e-4)


@pytest.mark.slow
def test_many_dots_are_drawn_by_webgl_and_can_be_chosen(open_map):
    points = latents(2000)
    # Far from the others.
    points[0, :2] = 12
    tab = open_map(write_map("run", songs=songs_table(2000), points=points)).tab
    assert tab.evaluate("document.getElementById('chart').data[0].type") == "scattergl"
    for name in ("genre", "artist", "factor_tempo_bpm"):
        tab.select_option("#colour", name)
    click(tab, 0)
    tab.wait_for_selector("#song h2:text-is('Title 0')")
    assert tab.locator("text=WebGL is not supported").count() == 0


def test_without_a_projection_nothing_invites_to_use_the_map(browser):
    folder = write_results("few", songs=songs_table(9))
    for name in ("projections", "neighbours"):
        path = folder / f"{name}.parquet"
        pd.read_parquet(path).head(0).to_parquet(path)
    write_run_map(folder, "few", folder, Terminal())
    tab = browser.new_page()
    tab.goto((folder / "map.html").absolute().as_uri())
    tab.wait_for_selector("text=There is no projection of these songs.")
    shown = [tab.locator(one).is_visible() for one in ("#controls", "#side", "#notes")]
    assert shown == [False, False, True]
    tab.close()


@pytest.mark.slow
def test_a_suite_s_map_switches_between_representations(open_map):
    few = songs_table().iloc[5:].reset_index(drop=True)
    points = {"one": latents(30), "two": latents(25, seed=1)}
    folders = {
        "easy_one": write_results("easy_one", points=points["one"]),
        "hard_two": write_results("hard_two", few, points["two"], "mvae"),
    }
    write_suite_map(Path(), "a suite", folders, "link", Terminal())
    tab = open_map(Path("map.html")).tab
    options = tab.locator("#layout option").all_text_contents()
    assert options == ["easy_one: vae", "hard_two: mvae"]
    tab.fill("#search", "title 12")
    tab.locator("#found button").click()
    for name, first in (("one", 0), ("two", 5)):
        tab.select_option("#layout", str(int(name == "two")))
        tab.wait_for_function(f"document.getElementById('chart').data[0].x.length === {30 - first}")
        between = np.linalg.norm(points[name] - points[name][12 - first], axis=1)
        nearest = np.argsort(between)[1:6] + first
        tab.wait_for_function(f"document.querySelector('#song h3').textContent.includes('{name}')")
        assert listed(tab, "#neighbours") == [f"Title {i}" for i in nearest]
        assert listed(tab) == ["Title 12"]
    tab.select_option("#layout", "0")
    tab.fill("#search", "title 0")
    tab.locator("#found button").click()
    tab.select_option("#layout", "1")
    tab.wait_for_selector("text=This representation lacks the song.")
