"""Named experiments on top of musicvae_jax; run them with `python -m experiments.run NAME`."""
