"""The pieces that the page is made of: terms, bars, pictures, maps."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import reportframes as frames
from htmltags import Tags
from mapfolders import songs_table, write_results
from PIL import Image

from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.evaluation.external import ExternalMetric
from musicvae_jax.reporting.report.bars import Bar, bar_svg, scale_end
from musicvae_jax.reporting.report.cards import cards_html
from musicvae_jax.reporting.report.document import stylesheet
from musicvae_jax.reporting.report.figures import figures_html, smaller
from musicvae_jax.reporting.report.headline import score_bars
from musicvae_jax.reporting.report.maps import Maps, maps_html
from musicvae_jax.reporting.report.ranking import ranked
from musicvae_jax.reporting.report.terms import TERMS, glossary, marked, of_metrics
from musicvae_jax.reporting.song_map import embedded, embedded_map


def buttons(html):
    return re.findall("<button.*?>(.*?)</button>", html)


def test_terms_are_marked_where_they_first_occur_and_the_longest_wins():
    html = marked("Chance, genre AMI and AMIs of baselines; genre AMI again, K-Means with k > 1")
    assert buttons(html) == ["Chance", "genre AMI", "AMIs", "baselines", "K-Means", "k"]
    assert (
        marked("unknown words, taking <b>")
        == "unknown <button" + marked("words").partition("<button")[2] + ", taking &lt;b&gt;"
    )
    assert buttons(marked("PCA-like, whitened_pca_16, kilo")) == []


def test_the_glossary_explains_each_term_that_is_used_and_no_other():
    html = "".join(map(marked, TERMS))
    tags = Tags(html + glossary(html))
    targets = [one["popovertarget"] for one in tags.named("button")]
    assert sorted(targets) == sorted(one["id"] for one in tags.named("p") if "popover" in one)
    assert len(set(targets)) == len(TERMS)
    assert glossary(marked("seed")).count("popover") == 1
    assert glossary("<p>k</p>") == ""


def test_explanations_fit_on_a_line():
    assert {name: len(text) for name, text in TERMS.items() if len(text) > 120} == {}


def test_a_metric_without_words_here_is_explained_by_its_own():
    def share(labels, clusters):
        """Share of something.

        More of it.
        """

    metrics = {"share": ExternalMetric("Share", share), "none": ExternalMetric("None", len_of)}
    assert of_metrics(metrics) == {"Share": "Share of something."}
    headings = {EXTERNAL_METRICS[name].heading for name in metrics_with_nulls()}
    assert headings <= set(TERMS)


def len_of(labels, clusters):
    return len(labels)


def test_every_heading_of_the_table_is_a_term():
    summary = frames.summary(
        frames.metrics(frames.scored(labels_seen="language")), frames.compared()
    )
    html = score_bars(ranked([summary]))
    heads = re.findall("<th role='columnheader'.*?</th>", html)
    assert len(heads) == 7
    assert [len(buttons(head)) for head in heads] == [1] * 7


@pytest.mark.parametrize(
    ("verdict", "by", "text"),
    [
        ("better", 20, "▲ better +0.100 whitened PCA (16)"),
        ("one seed", 20, "? unknown, one seed +0.100 whitened PCA (16)"),
        ("too few artists", 100, "? too few songs +0.100 whitened PCA (16)"),
    ],
)
def test_the_verdict_on_the_hardest_baseline_is_a_sign_and_words(verdict, by, text):
    compared = frames.compared("whitened_pca_16", verdict, n_artists=by)
    summary = frames.summary(frames.metrics(frames.scored()), compared)
    html = score_bars(ranked([summary]))
    (cell,) = re.findall("<td role='cell' class='against'.*?>(.*?)</td>", html)
    assert re.sub("<.*?>", "", cell) == text


def test_a_bar_is_as_long_as_its_score():
    svg = bar_svg(Bar(0.25, 0.1, 0.4, 0.05), 0.5)
    assert "class='bar' y='2' width='50'" in svg
    assert "d='M20,6H80M20,3V9M80,3V9'" in svg
    # On the bar, the line has a rim of the page's colour.
    assert "<path class='halo' d='M10,0V12'/><path class='chance' d='M10,0V12'/>" in svg
    alone = bar_svg(Bar(0.25), 0.5)
    assert "whisker" not in alone
    assert "chance" not in alone
    assert bar_svg(Bar(np.nan, 0.1, 0.4), 0.5) == ""
    assert "width='0'" in bar_svg(Bar(-0.1), 0.5)
    assert "H100M" in bar_svg(Bar(0.9, 0.8, 1.2), 1.0)


@pytest.mark.parametrize(("high", "end"), [(0.0, 0.1), (0.41, 0.5), (0.99, 1.0), (1.3, 1.0)])
def test_the_scale_ends_at_a_round_number(high, end):
    assert scale_end([Bar(0.0, 0.0, high)]) == end


@pytest.mark.parametrize(("n_artists", "n_columns"), [(20, 1), (100, 0)])
def test_a_column_that_repeats_another_is_left_out(n_artists, n_columns):
    compared = frames.compared(n_artists=n_artists)
    html = score_bars(ranked([frames.summary(frames.metrics(frames.scored()), compared)]))
    assert html.count("<th role='columnheader' scope='col' class='artists'>") == n_columns


def test_without_genres_and_languages_silhouette_is_shown_even_with_artists():
    rows = frames.metrics(frames.scored(ami_genre=np.nan, ami_language=np.nan))
    html = score_bars(ranked([frames.summary(rows)]))
    assert re.search("class='silhouette'[^>]*>0.100<", html)


def test_a_label_that_follows_from_what_was_given_is_called_derivable():
    rows = frames.metrics(frames.scored(labels_derivable="language"))
    html = score_bars(ranked([frames.summary(rows)]))
    assert "<span>‡ language derivable</span>" in html


def test_of_many_experiments_some_are_named_and_all_are_the_title():
    rows = frames.metrics(*(frames.scored(name) for name in "abcdef"))
    html = score_bars(ranked([frames.summary(rows)]))
    assert "<span class='from' title='a, b, c, d, e, f'>a, b, c and 3 more</span>" in html


def test_a_share_of_a_cluster_is_never_written_as_none():
    many = frames.cards("rock", n_clusters=2) | {"songs": 5000}
    assert "<p class='size'>5 songs, &lt;1%</p>" in cards_html(many)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_graphics_stand_out_from_the_page(scheme):
    """By 3 to 1, as WCAG 2.1, 1.4.11, asks."""
    root = re.findall(r":root {(.*?)}", stylesheet(), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#\w{6});", root))
    behind = {"model": "page", "baseline": "page", "chance": "page", "whisker": "page"}
    behind |= {"louder": "panel", "softer": "panel"}
    for name, under in behind.items():
        low, high = sorted(luminance(colours[one]) for one in (name, under))
        assert (high + 0.05) / (low + 0.05) >= 3, name


def png(width, height):
    found = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(found, "PNG")
    return found.getvalue()


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 50), (100, 50)), ((3200, 100), (1600, 50)), ((200, 20_000), (160, 16_000))],
)
def test_pictures_are_made_smaller_never_larger(size, expected):
    with Image.open(io.BytesIO(smaller(png(*size)))) as found:
        assert found.format == "WEBP"
        assert found.size == expected


def test_a_picture_of_many_pixels_is_no_attack(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert smaller(png(100, 100))


def test_tall_pictures_can_be_enlarged():
    wide, tall = (
        figures_html({"A <b>": (smaller(png(*size)), "c")}) for size in ((90, 30), (30, 90))
    )
    assert "<details" not in wide
    assert "<details class='tall'><summary><img alt='c' width='30' height='90'" in tall
    assert "<b>A &lt;b&gt;</b>" in wide


def test_a_map_stays_inside_its_frame():
    document = '<p title="a">&amp;</p></iframe><script>1</script>'
    html = maps_html(Maps(document, ("a",), "map.html", {"a": "a/map.html"}))
    tags = Tags(html)
    (frame,) = tags.named("iframe")
    assert frame["srcdoc"] == document
    assert frame["title"]
    assert not tags.named("script")
    assert "The same map in a window of its own" in html
    sample = maps_html(Maps(document, ("a",), "map.html", {"a": "a/map.html"}, is_whole=False))
    assert "The whole map in a window of its own" in sample
    more = maps_html(Maps(document, ("a",), "map.html", {"a": "a/map.html", "b": "b/map.html"}))
    assert "The map of all experiments in a window" in more
    assert maps_html(Maps()) == ""


def runs(n_songs=30):
    songs = songs_table(n_songs)
    return {
        name: write_results(name, songs=songs, representation=representation)
        for name, representation in (("one", "vae"), ("two", "ae"), ("three", "pca"))
    }


def test_the_page_has_room_for_as_many_runs_as_fit(monkeypatch, tmp_path):
    folders = runs()
    everything = embedded_map("title", folders, tmp_path)
    assert everything.shown == ("one", "two", "three")
    assert everything.is_whole
    monkeypatch.setattr(embedded, "MOST_DOTS", 65)
    some = embedded_map("title", folders, tmp_path)
    assert some.shown == ("one", "two")
    assert some.is_whole
    assert "three: pca" not in some.document
    assert "shows a sample" not in some.document
    monkeypatch.setattr(embedded, "MOST_DOTS", 20)
    one = embedded_map("title", folders, tmp_path)
    assert one.shown == ("one",)
    assert not one.is_whole
    assert "The map shows a sample: 15 of 30 songs." in one.document


def test_large_pictures_are_left_to_the_map_beside_the_page(monkeypatch, tmp_path):
    monkeypatch.setattr(embedded, "MOST_PICTURE_BYTES", 10)
    found = embedded_map("title", runs(), tmp_path)
    assert "the map in its own window has them" in found.document
    assert '"pictureShape":null' in found.document
    assert not found.is_whole


def test_songs_without_a_projection_have_no_map(tmp_path):
    folder = write_results("run", songs=songs_table(12))
    for name in ("projections", "neighbours"):
        path = folder / f"{name}.parquet"
        pd.read_parquet(path).iloc[:0].to_parquet(path)
    assert embedded_map("title", {"run": folder}, tmp_path).document == ""
