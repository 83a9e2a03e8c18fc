import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
import reportframes as frames

from musicvae_jax import reporting
from musicvae_jax.evaluation import (
    characteristic_terms,
    cluster_cards,
    exemplars,
    tag_terms,
    word_terms,
)
from musicvae_jax.reporting.report import cards as report_cards


@pytest.fixture
def songs():
    """Two clusters of eight songs by the same artists; "mar" and "noite" belong to the first.

    So does the tag "flute"; every song is "slow", except the second of each cluster, without tags.
    """
    rng = np.random.default_rng(0)
    common = ["amor", "vida", "canto", "dia"]
    texts = []
    for i in range(16):
        words = [*rng.permutation(common)[:3], "sempre", *(["mar", "noite"] if i < 8 else ["sol"])]
        texts.append(" ".join(words * (1 + i % 2)))
    return pd.DataFrame(
        {
            "music_id": [f"id-{i}" for i in range(16)],
            "title": [f"Song {i}" for i in range(16)],
            "artist": [f"a{i % 8}" for i in range(16)],
            "artist_name": [f"Artist {i % 8}" for i in range(16)],
            "genre": ["fado"] * 8 + ["samba"] * 6 + [None] * 2,
            "language": "pt",
            "lyrics": texts,
            "musicnn_tags": [
                None if i % 8 == 1 else ("slow", "flute") if i < 8 else ("slow",) for i in range(16)
            ],
        },
        dtype=object,
    )


CLUSTERS = np.repeat([0, 1], 8)


def words(texts, inside, artists):
    return characteristic_terms(word_terms(texts), inside, artists)


def test_planted_words_are_found_and_common_ones_are_not(songs):
    texts = songs["lyrics"].tolist()
    assert sorted(words(texts, CLUSTERS == 0, songs["artist"])) == ["mar", "noite"]
    assert words(texts, CLUSTERS == 1, songs["artist"]) == ["sol"]


def test_terms_of_one_artist_characterise_nothing(songs):
    songs.loc[:7, "artist"] = "one"
    first, _ = cluster_cards(songs, CLUSTERS, np.zeros((16, 2)))
    assert (first.words, first.tags) == ({}, [])


@pytest.mark.parametrize("inside", [np.zeros(2, bool), np.ones(2, bool)])
def test_nothing_sets_all_songs_apart_from_none(inside):
    assert words(["so la", "la la la"], inside, ["a", "b"]) == []


def test_terms_are_what_the_songs_have():
    found = tag_terms([("flute", "female vocal"), ("flute", "flute")])
    assert list(found.names) == ["female vocal", "flute"]
    assert found.present.toarray().tolist() == [[1, 1], [0, 1]]
    found = word_terms(["Oh, mar e mar", "o sol"])
    assert list(found.names) == ["mar", "sol"]
    assert found.present.toarray().tolist() == [[1, 0], [0, 1]]


def test_the_chance_of_a_term_is_that_of_fishers_test_at_a_false_discovery_rate():
    """Six of ten songs outside have the first tag; others differ in how few outside have them."""
    from scipy import stats

    n_outside = {"a": 6, "b": 4, "c": 2, "d": 1, "e": 0}
    tags = [tuple("abcde")] * 8 + [
        tuple(tag for tag, n in n_outside.items() if i < n) for i in range(10)
    ]
    chances = [
        stats.fisher_exact([[8, n], [0, 10 - n]], alternative="greater").pvalue
        for n in n_outside.values()
    ]
    rates = stats.false_discovery_control(chances)
    expected = [tag for tag, rate in zip(n_outside, rates, strict=True) if rate <= 0.05][::-1]
    assert expected == ["e", "d", "c", "b"]
    assert characteristic_terms(tag_terms(tags), np.arange(18) < 8, range(18)) == expected


def test_random_clusters_have_hardly_any_words():
    """Rare and frequent words alike; clusters of songs, of whole artists with their own words, and
    of most songs of every artist, of which one in the cluster is likelier to have any word.

    At a level of .05 for each word it would be hundreds.
    """
    random = np.random.default_rng(0)
    vocabulary = np.array(["".join(random.choice(list("abcdefgh"), 6)) for _ in range(1000)])
    chances = 0.5 / (1 + np.arange(1000) / 20)
    n_with_words = {"songs": 0, "artists": 0, "most": 0}
    for _ in range(20):
        artists = np.repeat(np.arange(40), 4)
        own = chances * random.lognormal(sigma=0.7, size=(40, 1000))
        texts = [" ".join(vocabulary[random.random(1000) < own[a]]) for a in artists]
        alone = [" ".join(vocabulary[random.random(1000) < chances]) for _ in artists]
        songs, whole = random.random(160) < 0.15, np.isin(artists, random.choice(40, 6, False))
        n_with_words["songs"] += bool(words(alone, songs, np.arange(160)))
        n_with_words["artists"] += bool(words(texts, whole, artists))
        n_with_words["most"] += bool(words(alone, random.random(160) < 0.75, artists))
    print(f"random clusters with words, of 20: {n_with_words}")
    assert max(n_with_words.values()) <= 3


def test_texts_without_words_have_none():
    assert words(["1 2", "..."], np.array([True, False]), ["a", "b"]) == []


def test_exemplars_are_the_nearest_to_the_mean():
    x = np.array([[10.0, 0], [0.0, 0.1], [-10.0, 0], [1.0, 0]])
    assert exemplars(x, 2).tolist() == [1, 3]
    assert exemplars(x, 9).tolist() == [1, 3, 0, 2] or exemplars(x, 9).tolist() == [1, 3, 2, 0]


