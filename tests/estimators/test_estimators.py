import pickle

import jax
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from musicvae_jax.config import Member, ModelConfig, TrainConfig
from musicvae_jax.estimators import VAE, Autoencoder, ConditionalVAE, VAEClusterer
from musicvae_jax.runtime.devices import make_mesh
from musicvae_jax.training import Data, DivergenceError, Examples, make_model, sweeps
from musicvae_jax.training.sweeps import train_members

SMALL = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def blobs():
    x, y = make_blobs(60, 6, centers=3, random_state=0)
    return StandardScaler().fit_transform(x), y


def test_training_is_that_of_the_experiments(blobs):
    x = blobs[0].astype(np.float32)
    vae = VAE(**SMALL, validation_fraction=0).fit(x)
    model = make_model(ModelConfig("vae", hidden=(8,), latent=2), (6,))
    examples, config = Examples(x), TrainConfig(epochs=5)
    state, history = train_members(
        *(model, config, [Member(1.0, 1e-3, vae._seed)], Data(examples, examples)),
        mesh=make_mesh(1, 1),
    )
    params = jax.tree.map(lambda leaf: leaf[0], state.params)
    expected = model.apply(params, x, method="encode").mean
    np.testing.assert_allclose(vae.transform(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(
        vae.history_["train_negative_elbo_nats"], history.train.negative_elbo[0]
    )


@pytest.mark.slow
def test_score_is_the_mean_elbo(blobs):
    x = blobs[0]
    vae = VAE(**SMALL, beta=4.0).fit(x)
    model, params = vae._network.model, vae._network.params
    draws = [
        model.apply(params, x, jax.random.normal(jax.random.key(i), (60, 2)), method="terms")
        for i in range(200)
    ]
    elbos = [-float(np.mean(one.reconstruction + one.kl)) for one in draws]
    # One sample for each of 60 samples: the mean's error is that of a single draw of the mean.
    assert abs(vae.score(x) - np.mean(elbos)) < 4 * np.std(elbos)
    assert vae.score(x) == vae.score(x)


def test_the_noise_of_a_score_is_the_same_under_another_default_of_jaxs_generators(
    blobs, other_generators
):
    vae = VAE(**SMALL).fit(blobs[0])
    expected = vae.score(blobs[0])
    other_generators()
    assert vae.score(blobs[0]) == expected


def test_missing_features_are_not_given_to_the_loss(blobs):
    x = blobs[0].copy()
    x[:, 5] = np.nan
    whole = VAE(**SMALL).fit(x)
    # The column is never seen: its weights in the last layer stay as they were drawn.
    last = whole._network.params["params"]["decoder"]["Dense_1"]
    assert np.all(last["bias"][5] == 0)
    assert np.any(last["bias"][:5] != 0)
    assert np.isfinite(whole.transform(x)).all()
    assert np.isfinite(whole.score(x))


@pytest.mark.slow
def test_a_condition_is_read_by_encoder_and_decoder(blobs):
    x, y = blobs
    genre = np.array(["march", "polka", "waltz"], object)[y]
    model = ConditionalVAE(**SMALL).fit(x, condition=genre)
    latents = model.transform(x, condition=genre)
    other = model.transform(x, condition=np.roll(genre, 1))
    assert not np.allclose(latents, other)
    decoded = model.inverse_transform(latents, condition=genre)
    assert not np.allclose(decoded, model.inverse_transform(latents, condition=np.roll(genre, 1)))
    np.testing.assert_array_equal(
        ConditionalVAE(**SMALL).fit_transform(x, condition=genre), latents
    )


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (None, "got none, expected one"),
        (["drone"] * 60, "got 'drone', which was not among the conditions of fit"),
        (["march"] * 59, "inconsistent numbers of samples"),
        ([["march"]] * 60, "got an array of shape"),
        ("march", r"^condition: got an array of shape \(\), expected one label for each of 60"),
    ],
)
def test_a_condition_that_cannot_be_used_is_named(blobs, condition, message):
    x, y = blobs
    model = ConditionalVAE(**SMALL).fit(x, condition=np.array(["march", "polka", "waltz"])[y])
    with pytest.raises(ValueError, match=message):
        model.transform(x, condition=condition)


def test_one_label_is_no_condition(blobs):
    with pytest.raises(ValueError, match="got 1 distinct label"):
        ConditionalVAE(**SMALL).fit(blobs[0], condition=["waltz"] * 60)


@pytest.mark.parametrize(
    ("labels", "types"), [([1, "a"], "int, str"), ([["a"], ["a", "b"]], "list")]
)
def test_labels_that_cannot_be_sorted_are_named_by_type(blobs, labels, types):
    with pytest.raises(ValueError, match=f"^condition: got labels of type {types}, expected"):
        ConditionalVAE(**SMALL).fit(blobs[0], condition=labels * 30)


@pytest.mark.parametrize("as_pandas", [False, True])
def test_a_missing_condition_is_allowed(blobs, as_pandas):
    x, y = blobs
    genre = np.array(["march", "polka", "waltz"], object)[y]
    genre[::7] = None
    genre[::11] = np.nan
    if as_pandas:
        genre = pd.Series(genre, dtype="string")
        assert genre[0] is pd.NA
    model = ConditionalVAE(**SMALL).fit(x, condition=genre)
    assert list(model.categories_) == ["march", "polka", "waltz"]
    assert np.isfinite(model.transform(x, condition=genre)).all()


