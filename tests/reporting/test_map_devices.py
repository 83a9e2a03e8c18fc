"""A map in narrow windows, by the keyboard alone, and on a phone."""

import pytest
from mapfolders import songs_table, write_map
from maptabs import apart, place


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
