"""Which model to use where songs lack lyrics: genre AMI of all songs, and retrieval across parts.

Hides the lyrics of half of the songs that have them, at random, from training and encoding alike,
and fits each model on all songs; five draws, one seed each. Then says how well the latents of a
song given its audio find those given its lyrics, among the songs that keep theirs and that the
model was not trained on.
usage: python benchmarks/missing_lyrics.py SONGS.parquet [DRAWS]
"""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd

import musicvae_jax as mv
from musicvae_jax import Experiment, FeatureConfig, ModelConfig
from musicvae_jax.evaluation.cross_retrieval import cross_retrieval
from musicvae_jax.preprocess import split_inputs
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.songs import Songs

_K = 10
_MULTIMODAL = ("hard_mvae", "hard_mopoe", "hard_mvtcae")
_AUDIO = Experiment(
    "audio", features=FeatureConfig(blocks=("mfcc", "rhythm")), model=ModelConfig(kind="raw")
)


def models() -> dict[str, Experiment]:
    """What is compared, by name; all of them know every song."""
    named = {name: EXPERIMENTS[name].experiment for name in ("hard_mfa", *_MULTIMODAL)}
    return {"audio alone": _AUDIO, **named}


def hidden(songs: Songs, draw: int) -> Songs:
    """The songs, half of those with lyrics without them."""
    table = songs.table
    known = np.flatnonzero(table["lyrics"].notna())
    without = np.random.default_rng(draw).permutation(known)[: len(known) // 2]
    lyrics = table["lyrics"].to_numpy(object).copy()
    lyrics[without] = None
    return songs._replace(table=table.assign(lyrics=lyrics))


def genre_ami(representation: mv.Representation, songs: Songs, seed: int) -> float:
    """Of K-Means, on all songs."""
    scores = mv.score(mv.cluster(representation, k=_K, seeds=(seed,)), songs)
    return float(scores.loc[("genre", "ami", seed), "value"])


def retrieved(model: mv.Trained, songs: Songs) -> dict[str, float]:
    """Lyrics found from audio, among held-out songs with lyrics and among all with lyrics."""
    audio, lyrics = (model.encode(songs, given=(one,)) for one in model.experiment.modalities)
    # Songs that cannot be used are neither split nor encoded.
    usable = songs.table.drop_duplicates("music_id").set_index("music_id").loc[audio.songs]
    heldout = split_inputs(model.experiment, usable).heldout
    found = {}
    for name, places in (("held out", heldout), ("all", np.arange(len(usable)))):
        both = places[audio.known[places] & lyrics.known[places]]
        one = cross_retrieval(audio.points[0, both], lyrics.points[0, both])
        found |= {
            f"songs, {name}": len(both),
            f"recall at 10, {name}": one.recall_at_10,
            f"chance, {name}": one.chance_at_10,
            f"median rank, {name}": one.median_rank,
            f"chance rank, {name}": one.chance_rank,
        }
    return found


def main(path: str, n_draws: int) -> None:
    songs = mv.load_songs(path)
    rows = []
    for draw in range(n_draws):
        some = hidden(songs, draw)
        for name, experiment in models().items():
            model = mv.fit(replace(experiment, seeds=(draw,)), some, quiet=True)
            row = {"model": name, "draw": draw, "genre AMI": 0.0}
            row["genre AMI"] = genre_ami(model.encode(some), some, draw)
            if name in _MULTIMODAL:
                row |= retrieved(model, some)
            rows.append(row)
            print(pd.Series(row).to_dict(), flush=True)
    table = pd.DataFrame(rows).drop(columns="draw")
    spread = table.groupby("model", sort=False).agg(["mean", "std"])
    print(spread.T.round(3).to_string())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
