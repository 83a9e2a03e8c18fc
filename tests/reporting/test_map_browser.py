"""The map in a real browser, without a network: what people see, search, select and hear."""

import csv
import io
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlparse

import numpy as np
import pandas as pd
import pytest
import soundfile
from mapfolders import GENRES, latents, songs_table, write_map, write_results

from musicvae_jax.reporting.song_map import write_run_map, write_suite_map
from musicvae_jax.runtime.terminal import Terminal

HOSTILE = (
    "<script>window.ran = true</script>",
    "<img src=x onerror='window.ran = true'>",
    '<a href="javascript:window.ran = true">link</a>',
    "</script><script>window.ran = true</script>\u2028&lt;b&gt;",
    '"><svg onload="window.ran = true">',
)
WIDE = {"width": 1200, "height": 800}


class Opened(NamedTuple):
    """A map in a tab, and what went on while it was open."""

    tab: object
    requests: list
    errors: list


@pytest.fixture
def open_map(browser):
    """Opens maps offline; no page may report an error."""
    contexts, errors = [], []

    def open_it(path, **options):
        context = browser.new_context(**{"viewport": WIDE, "color_scheme": "light"} | options)
        contexts.append(context)
        context.set_offline(True)
        tab = context.new_page()
        tab.set_default_timeout(20_000)
        opened = Opened(tab, [], errors)
        tab.on("request", lambda request: opened.requests.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(path.absolute().as_uri())
        tab.wait_for_selector("html[data-ready]")
        return opened

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


def place(tab, dot):
    """Where a dot is in the window."""
    return tab.evaluate(
        """(dot) => {
            const chart = document.getElementById("chart");
            const { xaxis, yaxis } = chart._fullLayout;
            const box = chart.getBoundingClientRect();
            const [x, y] = ["x", "y"].map((name) => chart._fullData[0][name][dot]);
            const [left, top] = [box.left + xaxis._offset, box.top + yaxis._offset];
            return [left + xaxis.l2p(x), top + yaxis.l2p(y)];
        }""",
        dot,
    )


def point_at(tab, dot):
    """Moves the mouse to a dot, and waits until the page says whose it is."""
    title = tab.evaluate("JSON.parse(document.getElementById('data').textContent).titles")[dot]
    tab.mouse.move(*place(tab, dot))
    tab.wait_for_function(
        """(title) => {
            const tip = document.getElementById("tip");
            return !tip.hidden && tip.firstChild.textContent === title;
        }""",
        arg=title,
    )


def click(tab, dot):
    """Clicks a dot, as people do: with the mouse on it, and again where a busy browser lost it."""
    for _ in range(5):
        point_at(tab, dot)
        tab.evaluate(
            """() => {
                window.isClicked = false;
                const chart = document.getElementById("chart");
                chart.once("plotly_click", () => { window.isClicked = true; });
            }"""
        )
        tab.mouse.down()
        tab.mouse.up()
        # The ring is drawn in the same task; what Plotly finishes later ends a hover.
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
        if tab.evaluate("window.isClicked"):
            return
        tab.mouse.move(0, 0)
    raise AssertionError(f"no click on dot {dot} reached the chart")


def trace(tab, what):
    """A property of the drawn dots."""
    return tab.evaluate(f"Array.from(document.getElementById('chart').data[0].{what} ?? [])")


def listed(tab, where="#found"):
    """Titles of a list of songs."""
    buttons = tab.locator(f"{where} button")
    return [
        text.split("\n")[0]
        for text in buttons.evaluate_all("all => all.map(b => b.firstChild.textContent)")
    ]


def select(tab, mode, left, top, right, bottom):
    """Drags the mouse around a rectangle, or across it."""
    around = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    corners = around if mode == "lasso" else [around[0], around[2]]
    tab.mouse.move(*corners[0])
    tab.mouse.down()
    for corner in corners[1:]:
        tab.mouse.move(*corner, steps=6)
    tab.mouse.up()


def apart(n_songs=12):
    """Points far apart on a circle, so that every dot can be hit; song 0 is on the right."""
    angle = 2 * np.pi * np.arange(n_songs) / n_songs
    return np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(3 * angle)], axis=1)


def test_the_page_asks_for_nothing_but_itself(open_map):
    path = write_map("run")
    opened = open_map(path)
    opened.tab.select_option("#colour", "genre")
    opened.tab.check("input[value=tsne]")
    opened.tab.mouse.move(*place(opened.tab, 3))
    opened.tab.wait_for_timeout(300)
    assert opened.requests == [path.absolute().as_uri()]


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


