"""The report in a real browser, without a network: on a desk, on a phone and on paper."""

import numpy as np
import pytest
import reportframes as frames
import soundfile
from mapfolders import songs_table, write_results
from test_page import picture, suite_tables

from musicvae_jax import reporting
from musicvae_jax.reporting.song_map import embedded_map

PHONE = {"viewport": {"width": 400, "height": 800}, "has_touch": True, "is_mobile": True}
LONG = "a_representation_with_a_name_that_no_phone_is_wide_enough_for_" * 3
HOSTILE = "<script>window.ran = true</script>"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The path of a report of everything that a page can hold."""
    folder = tmp_path_factory.mktemp("results")
    songs = songs_table(20, title=[f"{HOSTILE} {i}" for i in range(20)])
    songs.loc[7, ["title", "audio_path"]] = "Heard", str(folder.parent / "a & b.wav")
    soundfile.write(folder.parent / "a & b.wav", np.zeros(8000), 8000)
    runs = {"easy_vae": write_results(folder / "easy_vae", songs=songs)}
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.4]),
        frames.scored(representation=LONG, role="baseline", labels_seen="genre", ami_genre=0.6),
        frames.scored(representation="pca", role="baseline", ami_genre=0.2, n_clusters="2-40"),
        frames.scored("hard_cvae", HOSTILE, labels_derivable="language", ami_genre=np.nan),
        frames.scored(clusterer="dbscan", noise_share=0.25),
    )
    shown = embedded_map("songs", runs, folder)
    contents = reporting.Contents(
        title=f"{LONG} {HOSTILE}",
        tables={"easy": suite_tables(rows, frames.compared(verdict="negligible"))},
        alarms={"easy_vae": [f"collapse {LONG}"]},
        answers=[f"Is {LONG} a word?"],
        maps=reporting.Maps(shown.document, shown.shown, "map.html", {LONG: "easy_vae/map.html"}),
        cards={"easy_vae": frames.cards(LONG, n_clusters=30), "hard_cvae": frames.cards(HOSTILE)},
        figures={"wide": (picture(800, 300), "wide"), "tall": (picture(300, 2000), "tall")},
        about_data={"file": LONG},
        about_run={LONG: "1"},
    )
    path = folder / "report.html"
    path.write_text(reporting.page(contents), encoding="utf-8")
    return path


@pytest.fixture
def open_report(browser, report):
    """Opens the report offline; it may not complain, nor ask for anything but itself."""
    contexts, complaints, requests = [], [], []

    def open_it(**options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        context.set_offline(True)
        tab = context.new_page()
        tab.set_default_timeout(20_000)
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.goto(report.as_uri())
        return tab

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []
    others = [url for url in requests if not url.startswith(("data:", "blob:"))]
    assert {url for url in others if not url.endswith(".wav")} == {report.as_uri()}


def map_of(tab):
    frame = tab.frame_locator("iframe.map")
    frame.locator("html[data-ready]").wait_for(state="attached")
    return frame


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_map_is_drawn_and_can_be_searched_inside_the_page(open_report, scheme):
    tab = open_report(color_scheme=scheme)
    frame = map_of(tab)
    assert frame.locator("#chart .points path, #chart canvas").count() >= 1
    frame.locator("#search").fill("window.ran")
    assert frame.locator("#count").text_content() == "19 songs"
    assert tab.evaluate("window.ran ?? frames[0].ran") is None
    assert tab.locator("script").count() == 0


@pytest.mark.slow
def test_songs_play_inside_the_page_from_beside_the_page(open_report):
    frame = map_of(open_report())
    frame.locator("#search").fill("Heard")
    frame.locator("#found button").click()
    audio = frame.locator("audio")
    audio.evaluate(
        "one => one.readyState >= 2 || new Promise((done) => { one.oncanplay = () => done(); })"
    )
    assert audio.evaluate("one => one.duration") == pytest.approx(1, abs=0.01)
    assert audio.get_attribute("src") == "../a%20%26%20b.wav"


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
@pytest.mark.slow
def test_nothing_is_wider_than_the_screen_even_unfolded(open_report, options):
    tab = open_report(**options)
    map_of(tab)
    tab.check("#more")
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    width = tab.evaluate("document.documentElement.clientWidth")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    too_wide = tab.evaluate(
        """(width) => [...document.querySelectorAll("body *")].filter((one) =>
            !one.closest(".wide table, [popover]") && one.getClientRects().length
            && one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML)""",
        width,
    )
    assert too_wide == []


@pytest.mark.slow
def test_terms_are_explained_to_the_keyboard(open_report):
    tab = open_report()
    term = tab.locator("table.scores thead").get_by_role("button", name="genre AMI")
    tip = tab.locator("#term-genre-ami")
    assert not tip.is_visible()
    term.focus()
    tab.keyboard.press("Enter")
    assert tip.is_visible()
    assert "How well clusters match genres" in tip.inner_text()
    tab.keyboard.press("Escape")
    assert not tip.is_visible()
    assert term.evaluate("one => one === document.activeElement")


@pytest.mark.slow
def test_terms_are_explained_to_the_finger_and_beside_the_term(open_report):
    tab = open_report(**PHONE)
    terms = tab.locator(".opening button.term, table.scores button.term")
    assert terms.count() > 5
    for place in range(terms.count()):
        term = terms.nth(place)
        term.scroll_into_view_if_needed()
        term.tap()
        tip = tab.locator("[popover]:popover-open")
        assert tip.count() == 1
        box = tip.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 400
        assert 0 <= box["y"] <= 800 - box["height"]
        tab.keyboard.press("Escape")


def test_the_switch_shows_the_other_baselines(open_report):
    tab = open_report()
    assert tab.locator("table.scores tr.baseline:visible").count() == 1
    tab.get_by_label("Show 1 more baseline").check()
    assert tab.locator("table.scores tr.baseline:visible").count() == 2


@pytest.mark.slow
def test_a_tall_picture_is_enlarged_by_keyboard(open_report):
    tab = open_report()
    image = tab.get_by_alt_text("tall")
    before = image.bounding_box()["height"]
    image.locator("xpath=..").focus()
    tab.keyboard.press("Enter")
    assert image.bounding_box()["height"] > 2 * before


@pytest.mark.slow
def test_on_paper_there_is_what_paper_can_show(open_report):
    tab = open_report()
    tab.emulate_media(media="print")
    for selector in ("iframe.map", ".switch", ".more-section"):
        assert not tab.locator(selector).first.is_visible()
    for selector in (
        ".unprinted",
        "table.scores",
        ".cards",
        "img",
        "#term-genre-ami",
        ".alarms summary",
    ):
        assert tab.locator(selector).first.is_visible()
    tab.evaluate("document.querySelector('#more').checked = true")
    assert not tab.locator(".unprinted").is_visible()
    tab.evaluate("document.querySelector('.more-section > details').open = true")
    assert tab.locator(".more-section > details").first.is_visible()
