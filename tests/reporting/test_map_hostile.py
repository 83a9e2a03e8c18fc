"""A map in a real browser: it asks for nothing, and no text of a song can run."""

import pytest
from mapfolders import songs_table, write_map
from maptabs import apart, click, listed, place, point_at

HOSTILE = (
    "<script>window.ran = true</script>",
    "<img src=x onerror='window.ran = true'>",
    '<a href="javascript:window.ran = true">link</a>',
    "</script><script>window.ran = true</script>\u2028&lt;b&gt;",
    '"><svg onload="window.ran = true">',
)


def test_the_page_asks_for_nothing_but_itself(open_map):
    path = write_map("run")
    opened = open_map(path)
    opened.tab.select_option("#colour", "genre")
    opened.tab.check("input[value=tsne]")
    opened.tab.mouse.move(*place(opened.tab, 3))
    opened.tab.wait_for_timeout(300)
    assert opened.requests == [path.absolute().as_uri()]


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