def test_no_text_of_a_song_runs_or_becomes_markup(open_map):
    texts = [HOSTILE[i % len(HOSTILE)] for i in range(12)]
    columns = dict.fromkeys(("title", "artist", "genre", "language", "first_line"), texts)
    ids = [f"{text} {i}" for i, text in enumerate(texts)]
    songs = songs_table(12, **columns, music_id=ids)
    everything = "".join(HOSTILE)
    opened = open_map(
        write_map("run", everything, songs=songs, points=apart(), representation=everything)
    )
    tab = opened.tab
    assert tab.title().split() == everything.split()
    assert tab.locator("h1").text_content() == everything
    for dot, text in enumerate(HOSTILE):
        point_at(tab, dot)
        assert tab.locator("#tip .line").text_content() == text
        click(tab, dot)
        tab.wait_for_function(
            "text => document.querySelector('#song h2')?.textContent === text", arg=text
        )
        assert tab.locator("#song h3").text_content() == f"Nearest in {everything}"
        assert set(listed(tab, "#neighbours")) <= set(HOSTILE)
    for name in ("genre", "artist"):
        tab.select_option("#colour", name)
        assert set(tab.locator("#legend .name").all_text_contents()) == set(HOSTILE)
    tab.fill("#search", "window.ran")
    assert tab.locator("#count").text_content() == "12 songs"
    made = "img, a, iframe, svg[onload], [onerror], h1 > *, h2 > *, p > *, strong > *"
    assert tab.locator(made).count() == 0
    assert tab.evaluate("window.ran") is None
    assert len(opened.requests) == 1


@pytest.mark.slow
def test_a_script_that_gets_into_the_page_all_the_same_cannot_run(open_map):
    tab = open_map(write_map("run")).tab
    tab.evaluate(
        """() => {
            const image = '<img src="x" onerror="window.ran = 1">';
            document.body.insertAdjacentHTML("beforeend", image);
            const script = document.createElement("script");
            script.text = "window.ran = 2";
            document.body.append(script);
        }"""
    )
    tab.wait_for_timeout(200)
    assert tab.evaluate("window.ran") is None


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
def test_the_other_projection_moves_the_dots(open_map):
    points = apart()
    tab = open_map(write_map("run", songs=songs_table(12), points=points)).tab
    for method, columns in (("umap", [0, 1]), ("tsne", [3, 2])):
        tab.check(f"input[value={method}]")
        drawn = np.array([trace(tab, "x"), trace(tab, "y")], float).T
        wanted = points[:, columns] - points[:, columns].min(axis=0)
        np.testing.assert_allclose(drawn / drawn.max(), wanted / wanted.max(), atol=2e-4)


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


@pytest.mark.slow
def test_nothing_is_wider_than_the_window(open_map):
    songs = songs_table(40, title=["A" * 300] * 40, artist=["B" * 200 + str(i) for i in range(40)])
    path = write_map("run", "t" * 300, songs=songs, representation="r" * 200)
    tab = open_map(path).tab
    tab.select_option("#colour", "artist")
    tab.fill("#search", "a")
    tab.locator("#found button").first.click()
    for width in (1200, 400, 320):
        tab.set_viewport_size({"width": width, "height": 800})
        tab.wait_for_timeout(200)
        assert tab.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.slow
def test_a_keyboard_is_enough(open_map):
    tab = open_map(write_map("run")).tab
    tab.focus("#search")
    tab.keyboard.type("title 17")
    for _ in range(2 + 1):
        tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.locator("#song h2").text_content() == "Title 17"
    tab.locator("#neighbours button").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#song h2").text_content() != "Title 17"
    tab.focus("input[value=umap]")
    tab.keyboard.press("ArrowRight")
    assert tab.locator("input[value=tsne]").is_checked()
    before = tab.evaluate("document.getElementById('chart')._fullLayout.xaxis.range")
    tab.focus("#closer")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(100)
    after = tab.evaluate("document.getElementById('chart')._fullLayout.xaxis.range")
    assert after[1] - after[0] == pytest.approx((before[1] - before[0]) / 1.5)
    tab.focus("#whole")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(100)
    assert tab.evaluate("document.getElementById('chart')._fullLayout.xaxis.range") == before


@pytest.mark.slow
def test_a_tap_shows_a_song_on_a_phone(open_map):
    path = write_map("run", songs=songs_table(12), points=apart())
    phone = {"viewport": {"width": 400, "height": 800}, "has_touch": True, "is_mobile": True}
    tab = open_map(path, **phone).tab
    tab.touchscreen.tap(*place(tab, 3))
    tab.wait_for_selector("#song h2:text-is('Title 3')")


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
