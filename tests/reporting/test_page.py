import base64
import io
import re
from collections import Counter
from itertools import count, pairwise

import numpy as np
import pandas as pd
import pytest
import reportframes as frames
from htmltags import Tags
from PIL import Image

from musicvae_jax import reporting
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.reporting.report.figures import smaller
from musicvae_jax.reporting.suite_report import _about_data


def suite_tables(rows, *compared):
    return reporting.SuiteTables(frames.summary(rows, *compared), reporting.suite_table([rows]))


def picture(width=40, height=20):
    found = io.BytesIO()
    Image.new("RGBA", (width, height), "white").save(found, "PNG")
    return smaller(found.getvalue())


def page(rows, *compared, **contents):
    """Of one suite; contents are fields of `Contents`."""
    tables = {"easy": suite_tables(rows, *compared)}
    return reporting.page(reporting.Contents("title", tables)._replace(**contents))


@pytest.fixture
def html():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.4], representation="vae"),
        frames.scored(representation="<b>", role="baseline", labels_seen="genre", nmi_genre=np.nan),
        frames.scored(clusterer="dbscan", noise_share=0.25, n_clusters=3),
        frames.scored(clusterer="dbscan", scope="clustered", n_songs=75),
    )
    return page(
        rows,
        frames.compared(verdict="negligible", difference=0.012),
        title="R&B & <b>",
        about_data={"<b>genre": "<i>rock</i>"},
        alarms={"<i>vae": ["collapse & <b>cure</b>"], "pca": []},
        answers=["Is 1 < 2 & 3?"],
        cards={"easy_vae": frames.cards("<b>")},
        figures={"<u>": (picture(), 'it\'s "<b>"')},
        maps=reporting.Maps(whole="a&b.html", single={"<u>": "<u>/map.html"}),
        about_run={"versions": "<script>"},
    )


def table_rows(html):
    """Rows of the table that is not folded, without headings and numbers of songs."""
    (table,) = re.findall("<table class='scores'.*?</table>", html, re.DOTALL)
    return re.findall(r"<tr role='row' class='(?:model|baseline).*?</tr>", table, re.DOTALL)


def fold(html, summary):
    """What is folded below a line, without what is folded in it."""
    return html.split(f"<summary>{summary}</summary>")[1].split("</details>")[0]


