import numpy as np
import pytest
from scipy.linalg import hadamard
from scipy.stats import entropy
from sklearn.metrics import r2_score

from musicvae_jax.evaluation import dci, factor_scores, mig, sap
from musicvae_jax.evaluation.disentanglement import _concentrations


def planted(n_songs=600, seed=0):
    """Two discrete factors and a continuous one, a dimension for each, and one of noise."""
    random = np.random.default_rng(seed)
    factors = {
        "key": random.integers(0, 4, n_songs),
        "mode": np.array(["major", "minor"])[random.integers(0, 2, n_songs)],
        "tempo": random.uniform(60, 180, n_songs),
    }
    noise = random.normal(size=(4, n_songs))
    latents = [
        factors["key"] + 0.05 * noise[0],
        (factors["mode"] == "minor") + 0.05 * noise[1],
        (factors["tempo"] - 120) / 60 + 0.01 * noise[2],
        noise[3],
    ]
    return np.stack(latents, axis=1), factors


def rotated(latents):
    """The same information, a quarter of each of four dimensions in each."""
    standard = (latents - latents.mean(axis=0)) / latents.std(axis=0)
    return standard @ hadamard(4) / 2


def test_planted_latents_are_disentangled_and_rotated_ones_are_not():
    latents, factors = planted()
    mixed = rotated(latents)
    assert min(mig(latents, factors).values()) > 0.7
    assert max(mig(mixed, factors).values()) < 0.02
    gaps = sap(latents, factors, seed=0)
    assert gaps["tempo"] > 0.95
    assert gaps["mode"] > 0.4
    assert gaps["key"] > 0.6
    assert max(sap(mixed, factors, seed=0).values()) < 0.06
    found, of_mixed = dci(latents, factors, seed=0), dci(mixed, factors, seed=0)
    assert min(found[:3]) > 0.99
    assert max(of_mixed[:2]) < 0.01
    # The information is still there.
    assert of_mixed.informativeness > 0.9


def test_the_gap_by_hand():
    # Dimension 0 knows the factor, 1 knows nothing, and 2 tells one value of four apart.
    factor = np.repeat([0, 1, 2, 3], 4)
    latents = np.stack([factor, np.tile([0, 1], 8), factor == 3], axis=1).astype(float)
    one_of_four = entropy([1, 3])
    expected = {"key": (np.log(4) - one_of_four) / np.log(4)}
    assert mig(latents, {"key": factor}) == pytest.approx(expected)
    assert mig(latents[:, :2], {"key": factor}) == pytest.approx({"key": 1})


def test_a_factor_in_two_dimensions_leaves_no_gap():
    latents, factors = planted()
    twice = np.concatenate([latents, latents], axis=1)
    assert list(mig(twice, factors).values()) == pytest.approx([0, 0, 0])
    assert list(sap(twice, factors, seed=0).values()) == pytest.approx([0, 0, 0])


def test_dimensions_that_know_nothing_leave_no_gap():
    _, factors = planted(2000)
    noise = np.random.default_rng(1).normal(size=(2000, 5))
    assert list(mig(noise, factors).values()) == pytest.approx([0] * 3, abs=0.02)
    assert list(sap(noise, factors, seed=0).values()) == pytest.approx([0] * 3, abs=0.06)
    assert dci(noise, factors, seed=0).informativeness < 0.05


def test_a_continuous_factor_is_predicted_by_a_line():
    random = np.random.default_rng(2)
    latents, tempo = random.normal(size=(50, 3)), random.normal(size=50)
    latents[:, 1] += tempo
    lines = [np.polyval(np.polyfit(column, tempo, 1), column) for column in latents.T]
    scores = sorted(r2_score(tempo, line) for line in lines)
    assert sap(latents, {"tempo": tempo}, seed=0)["tempo"] == pytest.approx(scores[-1] - scores[-2])


def test_a_discrete_factor_is_predicted_by_thresholds_in_any_order():
    """The values 2, 0, 1 lie along the first dimension, and the second knows none: 1 - 1 / 3."""
    factor = np.tile([0, 1, 2], 200)
    latents = np.stack([np.array([5.0, 9.0, 1.0])[factor], np.zeros(600)], axis=1)
    assert sap(latents, {"key": factor}, seed=0) == pytest.approx({"key": 1 - 1 / 3})


def test_rare_values_count_as_much_as_frequent_ones():
    factor = np.array([0] * 180 + [1] * 20)
    latents = np.stack([factor, np.zeros(200)], axis=1).astype(float)
    assert sap(latents, {"mode": factor}, seed=0) == pytest.approx({"mode": 0.5})


@pytest.mark.parametrize(
    ("importance", "disentanglement", "completeness"),
    [
        (np.eye(3), 1, 1),
        (np.full((2, 2), 0.5), 0, 0),
        # One dimension for both factors: it is not disentangled, and each factor is in it alone.
        ([[1, 1], [0, 0]], 0, 1),
        # Two dimensions for one factor each, half of it: the other way round.
        ([[0.5, 0], [0.5, 0], [0, 0.5], [0, 0.5]], 1, 0.5),
        # A dimension that nothing needs, and a factor that nothing predicts.
        ([[1, 0], [0, 0]], 1, 0.5),
        (np.zeros((2, 2)), 0, 0),
    ],
)
def test_concentrations_by_hand(importance, disentanglement, completeness):
    found = _concentrations(np.array(importance, float))
    assert found == pytest.approx((disentanglement, completeness))


def test_dimensions_weigh_as_much_as_they_are_used():
    # The first, with three quarters of all importance, is shared by two of two; the second not.
    importance = np.array([[0.75, 0.75], [0.5, 0]])
    assert _concentrations(importance)[0] == pytest.approx(0.5 / 2)


def test_importance_is_of_the_dimensions_that_tell():
    latents, factors = planted()
    importance = dci(latents, factors, seed=0).importance
    assert importance.shape == (4, 3)
    assert importance.sum(axis=0) == pytest.approx([1, 1, 1])
    assert importance.argmax(axis=0).tolist() == [0, 1, 2]


def test_a_factor_with_one_value_has_no_score():
    latents, factors = planted(60)
    factors["metre"] = np.full(60, "4/4")
    assert np.isnan([mig(latents, factors)["metre"], sap(latents, factors, seed=0)["metre"]]).all()
    assert dci(latents, factors, seed=0).importance.shape == (4, 3)


def test_too_little_to_concentrate_on_is_refused():
    latents, factors = planted(60)
    with pytest.raises(ValueError, match="got 1 dimensions and 3 factors"):
        dci(latents[:, :1], factors, seed=0)
    with pytest.raises(ValueError, match="got 4 dimensions and 1 factors"):
        dci(latents, {"key": factors["key"], "metre": np.zeros(60)}, seed=0)


def test_all_scores_are_the_means_of_each():
    latents, factors = planted()
    # A factor that does not vary has no score.
    factors = factors | {"constant": np.zeros(600)}
    of_forests = dci(latents, factors, 3)
    assert factor_scores(latents, factors, 3) == pytest.approx(
        {
            "mig": np.mean([mig(latents, factors)[name] for name in ("key", "mode", "tempo")]),
            "sap": np.mean([sap(latents, factors, 3)[name] for name in ("key", "mode", "tempo")]),
            "disentanglement": of_forests.disentanglement,
            "completeness": of_forests.completeness,
            "informativeness": of_forests.informativeness,
        }
    )
