"""A run's list of representations, and what is said of labels they know."""

import numpy as np
import pandas as pd
from listings import list_songs, represent

from musicvae_jax.pipeline.listing import marks

SONGS = pd.DataFrame(
    {
        "genre": ["fado", "samba", "samba", "fado"],
        "language": ["pt", "pt-br", "pt-br", "pt"],
        "artist": ["a", "b", "c", "d"],
    }
)
X = np.eye(4)


def test_every_representation_has_a_place_for_every_seed_even_one_that_draws_nothing():
    own, raw = represent("vae", [X, 2 * X]), represent("raw", [X])
    listing = list_songs(SONGS, [own], [raw], seeds=(4, 9))
    found = [(one.name, place, seed) for one, place, seed in listing.places()]
    assert found == [("vae", 0, 4), ("vae", 1, 9), ("raw", 0, 4), ("raw", 1, 9)]
    assert [one.of_seed(place).max() for one, place, _ in listing.places()] == [1, 2, 1, 1]
    assert (listing.role(own), listing.role(raw)) == ("own", "baseline")


def test_labels_that_were_given_and_labels_that_follow_from_them_are_marked():
    labels = list_songs(SONGS, [represent("x", [X])]).labels
    given = represent("x", [X], ("melspectrogram", "genre"))
    assert marks(given, labels) == {"labels_seen": "genre", "labels_derivable": "language"}
    of_audio = represent("x", [X])
    assert marks(of_audio, labels) == {"labels_seen": "", "labels_derivable": ""}
    tagged = represent("x", [X], ("melspectrogram", "musicnn_tags"))
    assert marks(tagged, labels) == {"labels_seen": "", "labels_derivable": "genre language"}
    sung = represent("x", [X], ("melspectrogram", "lyrics"))
    assert marks(sung, labels) == {"labels_seen": "", "labels_derivable": "genre language"}
    artist = represent("x", [X], ("artist",))
    assert marks(artist, labels)["labels_derivable"] == "genre language"
