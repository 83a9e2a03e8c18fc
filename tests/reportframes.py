"""Small tables shaped like those that experiments write, for the tests of reporting."""

from itertools import product

import numpy as np
import pandas as pd

from musicvae_jax import reporting
from musicvae_jax.evaluation import EXTERNAL_METRICS

LABELS = ("genre", "language", "artist")
ABOUT = ["experiment", "seed", "representation", "role"]
# What a metric scores that is not named here: enough to be told from the named ones.
SCORES = dict.fromkeys(EXTERNAL_METRICS, 0.7) | {"ari": 0.2, "nmi": 0.4, "ami": 0.3, "purity": 0.6}
MARKS = ("labels_seen", "labels_derivable")


def metrics(*rows):
    """metrics.csv of rows from `scored`, which write "" as NaN as reading the file does."""
    return pd.DataFrame(list(rows)).replace({column: {"": np.nan} for column in MARKS})


def scored(experiment="easy_vae", representation="vae", seed=0, **changes):
    """One row of metrics.csv."""
    row = {
        "experiment": experiment,
        "seed": seed,
        "representation": representation,
        "role": "own",
        "clusterer": "kmeans",
        "scope": "all",
        "n_clusters": 4,
        "n_songs": 100,
        "noise_share": 0.0,
        "silhouette": 0.1,
        "calinski_harabasz": 12.34,
        "davies_bouldin": 1.5,
        "shared_silhouette": 0.05,
        "shared_calinski_harabasz": 5.0,
        "shared_davies_bouldin": 2.5,
    }
    for label in LABELS:
        row |= {f"{name}_{label}": score for name, score in SCORES.items()}
        row[f"n_{label}"] = 100
    row |= dict.fromkeys(MARKS, "")
    assert set(changes) <= set(row)
    return row | changes


def significance(table):
    """significance.csv of metrics.csv: the AMI with genres, the same behind every K-Means row."""
    rows = _kmeans(table)
    numbers = {"n_songs": 100, "low": 0.2, "high": 0.4, "null_mean": 0.0, "null_high": 0.012}
    numbers |= {"p_value": 0.001, "p_value_artists": 0.034, "n_artist_songs": 90}
    numbers |= {"supervised_linear": 0.55, "supervised_rbf": 0.62}
    return rows[ABOUT].assign(
        label="genre", score="ami", value=rows["ami_genre"], one_per_artist=0.25, **numbers
    )


def spaces(table):
    """spaces.csv of metrics.csv, the same of every row."""
    numbers = {"language_probe": 0.4, "language_probe_chance": 0.125, "language_mixing": 0.6}
    numbers |= {"artist_mixing": 0.3, "genre_precision": 0.45, "genre_precision_others": 0.35}
    numbers |= {"genre_precision_chance": 0.1, "genre_map": 0.2, "genre_map_others": 0.15}
    return _kmeans(table)[ABOUT].assign(**numbers)


def comparisons(*rows):
    """comparisons.csv of rows from `compared`."""
    return pd.DataFrame(list(rows), columns=list(compared()))


def compared(against="pca", verdict="better", difference=0.1, **changes):
    """One row of comparisons.csv."""
    row = {
        "experiment": "easy_vae",
        "representation": "vae",
        "against": against,
        "label": "genre",
        "n_songs": 100,
        "n_artists": 20,
        "n_seeds": 2,
        "difference": difference,
        "seeds_low": difference - 0.01,
        "seeds_high": difference + 0.01,
        "artists_low": difference - 0.05,
        "artists_high": difference + 0.05,
        "verdict": verdict,
        **dict.fromkeys(MARKS, np.nan),
    }
    assert set(changes) <= set(row)
    return row | changes


def summary(table, *compared_rows, **changes):
    """`summary` of rows of metrics.csv; changes are columns of `significance`."""
    evidence = significance(table).assign(**changes)
    return reporting.summary(table, evidence, spaces(table), comparisons(*compared_rows))


def _kmeans(table):
    return table[(table["clusterer"] == "kmeans") & (table["scope"] == "all")]


