import numpy as np
import pytest
from songfiles import songs_table, write

from musicvae_jax.config import BLOCKS, Experiment, FeatureConfig, ModelConfig
from musicvae_jax.lyrics.writing_style import lyrics_style

NAMES = (
    *("log_words", "log_lines", "words_a_line", "their_deviation", "letters_a_word"),
    *("distinct_words", "distinct_lines", "repeated", "once", "rhyming"),
)


def style(text):
    return dict(zip(NAMES, lyrics_style(text).tolist(), strict=True))


def test_the_numbers_of_a_small_text():
    found = style("one two three\none two three\nfour free")
    assert found == pytest.approx(
        {
            "log_words": np.log(8),
            "log_lines": np.log(3),
            "words_a_line": 8 / 3,
            "their_deviation": np.std([3, 3, 2]),
            "letters_a_word": 30 / 8,
            "distinct_words": 5 / 8,
            "distinct_lines": 2 / 3,
            "repeated": 1 / 3,
            "once": 2 / 8,
            # "free" ends as "three" does; "three" after "three" is the same word.
            "rhyming": 1 / 3,
        }
    )


def test_case_digits_and_lines_without_words_do_not_count():
    np.testing.assert_array_equal(lyrics_style("La la\n\n2 x\n"), lyrics_style("la LA\nx"))


@pytest.mark.parametrize("text", ["a", "ção", "песня", "歌"])
def test_any_text_with_a_letter_has_finite_numbers(text):
    found = lyrics_style(text)
    assert found.dtype == np.float32
    assert found.shape == (BLOCKS["style"].width,)
    assert np.isfinite(found).all()


def test_it_is_a_block_like_any_other(tmp_path):
    import musicvae_jax as mv

    songs = mv.load_songs(write(tmp_path / "songs.parquet", songs_table()))
    features = FeatureConfig(("style",), cache_dir=tmp_path / "cache")
    experiment = Experiment("mine", features=features, model=ModelConfig(kind="raw"))
    found = mv.fit(experiment, songs, quiet=True).encode(songs)
    assert found.name == "style"
    assert found.columns_seen == ("lyrics",)
    assert found.known.sum() == 19
    assert found.points.shape == (1, 24, 10)
    np.testing.assert_array_equal(found.points[0, ~found.known], 0)
