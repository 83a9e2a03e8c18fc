import base64
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import reportframes as frames
from rich.console import Console

from musicvae_jax import reporting
from musicvae_jax.reporting.style import folded, is_label_free, leak_mark, mean_and_std


def printed(table):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def answers(rows, **changes):
    """Of rows of metrics.csv; changes are columns of spaces.csv."""
    return reporting.answers(rows, frames.spaces(rows).assign(**changes))


def line(table_text, name):
    return next(line for line in table_text.splitlines() if line.startswith(f"│ {name}"))


def cells(table_text, name):
    return [cell.strip() for cell in line(table_text, name).split("│")[1:-1]]


@pytest.mark.parametrize(
    ("seen", "derivable", "marks"),
    [
        ("", "", ["", ""]),
        (np.nan, np.nan, ["", ""]),
        ("genre", "", ["†", ""]),
        ("genre language", np.nan, ["†", "†"]),
        ("genre", "language", ["†", "‡"]),
    ],
)
def test_marks_of_what_was_given_and_of_what_follows(seen, derivable, marks):
    row = {"labels_seen": seen, "labels_derivable": derivable}
    kinds = ["genre", "ami_language"]
    assert [leak_mark(row, kind) for kind in kinds] == marks
    assert [is_label_free(row, kind) for kind in kinds] == [not mark for mark in marks]


@pytest.mark.parametrize(
    ("mean", "std", "digits", "text"),
    [
        (0.5124, 0.0041, 3, "0.512 ±.004"),
        (12.34, 1.26, 1, "12.3 ±1.3"),
        (-0.012, np.nan, 3, "-0.012"),
        (np.nan, np.nan, 3, ""),
    ],
)
def test_mean_and_deviation_as_text(mean, std, digits, text):
    assert mean_and_std(mean, std, digits) == text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("run:\na+b, n=5", ["run:", "a+b, n=5"]),
        ("one+two+seven", ["one+two+", "seven"]),
        ("no_place_to_break", ["no_place_t", "o_break"]),
    ],
)
def test_folded_text_is_whole_and_fits(text, lines):
    assert folded(text, 10).splitlines() == lines


def test_summary_by_hand():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.4, 0.6]),
        *frames.over_seeds([0.2, 0.2, 0.2], representation="pca", role="baseline", n_clusters=6),
        frames.scored(clusterer="dbscan"),
    )
    rows.loc[1, "n_clusters"] = 9
    found = frames.summary(rows, low=0.2, p_value=[0.001, 0.5, 0.002, 0.3, 0.3, 0.3])
    assert found["representation"].tolist() == ["vae", "pca"]
    assert found["n_clusters"].tolist() == ["4-9", "6"]
    vae, pca = (row for _, row in found.iterrows())
    assert vae["ami_genre_mean"] == pytest.approx(0.5)
    assert vae["ami_genre_std"] == pytest.approx(0.1)
    assert vae[["genre_low", "p_value", "p_value_artists"]].tolist() == pytest.approx(
        [0.2, 0.5, 0.034]
    )
    assert (vae["one_per_artist_mean"], vae["one_per_artist_std"]) == (0.25, 0.0)
    assert vae["language_probe_mean"] == pytest.approx(0.4)
    # Differences .3, .2 and .4: a t value of 5.2 with two degrees of freedom.
    assert vae["against_pca"] == "better"
    assert vae["difference_to_pca"] == pytest.approx(0.3)
    assert pca["against_pca"] == ""


def test_what_knows_the_genre_is_not_compared_with_pca():
    pca = frames.over_seeds([0.2, 0.21], representation="pca", role="baseline")
    for mark in frames.MARKS:
        rows = frames.metrics(*frames.over_seeds([0.5, 0.51], **{mark: "genre"}), *pca)
        assert frames.summary(rows)["against_pca"].tolist() == ["", ""]


def test_a_summary_without_genres_has_no_evidence():
    rows = frames.metrics(frames.scored(ami_genre=np.nan))
    nothing = pd.DataFrame(columns=["experiment", "representation", "label", "score"])
    spaces = frames.spaces(rows)
    found = reporting.summary(rows, nothing, spaces)
    assert found[["genre_low", "null_high", "p_value", "one_per_artist_mean"]].isna().all(axis=None)
    assert cells(printed(reporting.score_table(found, "title")), "vae")[4:8] == [""] * 4


