"""What the map of a run's songs holds."""

import dataclasses
from typing import Literal, get_args

from musicvae_jax.config.checks import require_one_of
from musicvae_jax.config.field_types import conform

MapAudio = Literal["link", "embed"]


@dataclasses.dataclass(frozen=True)
class MapConfig:
    """What map.html holds."""

    audio: MapAudio = "link"
    """How a dot plays its song, where the songs are audio files. link: from the file, by its path
    relative to the map, so both must stay where they are; embed: from a copy in the map, which can
    then be sent to someone; up to 100 MB of audio, the other songs are linked."""

    def __post_init__(self) -> None:
        conform(self, "map")
        require_one_of("map.audio", self.audio, get_args(MapAudio))
