from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.reporting import roles


def named(has_role):
    return {name for name, one in EXPERIMENTS.items() if has_role(one.experiment)}


def test_the_named_experiments_have_their_roles():
    assert named(roles.is_plain_vae) == {"easy_vae", "easy_vae_mfcc"}
    fusions = {"medium_hybrid", "hard_multimodal", "hard_multimodal_vae"}
    fusions |= {f"hard_mfa{rest}" for rest in ("", "_all", "_centred", "_style", "_vae")}
    fusions |= {"hard_mvae", "hard_mopoe", "hard_mvtcae"}
    assert named(roles.is_fusion) == fusions
    assert named(lambda one: roles.conditions_on(one, "language")) == {"hard_cvae_language"}
    assert named(lambda one: roles.conditions_on(one, "genre")) == {"hard_cvae"}
    assert named(roles.sweeps_beta) == {"hard_beta_vae"}
    assert named(roles.sweeps_learning_rate) == set()
    untrained = {"easy_spectral", "easy_pca", "easy_whitened_pca", "medium_lyrics"}
    untrained |= {"hard_mfa", "hard_mfa_all", "hard_mfa_centred", "hard_mfa_style"}
    assert named(roles.is_trained) == set(EXPERIMENTS) - untrained