def test_terminal_table_has_means_deviations_and_the_range_of_k():
    # Deviation with one degree of freedom less: sqrt(0.005 / 1) = 0.0707.
    rows = frames.over_seeds([0.5, 0.4], representation="vae")
    rows[1]["n_clusters"] = 6
    rows += [frames.scored(representation="pca", ami_language=np.nan)]
    text = printed(reporting.score_table(frames.summary(frames.metrics(*rows)), "title"))
    assert cells(text, "vae")[:5] == ["vae", "4-6", "0.100 ±.000", "0.050 ±.000", "0.450 ±.071"]
    assert cells(text, "pca") == [
        *("pca", "4", "0.100", "0.050", "0.300", "0.20 to 0.40", "0.012", "0.250"),
        *("", "0.400"),
    ]


def test_terminal_table_shows_kmeans_of_scope_all_and_keeps_experiments_apart():
    rows = frames.metrics(
        frames.scored("easy_vae", "raw", ami_genre=0.11),
        frames.scored("easy_pca", "raw", ami_genre=0.22),
        frames.scored(representation="raw", clusterer="dbscan", ami_genre=0.33),
        frames.scored(representation="raw", clusterer="dbscan", scope="clustered", ami_genre=0.44),
    )
    kmeans = printed(reporting.score_table(frames.summary(rows), "title"))
    assert re.findall(r"0\.(11|22|33|44)0", kmeans) == ["11", "22"]


def test_a_label_that_is_known_is_marked_and_explained():
    rows = frames.metrics(
        frames.scored(representation="cvae", labels_seen="genre", labels_derivable="language"),
        frames.scored(representation="both", labels_seen="genre language", ami_language=np.nan),
        frames.scored(representation="pca"),
    )
    text = printed(reporting.score_table(frames.summary(rows), "title"))
    marks = "".join(cell[-1:] if cell[-1:] in "†‡" else "." for cell in cells(text, "cvae"))
    assert marks == "....††.†‡‡"
    assert cells(text, "both")[-2] == "", "nothing was scored, so nothing leaked"
    assert not set("†‡") & set(line(text, "pca"))
    assert "† the representation was given this label; ‡ it follows from what" in text


@pytest.mark.parametrize("nothing", ["", np.nan])
def test_without_a_leak_there_is_no_mark(nothing):
    rows = pd.DataFrame([frames.scored(labels_seen=nothing, labels_derivable=nothing)])
    assert "†" not in printed(reporting.score_table(frames.summary(rows), "title"))


def test_titles_are_not_markup():
    assert "songs [live]" in printed(
        reporting.score_table(frames.summary(frames.metrics(frames.scored())), "songs [live]")
    )


def test_suite_table_by_hand():
    first = frames.metrics(
        *frames.over_seeds([0.1, 0.3, 0.8], n_clusters=5),
        *frames.over_seeds(
            [0.25], representation="cvae", role="own", labels_seen="genre", silhouette=np.nan
        ),
    )
    second = frames.metrics(
        frames.scored("easy_pca", "pca", role="baseline", clusterer="dbscan", noise_share=0.2),
        frames.scored(
            "easy_pca", "pca", 1, role="baseline", clusterer="dbscan", noise_share=0.4, n_songs=90
        ),
        frames.scored("easy_pca", "pca", clusterer="dbscan", scope="clustered"),
    )
    second.loc[1, "n_clusters"] = 9
    table = reporting.suite_table([first, second])
    methods = ["experiment", "representation", "clusterer", "scope"]
    assert table[methods].to_numpy().tolist() == [
        ["easy_vae", "vae", "kmeans", "all"],
        ["easy_vae", "cvae", "kmeans", "all"],
        ["easy_pca", "pca", "dbscan", "all"],
        ["easy_pca", "pca", "dbscan", "clustered"],
    ]
    assert table["n_seeds"].tolist() == [3, 1, 2, 1]
    assert table["n_clusters"].tolist() == ["5", "4", "4-9", "4"]
    assert table["n_songs"].tolist() == ["100", "100", "90-100", "100"]
    assert table["role"].tolist() == ["own", "own", "baseline", "own"]
    assert table["labels_seen"].tolist() == ["", "genre", "", ""]
    assert table["noise_share"].tolist() == pytest.approx([0, 0, 0.3, 0])
    # Mean 0.4; squared distances 0.09, 0.01 and 0.16 over 2.
    assert table["ami_genre_mean"][0] == pytest.approx(0.4)
    assert table["ami_genre_std"][0] == pytest.approx(np.sqrt(0.13))
    assert table["ami_genre_mean"][1] == 0.25
    assert np.isnan(table["ami_genre_std"][1])
    assert np.isnan(table["silhouette_mean"][1])
    assert {"purity_artist_mean", "davies_bouldin_std", "nmi_language_mean"} <= set(table)


