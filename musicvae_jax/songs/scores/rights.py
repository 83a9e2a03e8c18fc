"""What a file of the corpus says about its rights and its encoder."""

import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from musicvae_jax.songs.scores.repertoire import FORBIDDING

_CORPUS_NOTE = "passed on in music21's corpus under its corpus/license.txt"
_SAYS_RIGHTS = re.compile(r"copyright|©|\(c\)|licen[cs]e|all rights|public domain", re.IGNORECASE)
# What programs write where nobody has filled in the owner.
_EMPTY = re.compile(r"(copyright|©|\s)*", re.IGNORECASE)
# What a Z: line may hold beside a name.
_E_MAIL = re.compile(r"<[^<>]*>|\([^()]*[@:][^()]*\)|\S+@\S+|\S+:\S+\.\S+")
_TRANSCRIBED = re.compile(r"^\W*((abc )?\b(trans\w+|contributed)\b( \d+)?( by)?:?)?", re.IGNORECASE)
_PROGRAM = re.compile(r"abc(mus)? [\d.]+", re.IGNORECASE)


class Rights(NamedTuple):
    """What a file says.

    Attributes:
        statement: its words about rights; "" where it has none.
        encoder: who encoded or transcribed it, without address; "" where it names nobody.
    """

    statement: str
    encoder: str

    @property
    def licence(self) -> str:
        """The statement, or that there is none, and how music21 passes the file on."""
        return f"{self.statement or 'no statement in the file'}; {_CORPUS_NOTE}"

    @property
    def is_forbidding(self) -> bool:
        """Whether the statement forbids what is done here."""
        return any(phrase in self.statement.lower() for phrase in FORBIDDING)


def read_rights(path: Path, tune: str | None = None) -> Rights:
    """Reads the rights of a file.

    Args:
        path: MusicXML (plain or compressed), Humdrum or ABC.
        tune: the text of the tune, in ABC.

    Raises:
        OSError: the file cannot be read.
        ValueError: a MusicXML file is broken.
    """
    if path.suffix in (".mxl", ".xml", ".musicxml"):
        return _of_musicxml(path)
    text = path.read_bytes().decode("utf-8", errors="replace")
    if tune is None:
        return Rights(
            _joined(re.findall(r"(?m)^!!!YE[CM]: *(.*)$", text)),
            _joined(re.findall(r"(?m)^!!!ENC: *(.*)$", text)),
        )
    heading = re.split(r"(?m)^X:", text)[0]
    comments = re.findall(r"(?m)^%+ *(.*)$", heading)
    encoders = re.findall(r"(?m)^Z: *(.*)$", tune)
    return Rights(
        _joined(line for line in comments if _SAYS_RIGHTS.search(line)),
        _joined(_name(line) for line in encoders),
    )


def _name(line: str) -> str:
    """The transcriber in a Z: line, without address; "" where it is about something else."""
    name = _TRANSCRIBED.sub("", _E_MAIL.sub("", line)).strip(' ",')
    return "" if _PROGRAM.fullmatch(name) else name


def _of_musicxml(path: Path) -> Rights:
    texts: dict[str, list[str]] = {"rights": [], "credit-words": [], "encoder": []}
    try:
        for event, element in ElementTree.iterparse(io.BytesIO(_musicxml(path)), ("start", "end")):
            # The music itself, most of the file, follows.
            if event == "start" and element.tag == "part":
                break
            if event == "end" and element.tag in texts:
                texts[element.tag].append(element.text or "")
    except (ElementTree.ParseError, zipfile.BadZipFile) as error:
        raise ValueError(f"not a MusicXML file ({error})") from error
    printed = [words for words in texts["credit-words"] if _SAYS_RIGHTS.search(words)]
    return Rights(_joined(texts["rights"] + printed), _joined(texts["encoder"]))


def _musicxml(path: Path) -> bytes:
    if path.suffix != ".mxl":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        names = (name for name in archive.namelist() if not name.startswith("META-INF/"))
        return archive.read(next(name for name in names if name.endswith(("xml", "musicxml"))))


def _joined(lines: Iterable[str]) -> str:
    cleaned = (re.sub(r"\s+", " ", line).strip() for line in lines)
    return "; ".join(dict.fromkeys(line for line in cleaned if not _EMPTY.fullmatch(line)))