def test_a_condition_goes_through_a_pipeline(blobs):
    x, y = blobs
    with sklearn.config_context(enable_metadata_routing=True):
        vae = ConditionalVAE(**SMALL)
        vae.set_fit_request(condition=True).set_transform_request(condition=True)
        pipe = make_pipeline(StandardScaler(), vae)
        pipe.fit(x, condition=y)
        latents = pipe.transform(x, condition=y)
    alone = ConditionalVAE(**SMALL).fit_transform(StandardScaler().fit_transform(x), condition=y)
    np.testing.assert_array_equal(latents, alone)


def test_pickled_and_cloned(blobs):
    x = blobs[0]
    vae = VAE(**SMALL).fit(x)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(vae)).transform(x), vae.transform(x))
    np.testing.assert_array_equal(clone(vae).fit_transform(x), vae.transform(x))


def test_pandas_in_pandas_out(blobs):
    x = pd.DataFrame(blobs[0], columns=list("abcdef"))
    found = Autoencoder(**SMALL).set_output(transform="pandas").fit_transform(x)
    assert list(found.columns) == ["autoencoder0", "autoencoder1"]


@pytest.mark.slow
def test_a_grid_search_over_beta_and_size_beside_pca(blobs):
    x, y = blobs
    pipe = Pipeline(
        [
            ("scale", StandardScaler()),
            ("reduce", VAE(**SMALL, learning_rate=1e-2)),
            ("cluster", KMeans(3, n_init=3, random_state=0)),
        ]
    )
    grid = [
        {"reduce__beta": [0.5, 4.0], "reduce__n_components": [2, 3]},
        {"reduce": [PCA(2), PCA(3)]},
    ]

    def agreement(fitted, x, y):
        return adjusted_rand_score(y, fitted.predict(x))

    table = pd.DataFrame(GridSearchCV(pipe, grid, scoring=agreement, cv=2).fit(x, y).cv_results_)
    assert len(table) == 6
    assert table["mean_test_score"].between(-0.5, 1).all()
    assert table["mean_test_score"].iloc[4:].min() > 0.9


def test_cross_validated_score(blobs):
    scores = cross_val_score(VAE(**SMALL), blobs[0], cv=3)
    assert np.isfinite(scores).all()
    assert (scores < 0).all()


def test_sweeping_beta_or_seed_compiles_nothing_new(blobs):
    x = blobs[0]
    VAE(**SMALL).fit(x).transform(x)
    compiled = sweeps._program.cache_info().misses
    for beta, seed in ((2.0, 1), (8.0, 2)):
        VAE(**SMALL | {"random_state": seed}, beta=beta, learning_rate=2e-3).fit(x).transform(x)
    assert sweeps._program.cache_info().misses == compiled


def test_clusters_are_found(blobs):
    x, y = blobs
    model = VAEClusterer(3, **SMALL | {"max_iter": 100}, beta=0.2, learning_rate=1e-2).fit(x)
    assert adjusted_rand_score(y, model.labels_) > 0.9
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    assert model.cluster_centers_.shape == (3, 2)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_components": 0},
        {"hidden_layer_sizes": (0,)},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 16},
        {"beta": -1.0},
        {"beta": float("nan")},
        {"learning_rate": 0.0},
        {"learning_rate": float("inf")},
        {"max_iter": 0},
        {"batch_size": 0},
        {"validation_fraction": 1.0},
        {"validation_fraction": float("nan")},
    ],
)
def test_a_parameter_out_of_range_is_named(blobs, settings):
    # By the estimator's own name, not that of the command line.
    with pytest.raises(ValueError, match=rf"(?<!\.)\b{next(iter(settings))}\b"):
        VAE(**SMALL | settings).fit(blobs[0])


def test_what_is_not_finite_is_named_with_what_is_expected(blobs):
    with pytest.raises(ValueError, match=r"^beta: got nan, expected a finite number$"):
        VAE(**SMALL, beta=float("nan")).fit(blobs[0])


@pytest.mark.parametrize(
    ("kind", "settings", "advice"),
    [
        (VAE, "learning_rate=1e+18, beta=1", "learning_rate or beta"),
        (VAEClusterer, "learning_rate=1e+18, beta=1", "learning_rate or beta"),
        (Autoencoder, "learning_rate=1e+18", "learning_rate"),
    ],
)
def test_a_training_that_diverges_is_told_in_the_estimators_words(blobs, kind, settings, advice):
    with pytest.raises(DivergenceError) as caught:
        kind(**SMALL, learning_rate=1e18).fit(blobs[0])
    message = str(caught.value)
    assert message.startswith(f"training diverged with {settings}, epoch ")
    assert f"; try a smaller {advice}, and standardise X" in message
    assert "--" not in message
    assert "seed" not in message


@pytest.mark.parametrize("sizes", [[6, 5], np.array([6, 5])])
@pytest.mark.slow
def test_widths_may_be_a_list_or_an_array(blobs, sizes):
    expected = VAE(**SMALL | {"hidden_layer_sizes": (6, 5)}).fit(blobs[0])
    found = VAE(**SMALL | {"hidden_layer_sizes": sizes}).fit(blobs[0])
    np.testing.assert_array_equal(found.transform(blobs[0]), expected.transform(blobs[0]))


def test_latents_of_another_size_are_refused(blobs):
    vae = VAE(**SMALL).fit(blobs[0])
    with pytest.raises(
        ValueError, match=r"got an array of shape \(4, 3\), expected \[samples, 2\]"
    ):
        vae.inverse_transform(np.zeros((4, 3)))