# Scores over seeds of two representations.
ABOVE = ([0.5, 0.52], [0.1, 0.12])
BELOW = ([0.1, 0.12], [0.5, 0.52])
WITHIN = ([0.3, 0.5], [0.45, 0.25])
ONE_SEED = ([0.5], [0.1])


@pytest.mark.parametrize(
    ("vae", "other", "answer"),
    [
        (*ABOVE, "Yes:"),
        (*BELOW, "No:"),
        (*WITHIN, "No difference at these seeds:"),
        (*ONE_SEED, "Cannot be said from one seed:"),
    ],
)
@pytest.mark.parametrize(("baseline", "name"), [("pca", "PCA"), ("raw", "the raw features")])
def test_each_verdict_on_the_vae(vae, other, answer, baseline, name):
    rows = frames.metrics(
        *frames.over_seeds(vae),
        *frames.over_seeds(other, representation=baseline, role="baseline"),
    )
    sentence = answers(rows)[0]
    assert sentence.startswith(f"Does the VAE beat {name} on genre here? {answer} AMI ")


def test_an_answer_gives_means_difference_and_spread():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.52]),
        *frames.over_seeds([0.1, 0.12], representation="pca", role="baseline"),
    )
    assert answers(rows)[0] == (
        "Does the VAE beat PCA on genre here? Yes: AMI 0.510 ±.014 for the VAE, 0.110 ±.014 for "
        "PCA; over seeds the difference is +0.400 (p < 0.001, 95 % interval +0.400 to +0.400)."
    )
    one_seed = rows[rows["seed"] == 0]
    assert answers(one_seed)[0].endswith("AMI 0.500 for the VAE, 0.100 for PCA.")


@pytest.mark.parametrize(
    ("fused", "part", "words"),
    [
        (*ABOVE, "beats the"),
        (*BELOW, "is worse than the"),
        (*WITHIN, "is at these seeds no different from the"),
        (*ONE_SEED, "cannot be compared from one seed with the"),
    ],
)
def test_each_verdict_on_fusion(fused, part, words):
    rows = frames.metrics(
        *frames.over_seeds(fused, "medium_hybrid", "conv_vae+lyrics"),
        *frames.over_seeds(part, "medium_hybrid", "conv_vae", role="baseline"),
        *frames.over_seeds([0.01] * len(part), "medium_hybrid", "lyrics", role="baseline"),
    )
    sentence = next(s for s in answers(rows) if s.startswith("conv_vae+lyrics"))
    assert sentence.startswith(f"conv_vae+lyrics (medium_hybrid) {words} ")
    assert "on genre, conv_vae: AMI " in sentence


def test_the_best_of_the_label_free():
    rows = frames.metrics(
        frames.scored("hard_cvae", "cvae", ami_genre=0.9, ami_language=0.1, labels_seen="genre"),
        frames.scored("easy_vae", "vae", ami_genre=0.4, ami_language=0.2),
        frames.scored("easy_pca", "pca", ami_genre=0.2, ami_language=0.3),
        frames.scored("easy_spectral", "raw", ami_genre=np.nan, ami_language=0.05),
    )
    assert answers(rows) == [
        "Of 2 representations of 100 songs that were not given the genre, vae (easy_vae) has the "
        "highest genre AMI, 0.400.",
        "Of 4 representations of 100 songs that were not given the language, pca (easy_pca) has "
        "the highest language AMI, 0.300.",
    ]


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        ([0.21, 0.23], "Yes: a linear probe has balanced accuracy 0.220 ±.014 on the latents of "),
        ([0.51, 0.53], "No: a linear probe has "),
        ([0.39, 0.42], "Not at these seeds: a linear probe has "),
        ([0.21], "Cannot be said from one seed: a linear probe has "),
    ],
)
def test_what_telling_the_decoder_the_language_takes_out_of_the_latents(told, answer):
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.52][: len(told)]),
        *frames.over_seeds(
            [0.4, 0.43][: len(told)],
            "hard_cvae_language",
            "cvae_language",
            labels_seen="language",
        ),
    )
    said = answers(rows, language_probe=[0.4, 0.41][: len(told)] + told)
    (sentence,) = (one for one in said if "decoder" in one)
    assert f"out of the latents? {answer}" in sentence
    assert "on the VAE's (chance 0.125)" in sentence
    assert ("Their genre AMI is 0.415 ±.021 and 0.510 ±.014; over seeds" in sentence) == (
        len(told) == 2
    )
    without = answers(rows, language_probe=np.nan)
    assert not any("decoder" in one for one in without)


