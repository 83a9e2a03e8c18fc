"""What is taken from music21's corpus as which genre, and what is left out and why.

Rights first: an encoding whose own text reserves the rights to what is derived from it, or whose
status is unclear, is left out, even where music21 may pass it on. What is taken says nothing
against it; music21 passes it on with the permission of its encoder and warns that commercial use
may be restricted (its corpus/license.txt).
"""

from typing import NamedTuple


class Collection(NamedTuple):
    """Scores of one genre and one composer.

    Attributes:
        pattern: of paths in the corpus, as for `fnmatch`; `*` also matches "/".
        genre: what main_genre says.
        composer: as known from the score's source; None where it names none.
        language: of the sung text, as in 4MuLA, or ISO 639-1; None for instrumental music and for
            texts in two languages. Not read from the files: what they say is the default of the
            program they were made with ("en" for a Kyrie).
        instrument: a timbre, for parts that name no instrument.
        has_words: whether the encoded words can be read.
        most: at most so many are taken, evenly over the sorted paths.
    """

    pattern: str
    genre: str
    composer: str | None
    language: str | None = None
    instrument: str = "voice"
    has_words: bool = True
    most: int = 1000


class TuneBook(NamedTuple):
    """Files in ABC notation with many tunes each; the tune's type is its genre.

    Attributes:
        pattern: as of a `Collection`.
        name: what stands for the composer, since few tunes have one.
        instrument: what the book is for; ABC names none.
    """

    pattern: str
    name: str
    instrument: str


class LeftOut(NamedTuple):
    """Files that are not taken: a pattern as of a `Collection`, and why."""

    pattern: str
    reason: str


_MASS, _MOTET, _SONG_1300 = "Mass Movement", "Motet", "Trecento Song"
_QUARTET, _KEYBOARD, _SONG = "String Quartet", "Keyboard Piece", "Song"

# The first that matches a path counts; what is left out comes before.
COLLECTIONS = (
    Collection("bach/*", "Chorale", "Johann Sebastian Bach", "de", most=60),
    # Their words were read from print by machine and are not corrected.
    Collection("monteverdi/*", "Madrigal", "Claudio Monteverdi", "it", has_words=False),
    Collection("lusitano/*", "Madrigal", "Vicente Lusitano", "it"),
    Collection("trecento/PMFC_01-*", _MOTET, "Philippe de Vitry", "la"),
    Collection("trecento/PMFC_24_*-Gloria*", _MASS, "Johannes Ciconia", "la"),
    Collection("trecento/PMFC_24_*-Credo*", _MASS, "Johannes Ciconia", "la"),
    Collection("trecento/PMFC_24_*", _MOTET, "Johannes Ciconia", "la"),
    Collection("trecento/PMFC_04*", _SONG_1300, "Francesco Landini", "it"),
    Collection("trecento/PMFC_06_Giovanni*", _SONG_1300, "Giovanni da Cascia", "it"),
    Collection("trecento/PMFC_06_Piero*", _SONG_1300, "Magister Piero", "it"),
    Collection("trecento/PMFC_06*", _SONG_1300, "Jacopo da Bologna", "it"),
    Collection("trecento/PMFC_12_*Gherardello*", _MASS, "Gherardello", "la"),
    Collection("trecento/PMFC_12_*Lorenzo*", _MASS, "Lorenzo", "la"),
    Collection("trecento/PMFC_12_*Gratiosus*", _MASS, "Gratiosus", "la"),
    Collection("trecento/PMFC_12_*Egardus*", _MASS, "Egardus", "la"),
    Collection("trecento/PMFC_12_*Bartholus*", _MASS, "Bartholus", "la"),
    Collection("trecento/PMFC_12_*Phillippoctus*", _MASS, "Phillippoctus de Caserta", "la"),
    Collection("trecento/PMFC_12_*Mediolano*", _MASS, "Mediolano", "la"),
    Collection("trecento/PMFC_12_*Barbitonsoris*", _MASS, "Barbitonsoris", "la"),
    Collection("trecento/PMFC_23_18*", _MASS, "Chipre", "la"),
    Collection("trecento/PMFC_23_19*", _MASS, "Perrinet", "la"),
    Collection("trecento/PMFC_23_21*", _MASS, "Guymont", "la"),
    Collection("trecento/PMFC_23_22*", _MASS, "Johannes Graneti", "la"),
    # Anonymous, or the file names nobody.
    Collection("trecento/PMFC_*", _MASS, None, "la"),
    Collection("luca/*", _MASS, "D. Luca", "la"),
    Collection("haydn/*", _QUARTET, "Joseph Haydn", None, "bowed"),
    Collection("mozart/k545/*", _KEYBOARD, "Wolfgang Amadeus Mozart", None, "keys"),
    Collection("mozart/*", _QUARTET, "Wolfgang Amadeus Mozart", None, "bowed"),
    Collection("beethoven/*", _QUARTET, "Ludwig van Beethoven", None, "bowed"),
    Collection("schumann_robert/opus41*", _QUARTET, "Robert Schumann", None, "bowed"),
    Collection("chopin/*", _KEYBOARD, "Frédéric Chopin", None, "keys"),
    Collection("cpebach/*", _KEYBOARD, "Carl Philipp Emanuel Bach", None, "keys"),
    Collection("schoenberg/*", _KEYBOARD, "Arnold Schoenberg", None, "keys"),
    Collection("schumann_clara/polonaise*", _KEYBOARD, "Clara Schumann", None, "keys"),
    Collection("schubert/*", _SONG, "Franz Schubert", "de"),
    Collection("schumann_robert/opus48*", _SONG, "Robert Schumann", "de"),
    Collection("beach/*", _SONG, "Amy Beach", "en"),
    Collection("handel/*", _SONG, "George Frideric Handel", "it"),
    Collection("verdi/*", _SONG, "Giuseppe Verdi", "it"),
    Collection("johnson_j_r/*", _SONG, "J. Rosamond Johnson", "en"),
    # Hawaiian and English in turn.
    Collection("liliuokalani/*", _SONG, "Liliuokalani", None),
    Collection("leadSheet/*", _SONG, "Stephen Foster", "en"),
    Collection("webern/*", _SONG, "Anton Webern", "la"),
)