def test_cards_say_what_is_in_clusters(songs):
    x = np.random.default_rng(1).normal(size=(16, 3))
    first, second = cluster_cards(songs, CLUSTERS, x)
    assert (first.cluster, first.size, second.cluster) == (0, 8, 1)
    assert first.labels["genre"] == [("fado", 1.0)]
    assert second.labels["genre"] == [("samba", 0.75)]
    assert first.labels["artist"][0] == ("Artist 0", 0.125)
    assert [music_id for music_id, _, _ in first.exemplars] == [
        f"id-{i}" for i in exemplars(x[:8], 5)
    ]
    assert second.words == {"pt": ["sol"]}
    assert (first.tags, second.tags) == (["flute"], [])


def test_noise_has_no_card_and_nulls_are_no_words(songs):
    songs[["title", "artist_name", "language", "lyrics", "musicnn_tags"]] = None
    (card,) = cluster_cards(songs, np.repeat([-1, 3], 8), np.zeros((16, 2)))
    assert card.cluster == 3
    assert (card.words, card.tags) == ({}, [])
    assert card.labels["language"] == []
    assert card.exemplars[0] == ("id-8", "", "a0")


def test_songs_without_tags_are_not_songs_that_lack_a_tag(songs):
    songs.loc[8:, "musicnn_tags"] = None
    first, second = cluster_cards(songs, CLUSTERS, np.zeros((16, 2)))
    assert (first.tags, second.tags) == ([], [])


def test_words_are_compared_within_their_language(songs):
    """Clusters by language: what sets their languages apart is no characteristic word."""
    songs.loc[8:, "language"] = "es"
    for card in cluster_cards(songs, CLUSTERS, np.zeros((16, 2))):
        assert card.words == {}


@pytest.mark.parametrize("n_clusters", [1, 2, 7, 20])
def test_every_cluster_has_its_spectrum(n_clusters):
    figure = reporting.cluster_spectra(frames.cards("$5", n_clusters), "title")
    figure.draw_without_rendering()
    assert sum(axis.get_visible() for axis in figure.axes) == n_clusters


def test_without_statistics_there_is_no_picture():
    cards = frames.cards()
    for card in cards["clusters"]:
        del card["spectrum_db"]
    assert reporting.cluster_spectra(cards, "title") is None


def test_a_band_far_out_does_not_flatten_the_other_spectra():
    cards = frames.cards()
    loud, quiet = cards["clusters"]
    loud["spectrum_db"], quiet["spectrum_db"] = [100.0] + [2.0] * 99, [2.0] * 100
    html = reporting.cards_html(cards)
    assert "the edges are 2.0 dB away, and what is beyond is cut off" in html
    assert html.count("points='0,0 0,24.0 2,24.0") == 2


def test_the_spectra_in_html_share_one_scale(monkeypatch):
    monkeypatch.setattr(report_cards, "_WITHIN", 1.0)
    cards = frames.cards()
    loud, quiet = cards["clusters"]
    loud["spectrum_db"], quiet["spectrum_db"] = [4.0, -2.0, 0.0], [1.0, -1.0, 1.0]
    quiet["size"] = 1
    about, first, second = reporting.cards_html(cards).split("<article")
    # Half of the height is 24 pixels and 4 dB.
    assert "points='0,0 0,24.0 2,0.0 4,0.0 4,0'" in first
    assert "points='0,0 0,0.0 2,-12.0 4,0.0 4,0'" in first
    assert "points='0,0 0,6.0 2,0.0 4,6.0 4,0'" in second
    assert "the edges are 4.0 dB away" in about
    assert "aria-label='Mean spectrum against all songs: low louder, middle softer'" in first
    assert "<h3>Cluster 1</h3><p class='size'>1 song, " in second


def test_flat_spectra_and_none_have_no_scale():
    cards = frames.cards()
    cards["clusters"][0]["spectrum_db"] = [0.0, 0.0]
    del cards["clusters"][1]["spectrum_db"]
    assert reporting.cards_html(cards).count("<svg class='spectrum'") == 1


def text_of(html):
    """What readers see of HTML, unescaped, with single spaces."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


def test_html_is_escaped_and_leaves_out_what_is_empty():
    html = reporting.cards_html(frames.cards("<i>"))
    assert "<i>" not in html
    assert html.count("<article") == 2
    text = text_of(html)
    assert "Genres <i> 60% Languages pt 100% Artists <i> 20%" in text
    assert "Exemplars <i> Ana & Bia id-2" in text
    assert "Distinctive words pt: amor <i>" in text
    assert "Distinctive tags piano <i>" in text
    assert "<p lang='pt'>" in html
    cards = frames.cards()
    for card in cards["clusters"]:
        card |= {"tags": [], "words": {}, "labels": {kind: [] for kind in card["labels"]}}
    text = text_of(reporting.cards_html(cards))
    for absent in ("tags", "words", "Genres", "Languages", "Artists"):
        assert absent not in text


def test_the_largest_clusters_come_first_and_hundreds_are_folded():
    cards = frames.cards(n_clusters=200)
    for card in cards["clusters"]:
        card["size"] = 1 + card["cluster"]
    html = reporting.cards_html(cards)
    found = [int(n) for n in re.findall(r"<h3>Cluster (\d+)</h3>", html)]
    assert found == list(range(199, -1, -1))
    shown, folded = html.split("<details><summary>176 smaller clusters</summary>")
    assert shown.count("<article") == 24
    assert folded.count("<article") == 176


def test_a_language_that_is_no_code_is_no_attribute():
    cards = frames.cards()
    for card in cards["clusters"]:
        card["words"] = {"Old 'Norse'": ["hestr"]}
    html = reporting.cards_html(cards)
    assert "lang=" not in html
    assert "Old 'Norse': hestr" in text_of(html)
