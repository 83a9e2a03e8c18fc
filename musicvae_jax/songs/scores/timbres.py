"""The instruments of the synthesis: six families, chosen by the instruments that a score names."""

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from music21.instrument import Instrument
    from music21.stream import Part


class Timbre(NamedTuple):
    """How a family of instruments sounds; the numbers are choices of ours, not measurements.

    Attributes:
        brightness: 0 (steep harmonic roll-off) to 1 (flat).
        odd_share: 0 (all harmonics) to 1 (odd ones only).
        attack_seconds: rise time of a note.
        decay_seconds: time in which a held note falls to 1/e.
        vibrato_cents: depth of the vibrato.
    """

    brightness: float
    odd_share: float
    attack_seconds: float
    decay_seconds: float
    vibrato_cents: float


TIMBRES = {
    "voice": Timbre(0.35, 0.0, 0.06, 5.0, 25.0),
    "bowed": Timbre(0.65, 0.0, 0.04, 5.0, 12.0),
    "plucked": Timbre(0.55, 0.1, 0.004, 0.5, 0.0),
    "keys": Timbre(0.5, 0.1, 0.005, 1.0, 0.0),
    "woodwind": Timbre(0.4, 0.6, 0.03, 5.0, 4.0),
    "brass": Timbre(0.75, 0.0, 0.03, 5.0, 4.0),
}
# Names of parts in lower case, with a number or without.
_VOICE = re.compile(
    r"(alto|bariton|baritone|bass|basso|bassus|canto|cantus|choir|contralto|contratenor|gesang|"
    r"motetus|quinto|soprano|superius|tenor|tenore|triplum|voice)( [ivx0-9]+)?"
)


def timbre_of(part: "Part", default: str) -> str:
    """The key of `TIMBRES` for a part.

    A part with words is sung. Else its name decides, then its instrument, which in some files is
    the piano for all parts, and last the default.

    Args:
        part: of a music21 score.
        default: for a part that names no instrument.
    """
    if any(note.lyrics for note in part.recurse().notes):
        return "voice"
    name = (part.partName or "").strip("[]() ").lower()
    if _VOICE.fullmatch(name):
        return "voice"
    named = _by_name(name)
    return (named and _family(named)) or _family(part.getInstrument()) or default


def _by_name(name: str) -> "Instrument | None":
    from music21.instrument import InstrumentException, fromString

    # Of one or two letters it takes some for abbreviations: "c" and "t" are voices here.
    if len(name) < 3:
        return None
    try:
        return fromString(name)
    except InstrumentException:
        return None


def _family(instrument: "Instrument") -> str | None:
    from music21 import instrument as known

    plucked = (known.Guitar, known.Harp, known.Lute, known.Mandolin, known.Banjo)
    families = {
        known.Vocalist: "voice",
        plucked: "plucked",
        known.StringInstrument: "bowed",
        known.KeyboardInstrument: "keys",
        known.WoodwindInstrument: "woodwind",
        known.BrassInstrument: "brass",
        known.Percussion: "plucked",
    }
    return next((name for kind, name in families.items() if isinstance(instrument, kind)), None)