TUNE_BOOKS = (
    TuneBook("airdsAirs/*", "Aird's Airs (1782-1803)", "bowed"),
    TuneBook("oneills1850/*", "O'Neill's Music of Ireland (1903)", "bowed"),
    TuneBook("ryansMammoth/*", "Ryan's Mammoth Collection (1883)", "bowed"),
)
# Of one type from one book, evenly over the book: three books together have thousands.
MOST_TUNES = 25

# Phrases, in lower case, with which a file forbids what is done here.
FORBIDDING = ("all rights reserved", "rights to all derivative electronic formats reserved")

LEFT_OUT = (
    LeftOut("palestrina/*", "the files reserve the rights to all derivative electronic formats"),
    LeftOut("bach/*.krn", "the files reserve the rights to all derivative electronic formats"),
    LeftOut("leadSheet/berlin*", "the file says: All Rights Reserved"),
    LeftOut("essenFolksong/*", "its licence.txt calls the legal status of the data base unclear"),
    LeftOut("monteverdi/madrigal.5.*", "files name a print of 2003 and its publisher as owner"),
    LeftOut("bach/bwv846*", "copied from musescore.com, no licence stated"),
    LeftOut("joplin/*", "copied from musescore.com, no licence stated"),
    LeftOut("miscFolk/american*", "copied from a site that no longer exists, no licence stated"),
    LeftOut("*.rntxt", "an analysis without notes"),
    LeftOut("bach/choraleAnalyses/*", "analyses without notes"),
    LeftOut("*.txt", "no music"),
    LeftOut("*.py", "no music"),
    LeftOut("*.pyc", "no music"),
    LeftOut("*.mus", "a program's own format, beside a copy in MusicXML"),
    LeftOut("*.musx", "a program's own format, beside a copy in MusicXML"),
    LeftOut("_metadataCache/*", "no music"),
    LeftOut("demos/*", "examples for music21's manual"),
    LeftOut("theoryExercises/*", "exercises"),
    LeftOut("miscFolk/north*", "tunes that state no type"),
    LeftOut("nottingham-dataset/*", "two tunes of a book"),
    LeftOut("josquin/*", "one file a voice, with octave marks and words that music21 cannot read"),
    LeftOut("ciconia/*", "one voice of a canon"),
    LeftOut("corelli/*", "the only trio sonata"),
    LeftOut("weber/*", "the only concerto"),
    LeftOut("schumann_clara/opus17/*", "the only piano trio"),
    LeftOut("trecento/Fava*", "the only liturgical piece outside the mass"),
    LeftOut("trecento/PMFC_12_4*_bak.xml", "a copy"),
    LeftOut("trecento/PMFC_13_01*.mxl", "a copy"),
    LeftOut("monteverdi/madrigal.3.1_old.mxl", "a copy"),
    LeftOut("schumann_robert/dichterliebe*", "a copy"),
    LeftOut("beethoven/*.krn", "a copy"),
)
