"""Small audio files for tests, in every format."""

from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 22_050
# libsndfile's encoders crash on long blocks.
_BLOCK = 4096


def tone(seconds: float = 1.0, hz: float = 440.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A sine at half of full scale, float32 `[samples]`."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def noise(seconds: float = 1.0, seed: int = 0, rate_hz: int = RATE_HZ) -> np.ndarray:
    """White noise, float32 `[samples]`."""
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(seconds * rate_hz))).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ, **how: str) -> Path:
    """Writes an audio file in the format of its suffix.

    Args:
        path: its folder is made.
        samples: `[samples]` or `[samples, channels]`.
        rate_hz: sampling rate.
        how: subtype or format of soundfile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".opus":
        how = {"format": "OGG", "subtype": "OPUS"} | how
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with soundfile.SoundFile(path, "w", rate_hz, channels, **how) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
    return path


def write_m4a(path: Path, samples: np.ndarray, rate_hz: int = 44_100) -> Path:
    """Writes mono AAC; the caller has checked that PyAV is installed."""
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
