import librosa
import numpy as np
import pytest
from songfiles import mel

from musicvae_jax import features
from musicvae_jax.features.mfcc import N_COEFFICIENTS


def decibels(frames):
    return features.mel_db(mel(np.random.default_rng(3), frames), 80.0)


def by_hand(db):
    """The orthonormal DCT-II, written out."""
    bands = np.arange(len(db))
    order = np.arange(N_COEFFICIENTS)[:, None]
    basis = np.sqrt(2 / len(db)) * np.cos(np.pi * order * (2 * bands + 1) / (2 * len(db)))
    basis[0] /= np.sqrt(2)
    return basis @ db.astype(np.float64)


@pytest.mark.parametrize("frames", [2, 3, 50])
def test_statistics_of_coefficients_written_out_and_of_librosas(frames):
    db = decibels(frames)
    found = features.mfcc_statistics(db)
    assert found.shape == (features.N_MFCC,) == (60,)
    assert found.dtype == np.float32
    for mfcc in (by_hand(db), librosa.feature.mfcc(S=db, n_mfcc=20)):
        change = mfcc[:, 1:] - mfcc[:, :-1]
        expected = [mfcc.mean(axis=1), mfcc.std(axis=1), change.std(axis=1)]
        np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-3)


def test_one_frame_has_no_deviations():
    db = decibels(1)
    mean, deviation, change = features.mfcc_statistics(db).reshape(3, N_COEFFICIENTS)
    np.testing.assert_allclose(mean, by_hand(db)[:, 0], atol=1e-3)
    assert not deviation.any()
    assert not change.any()


def test_a_level_added_to_all_bands_moves_the_first_mean_alone():
    db = decibels(30)
    moved = features.mfcc_statistics(db - 7.0) - features.mfcc_statistics(db)
    expected = np.zeros(features.N_MFCC)
    expected[0] = -7.0 * np.sqrt(128)
    np.testing.assert_allclose(moved, expected, atol=1e-3)


def test_a_steady_rise_changes_but_its_change_does_not():
    db = np.tile(np.linspace(-60.0, -10.0, 40, dtype=np.float32), (128, 1))
    _, deviation, change = features.mfcc_statistics(db).reshape(3, N_COEFFICIENTS)
    assert deviation[0] > 100.0
    np.testing.assert_allclose(change, 0.0, atol=1e-3)
