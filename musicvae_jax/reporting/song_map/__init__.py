"""map.html: songs as dots to look at, search and listen to; one file, no server, no network."""

from musicvae_jax.reporting.song_map.write import write_run_map, write_suite_map

__all__ = ["write_run_map", "write_suite_map"]
