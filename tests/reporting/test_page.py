import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import reportframes as frames

from musicvae_jax import reporting
from musicvae_jax.reporting.suite_report import _about_data


class Tags(HTMLParser):
    """Every tag with its attributes, and whether each is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def suite_tables(rows, *compared):
    return reporting.SuiteTables(frames.summary(rows, *compared), reporting.suite_table([rows]))


PNG = b"\x89PNG not really"


@pytest.fixture
def html():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.4], representation="vae"),
        frames.scored(representation="<b>", role="baseline", labels_seen="genre", nmi_genre=np.nan),
        frames.scored(clusterer="dbscan", noise_share=0.25, n_clusters=3),
        frames.scored(clusterer="dbscan", scope="clustered", n_songs=75),
    )
    return reporting.page(
        "R&B & <b>",
        {"<b>genre": "<i>rock</i>"},
        {"<i>vae": ["collapse & <b>cure</b>"], "pca": []},
        ["Is 1 < 2 & 3?"],
        {"easy": suite_tables(rows, frames.compared(verdict="negligible", difference=0.012))},
        {"easy_vae": frames.cards("<b>")},
        {"<u>": (PNG, 'it\'s "<b>"')},
        {"versions": "<script>"},
    )


def test_the_page_needs_nothing_but_itself(html):
    assert not re.search(r"https?:|//", html.replace(base64.b64encode(PNG).decode(), ""))
    tags = Tags(html)
    assert not tags.open
    assert not tags.named("script") + tags.named("link")
    (image,) = tags.named("img")
    kind, data = image["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PNG


def test_alarms_come_first_in_a_box_and_no_alarm_is_no_box(html):
    box = "<aside class='alarms'><h2>Alarms</h2><ul><li><strong>&lt;i&gt;vae</strong>: collapse"
    assert html.index(box) < html.index("What the numbers say")
    assert html.count("<li><strong>") == 1
    tables = suite_tables(frames.metrics(frames.scored()))
    for alarms in ({}, {"easy_vae": []}):
        quiet = reporting.page("title", {}, alarms, [], {"easy": tables}, {}, {}, {})
        assert "aside" not in quiet


def test_everything_on_the_page_is_escaped(html):
    tags = Tags(html)
    # The only bold text is the name of a figure.
    assert len(tags.named("b")) == 1
    assert not tags.named("i") + tags.named("u")
    assert tags.named("img")[0]["alt"] == 'it\'s "<b>"'
    assert html.count("<h1>R&amp;B &amp; &lt;b&gt;</h1>") == 1
    for text in ("Is 1 &lt; 2 &amp; 3?", "<dt>&lt;b&gt;genre</dt><dd>&lt;i&gt;rock&lt;/i&gt;</dd>"):
        assert text in html
    assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", html)


def test_the_page_shows_kmeans_and_folds_the_other_clusterers(html):
    before, scores, between, folded, after, *_ = re.split("<details>|</details>", html)
    assert "dbscan" not in before + scores + between + after
    assert before.count("<tr class=") == scores.count("<tr class=") == 2
    assert folded.count("<tr class=") == 4
    assert "<summary>Every clusterer</summary>" in folded
    assert ">25%</td>" in folded
    assert "dbscan, clustered songs" in folded


def test_the_page_marks_and_explains_leaks(html):
    summary, scores = (
        re.search("<tr class='baseline'>.*?</tr>", part)[0] for part in html.split("<details>")[:2]
    )
    assert re.findall("<td.*?>([^<]*†)</td>", summary) == [
        *("0.300†", "0.20 to 0.40†", "0.55 / 0.62†", "0.250†", "0.450†", "0.350†")
    ]
    headings = re.findall("<th.*?>(.*?)</th>", html.split("<details>")[1])
    cells = dict(zip(headings, re.findall("<td.*?>(.*?)</td>", scores), strict=True))
    found = [cells[f"genre {name}"] for name in ("AMI", "NMI", "ARI", "purity")]
    assert found == ["0.300†", "", "0.200†", "0.600†"]
    assert cells["language AMI"] == "0.300"
    assert "0.450 ±.071" in html
    assert "<td>+0.012, negligible</td>" in html
    assert "† the representation was given this label; ‡ it follows from" in html


def test_a_page_without_leaks_does_not_speak_of_them():
    tables = suite_tables(frames.metrics(frames.scored()))
    assert "†" not in reporting.page("title", {}, {}, [], {"easy": tables}, {}, {}, {})


@pytest.mark.parametrize(
    ("artists", "how"), [(7, "by artists that training lacks"), (0, "by song, without artists")]
)
def test_the_page_says_how_songs_were_held_out(artists, how):
    data = {"path": "a.parquet", "sha256": "0" * 64, "songs": 9, "rejected": 1, "rows": 10}
    data |= {"heldout_songs": 2, "with_lyrics": 5, "genres": 3, "languages": 2, "artists": artists}
    assert _about_data(data)["held out of training"] == f"2 songs, {how}"