def about(rows, label):
    return " ".join(s for s in answers(frames.metrics(*rows)) if label in s)


@pytest.mark.parametrize("label", ["genre", "language"])
def test_a_leak_is_never_best_nor_compared_on_its_label(label):
    other = {"genre": "language", "language": "genre"}[label]
    score = f"ami_{label}"
    rows = [
        *frames.over_seeds([0.3, 0.31], "medium_hybrid", "fused", score),
        *frames.over_seeds([0.9, 0.91], "medium_hybrid", "told", score, labels_seen=label),
        *frames.over_seeds([0.2, 0.21], "medium_hybrid", "part", score, role="baseline"),
        *frames.over_seeds(
            [0.8, 0.81], "medium_hybrid", "told part", score, role="baseline", labels_seen=label
        ),
        *frames.over_seeds([0.7, 0.71], "easy_vae", "vae", score, labels_seen=label),
        *frames.over_seeds([0.1, 0.11], "easy_vae", "pca", score, role="baseline"),
    ]
    said = about(rows, label)
    assert "told" not in said
    assert "Does the VAE beat" not in said
    assert re.search(r"fused \(medium_hybrid\) beats .*, part: AMI", said)
    assert "fused (medium_hybrid) has the highest" in said
    assert "told" in about(rows, other), "the other label was not given"


def test_only_the_same_songs_are_compared():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.51], "medium_hybrid", "fused", n_songs=60),
        *frames.over_seeds([0.2, 0.21], "medium_hybrid", "lyrics", role="baseline", n_songs=60),
        *frames.over_seeds([0.8, 0.81], "easy_vae", "pca", role="baseline", n_songs=100),
        *frames.over_seeds([0.7, 0.71], "easy_vae", "vae", n_songs=100),
    )
    genre = [s for s in answers(rows) if "genre" in s]
    assert any("fused (medium_hybrid) beats" in s and "lyrics: AMI" in s for s in genre)
    best = [s for s in genre if "highest" in s]
    assert [s.split(" that ")[0] for s in best] == [
        "Of 2 representations of 60 songs",
        "Of 2 representations of 100 songs",
    ]
    assert "fused" in best[0]
    assert "pca" in best[1]


def test_a_vae_on_other_songs_than_its_baseline_is_not_compared():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.51], n_songs=60),
        *frames.over_seeds([0.2, 0.21], representation="pca", role="baseline"),
    )
    assert not any("beat" in s for s in answers(rows))


def test_other_clusterers_and_scopes_say_nothing():
    rows = frames.metrics(
        frames.scored(clusterer="gmm"),
        frames.scored(representation="pca", clusterer="gmm"),
        frames.scored(scope="clustered"),
        frames.scored(representation="pca", scope="clustered"),
    )
    assert answers(rows) == ["No experiment of these suites has scores to compare."]


def test_scores_that_are_all_undefined_say_nothing():
    nothing = {"ami_genre": np.nan, "ami_language": np.nan}
    rows = frames.metrics(
        frames.scored(**nothing), frames.scored(representation="pca", role="baseline", **nothing)
    )
    assert answers(rows) == ["No experiment of these suites has scores to compare."]


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


def suite_tables(rows):
    return reporting.SuiteTables(frames.summary(rows), reporting.suite_table([rows]))


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
        {"easy": suite_tables(rows)},
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
        *("0.300†", "0.20 to 0.40†", "0.250†", "0.450†", "0.350†")
    ]
    headings = re.findall("<th.*?>(.*?)</th>", html.split("<details>")[1])
    cells = dict(zip(headings, re.findall("<td.*?>(.*?)</td>", scores), strict=True))
    found = [cells[f"genre {name}"] for name in ("AMI", "NMI", "ARI", "purity")]
    assert found == ["0.300†", "", "0.200†", "0.600†"]
    assert cells["language AMI"] == "0.300"
    assert "0.450 ±.071" in html
    assert "† the representation was given this label; ‡ it follows from" in html


def test_a_page_without_leaks_does_not_speak_of_them():
    tables = suite_tables(frames.metrics(frames.scored()))
    assert "†" not in reporting.page("title", {}, {}, [], {"easy": tables}, {}, {}, {})