def test_the_page_needs_nothing_but_itself(html):
    assert not re.search(r"https?:|//", html.replace(base64.b64encode(picture()).decode(), ""))
    tags = Tags(html)
    assert not tags.open
    assert not tags.named("script") + tags.named("link") + tags.named("iframe")
    (image,) = tags.named("img")
    kind, data = image["src"].split(",")
    assert kind == "data:image/webp;base64"
    assert base64.b64decode(data) == picture()
    (policy,) = (one["content"] for one in tags.named("meta") if "http-equiv" in one)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_parts_are_in_the_order_in_which_people_read_them(html):
    tags = Tags(html)
    levels = [int(name[1]) for name, _ in tags.tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    headings = re.findall("<h2>(.*?)</h2>", html)
    assert headings == ["Map", "Scores", "Clusters", "Figures", "More"]
    assert html.count("<div class='opening'>") == 1
    (opening,) = re.findall("<div class='opening'>.*?</div>", html)
    assert opening.count("<p>") == 3
    assert html.index("class='alarms'") < html.index(opening) < html.index("<h2>Map</h2>")
    assert all(head.get("scope") for head in tags.named("th"))


def test_alarms_come_first_in_a_box_and_no_alarm_is_no_box(html):
    box = "<aside class='alarms' aria-label='Alarms'><details><summary>Doubtful: &lt;i&gt;vae"
    assert html.index(box) < html.index("<div class='opening'>")
    assert "<li><strong>&lt;i&gt;vae</strong>: collapse" in fold(html, "Doubtful: &lt;i&gt;vae")
    for alarms in ({}, {"easy_vae": []}):
        assert "aside" not in page(frames.metrics(frames.scored()), alarms=alarms)


def test_everything_on_the_page_is_escaped(html):
    tags = Tags(html)
    # The only bold text is the name of a figure.
    assert len(tags.named("b")) == 1
    assert not tags.named("i") + tags.named("u")
    assert tags.named("img")[0]["alt"] == 'it\'s "<b>"'
    assert html.count("<h1>R&amp;B &amp; &lt;b&gt;</h1>") == 1
    assert [one["href"] for one in tags.named("a")] == ["a&b.html", "<u>/map.html"]
    for text in ("Is 1 &lt; 2 &amp; 3?", "<dt>&lt;b&gt;genre</dt><dd>&lt;i&gt;rock&lt;/i&gt;</dd>"):
        assert text in html
    assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", html)


def test_the_page_shows_kmeans_and_folds_the_other_clusterers(html):
    assert len(table_rows(html)) == 2
    folded = fold(html, "Other clusterers")
    assert ">dbscan" not in html.replace(folded, "")
    assert folded.count("<tr class=") == 2
    assert ">25%</td>" in folded
    assert ">dbscan, clustered songs<" in folded
    assert "Other clusterers" not in page(frames.metrics(frames.scored()))


def cells(row):
    """Name of a cell to its text."""
    found = re.findall(r"<td role='cell' class='(\w+).*?>(.*?)</td>", row)
    return {name: re.sub(r"<.*?>", "", text).strip() for name, text in found}


def test_the_page_marks_and_explains_leaks(html):
    vae, leak = map(cells, table_rows(html))
    assert vae["genre"] == "0.450 ±.071 0.20 to 0.40"
    assert vae["against"] == "≈ negligible +0.012 PCA"
    assert vae["artists"] == "0.250 ±.000"
    assert vae["mark"] == ""
    assert leak["genre"] == "0.300 0.20 to 0.40"
    assert leak["mark"] == "† genre given"
    hollow = re.findall("class='(\\w+) leak'", table_rows(html)[1])
    assert hollow == ["genre", "artists"]
    genres = fold(html, "Agreement with genres, K-Means").split("<tr class='baseline'>")[1]
    marked = re.findall("<td>([^<]*)†</td>", genres)
    assert marked == ["0.200", "0.600", "0.700", "0.55 / 0.62", "0.450", "0.350"]
    reading = re.sub("<.*?>", "", fold(html, "How to read the scores"))
    assert "† the representation was given this label; ‡ it follows from" in reading


def test_a_page_without_leaks_does_not_speak_of_them():
    assert "†" not in page(frames.metrics(frames.scored()))


def unique(table, numbers):
    """The table with other numbers between 0 and 1 in its float columns, all different."""
    floats = table.select_dtypes(float).columns
    return table.assign(**{name: [next(numbers) for _ in range(len(table))] for name in floats})


def test_no_number_is_in_two_places():
    numbers = (n / 10_000 for n in count(1003, 20))
    rows = frames.metrics(
        frames.scored(),
        frames.scored(representation="pca", role="baseline"),
        frames.scored(clusterer="gmm"),
    )
    evidence, spaces = frames.significance(rows), frames.spaces(rows)
    metrics, evidence, spaces = (unique(one, numbers) for one in (rows, evidence, spaces))
    compared = unique(frames.comparisons(frames.compared()), numbers)
    compared = compared.assign(labels_seen=np.nan, labels_derivable=np.nan)
    for name in ("labels_seen", "labels_derivable"):
        metrics = metrics.assign(**{name: np.nan})
    metrics = metrics.assign(noise_share=0.0)
    summary = reporting.summary(metrics, evidence, spaces, compared)
    experiments = [one.experiment for one in EXPERIMENTS.values()]
    answers = reporting.answers(experiments, metrics, spaces, compared)
    assert any(re.search(r"\d\.\d{3}", sentence) for sentence in answers)
    tables = {"easy": reporting.SuiteTables(summary, reporting.suite_table([metrics]))}
    html = reporting.page(reporting.Contents("title", tables, answers=answers))
    # The opening may cite the table, and a bar is drawn from its number.
    html = re.sub("<style>.*?</style>|<svg.*?</svg>|<div class='opening'>.*?</div>", "", html)
    text = re.sub("<[^>]*>", " ", html)
    found = Counter(re.findall(r"(?<![\d.])\d\.\d{3}(?!\d)", text))
    assert len(found) > 40
    assert [number for number, n in found.items() if n > 1] == []


def test_the_cards_are_those_of_the_best_model_and_of_any_other_without_it():
    rows = frames.metrics(frames.scored(ami_genre=0.2), frames.scored("hard_ae", "ae"))
    both = {name: frames.cards(name) for name in ("easy_vae", "hard_ae")}
    html = page(rows, cards=both)
    shown, folded = html.split("<summary>Clusters of the other experiments</summary>")
    assert ">hard_ae</span>" in shown.split("<h2>Clusters</h2>")[1]
    assert "<summary>easy_vae</summary>" in folded
    alone = page(rows, cards={"easy_vae": both["easy_vae"]})
    assert "<h2>Clusters</h2>" in alone
    assert "Clusters of the other experiments" not in alone


def test_cards_of_another_model_than_the_best_say_so():
    rows = frames.metrics(
        frames.scored("hard_beta_vae", "beta_vae_4", ami_genre=0.5),
        frames.scored("hard_beta_vae", "vae", ami_genre=0.2),
    )
    cards = {"hard_beta_vae": frames.cards()}
    text = re.sub("<.*?>", "", page(rows, cards=cards))
    note = "These are not the clusters of beta_vae_4: cards are made only of the first model of "
    assert f"{note}each experiment, here of hard_beta_vae." in text
    swapped = rows.assign(ami_genre=[0.2, 0.5])
    assert "These are not" not in page(swapped, cards=cards)


def test_alarms_of_the_best_model_are_beside_its_certainty():
    rows = frames.metrics(frames.scored())
    for alarms, n in (({"easy_vae": ["collapse"]}, 1), ({"easy_vae": []}, 0), ({"a": ["b"]}, 0)):
        assert page(rows, alarms=alarms).count("doubtful, see above") == n


@pytest.mark.parametrize(("noise", "expected"), [(0.25, True), (0.0, False)])
def test_noise_is_explained_where_there_is_any(noise, expected):
    other = frames.scored(clusterer="dbscan", noise_share=noise)
    text = re.sub("<.*?>", "", page(frames.metrics(frames.scored(), other)))
    assert ("left as noise count as one more cluster" in text) == expected


def test_songs_without_labels_and_a_suite_of_one_experiment():
    nothing = {f"{name}_{label}": np.nan for name in frames.SCORES for label in frames.LABELS}
    rows = frames.metrics(frames.scored(**nothing))
    no_evidence = pd.DataFrame(columns=["experiment", "representation", "label", "score"])
    spaces = frames.spaces(rows)
    spaces[spaces.columns.difference(frames.ABOUT)] = np.nan
    summary = reporting.summary(rows, no_evidence, spaces, frames.comparisons())
    tables = {"easy": reporting.SuiteTables(summary, reporting.suite_table([rows]))}
    html = reporting.page(reporting.Contents("title", tables))
    (row,) = map(cells, table_rows(html))
    assert row == {"k": "4", "silhouette": "0.100"}
    assert re.findall("<h2>(.*?)</h2>", html) == ["Scores", "More"]
    assert "fewer than two genres are known" in html
    shape = fold(html, "Shape of the clusters, K-Means")
    assert ">silhouette<" not in shape
    # These would be tables of nothing but names.
    assert "Agreement with genres" not in html
    assert "Languages and artists" not in html


def test_representations_on_other_songs_are_apart_and_most_baselines_wait_for_the_switch():
    rows = frames.metrics(
        frames.scored(ami_genre=0.4),
        *(
            frames.scored(representation=f"whitened_pca_{n}", role="baseline", silhouette=n / 100)
            for n in (16, 32)
        ),
        frames.scored("medium_hybrid", "fused", n_songs=60, ami_genre=0.9),
    )
    html = page(rows)
    groups = re.findall(r"colspan='\d'>(.*?)</th>", html)
    assert groups == ["100 songs", "60 songs"]
    assert [re.search("class='(.*?)'", row)[1] for row in table_rows(html)] == [
        *("model", "baseline", "baseline more", "model")
    ]
    assert "Show 1 more baseline</label>" in html


@pytest.mark.parametrize(
    ("artists", "how"), [(7, "by artists that training lacks"), (0, "by song, without artists")]
)
def test_the_page_says_how_songs_were_held_out(artists, how):
    data = {"path": "a.parquet", "fingerprint": "0" * 64, "songs": 9, "rejected": 1, "rows": 10}
    data |= {"heldout_songs": 2, "with_lyrics": 5, "genres": 3, "languages": 2, "artists": artists}
    assert _about_data(data)["held out of training"] == f"2 songs, {how}"