def over_seeds(values, experiment="easy_vae", representation="vae", score="ami_genre", **changes):
    """Rows of one representation with one value of one score per seed."""
    return [
        scored(experiment, representation, seed, **{score: value}, **changes)
        for seed, value in enumerate(values)
    ]


def history(betas=(1.0,), seeds=(0, 1), kl=1.0, learning_rates=(1e-3,)):
    """history.csv of one run."""
    epochs = np.arange(1, 5)
    one = {
        "epoch": epochs,
        "train_reconstruction_nats": 10.0 / epochs,
        "train_kl_nats": kl * epochs,
        "heldout_reconstruction_nats": 12.0 / epochs,
        "heldout_kl_nats": kl * epochs,
        "active_units": 3,
    }
    members = product(betas, learning_rates, seeds)
    names = ("beta", "learning_rate", "seed")
    return pd.concat(
        [pd.DataFrame(dict(zip(names, member, strict=True)) | one) for member in members],
        ignore_index=True,
    )


def curves(seeds=(0, 1), chosen=3):
    """cluster_selection.csv of one representation: silhouette 0.1, 0.4, 0.2 plus seed / 10."""
    k = np.array([2, 3, 4])
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "seed": seed,
                    "k": k,
                    "inertia": [9.0 + seed, 5.0 + seed, 4.0 + seed],
                    "silhouette": np.array([0.1, 0.4, 0.2]) + seed / 10,
                    "chosen": k == chosen,
                }
            )
            for seed in seeds
        ],
        ignore_index=True,
    )


def disentanglement(betas=(1.0, 4.0), seeds=(0, 1)):
    """disentanglement.csv of a sweep, with its beta: the scores are tenths, plus seed / 100."""
    names = ("mig", "sap", "disentanglement", "completeness", "informativeness")
    return pd.DataFrame(
        {"beta": beta, "seed": seed}
        | {name: (place + 1) / 10 + seed / 100 for place, name in enumerate(names)}
        for beta, seed in product(betas, seeds)
    )


def points(n_songs=12, groups=("a", "b", None)):
    """Rows of projections.parquet of one representation."""
    x, y = np.random.default_rng(0).normal(size=(2, n_songs))
    genre = pd.Series([groups[i % len(groups)] for i in range(n_songs)], dtype=object)
    return pd.DataFrame({"x": x, "y": y, "genre": genre, "language": ["en"] * n_songs})


def mels(n=3, steps=5, frames=8):
    """reconstructions.npz: every reconstruction is 3 dB off everywhere."""
    original = np.random.default_rng(0).uniform(-70, -10, size=(n, 128, frames))
    return {
        "titles": np.array([f"Song {i} for $5 and $6" for i in range(n)]),
        "original": original,
        "reconstruction": original + 3.0,
        "interpolation": np.linspace(original[0], original[1], steps),
        "interpolation_titles": np.array(["From $1", "To $2"]),
    }


def cards(label="rock", n_clusters=2):
    """cards.json of a run."""
    card = {
        "size": 5,
        "labels": {"genre": [(label, 0.6)], "language": [("pt", 1.0)], "artist": [(label, 0.2)]},
        "exemplars": [["id-1", label, "Ana & Bia"], ["id-2", "", ""]],
        "words": {"pt": ["amor", label]},
        "tags": ["piano", label],
        "spectrum_db": np.linspace(-3, 3, 128).tolist(),
    }
    clusters = [{"cluster": i, **card} for i in range(n_clusters)]
    return {"representation": "vae", "seed": 0, "songs": 5 * n_clusters, "clusters": clusters}


def dimensions(betas=(1.0,), seeds=(0, 1), learning_rates=(1e-3,), n_active=3):
    """posterior.csv of one run: four dimensions, of which as many are active."""
    one = {
        "dimension": np.arange(4),
        "kl_nats": [0.5, 2.0, 0.01, 1.0],
        "active": np.isin(np.arange(4), [1, 3, 0, 2][:n_active]),
    }
    members = product(betas, learning_rates, seeds)
    names = ("beta", "learning_rate", "seed")
    return pd.concat(
        [pd.DataFrame(dict(zip(names, member, strict=True)) | one) for member in members],
        ignore_index=True,
    )
