"""Lyrics for the synthetic demo songs: templates filled with words on a topic."""

from typing import NamedTuple

import numpy as np

MIN_LINES = 8
MAX_LINES = 16
# Below 1, so that lyrics hint at the genre without giving it away.
TOPIC_SHARE = 0.6


class Language(NamedTuple):
    """Line templates with two slots, and for each topic the noun phrases that fit every slot."""

    templates: tuple[str, ...]
    topics: dict[str, tuple[str, ...]]


# No template puts a slot after a preposition that would contract with the article ("de a lua").
LANGUAGES = {
    "en": Language(
        templates=(
            "I keep {a} and {b} inside me",
            "tell me about {a}, tell me about {b}",
            "we were young and {a} was ours",
            "nobody sees {a} like you do",
            "{a} is calling, {b} is near",
            "and I would trade {a} for {b}",
            "oh, {a}, stay a little longer",
            "between {a} and {b} I wait for you",
            "when {a} is gone we sing again",
            "I never asked for {a}",
        ),
        topics={
            "dance": ("the ballroom", "the slow turn", "your hand", "the violin", "the floor"),
            "road": ("the long road", "the drum", "the flag", "the dust", "the next town"),
            "city": ("the neon", "the last train", "the crowd", "the night shift", "the signal"),
            "love": ("your name", "the letter", "my heart", "the first kiss", "the goodbye"),
            "feast": ("the village", "the harvest", "the bread", "the old table", "the laughter"),
            "sleep": ("the moon", "the cradle", "the quiet star", "the dream", "the pillow"),
            "sea": ("the tide", "the white sail", "the shore", "the salt wind", "the harbour"),
            "light": ("the morning", "the mountain", "the candle", "the bell", "the promise"),
            "fire": ("the engine", "the thunder", "the spark", "the broken wall", "the storm"),
        },
    ),
    "pt-br": Language(
        templates=(
            "eu guardo {a} e {b} comigo",
            "vem ver {a}, vem ver {b}",
            "quem me trouxe {a} foi você",
            "ninguém conhece {a} como eu",
            "{a} me chama, {b} também",
            "eu troco {a} e canto até amanhã",
            "ai, {a}, fica mais um pouco",
            "entre {a} e {b} eu te espero",
            "não quero perder {a} outra vez",
            "deixa {a} cantar com a gente",
        ),
        topics={
            "dance": ("o salão", "o giro lento", "a tua mão", "o violino", "a valsa"),
            "road": ("a estrada", "o tambor", "a bandeira", "a poeira", "o caminho"),
            "city": ("o neon", "o último trem", "a multidão", "a madrugada", "o sinal"),
            "love": ("o teu nome", "a carta", "o coração", "a saudade", "o adeus"),
            "feast": ("a vila", "a colheita", "o pão", "a fogueira", "o riso"),
            "sleep": ("a lua", "o berço", "a estrela calma", "o sonho", "o travesseiro"),
            "sea": ("a maré", "a vela branca", "a praia", "o vento do mar", "o porto"),
            "light": ("a manhã", "a montanha", "a vela acesa", "o sino", "a promessa"),
            "fire": ("o motor", "o trovão", "a faísca", "o muro quebrado", "a tempestade"),
        },
    ),
    "es": Language(
        templates=(
            "yo guardo {a} y también {b}",
            "ven a ver {a}, ven a ver {b}",
            "quien me trajo {a} fuiste tú",
            "nadie conoce {a} como yo",
            "{a} me llama, {b} también",
            "yo cambio {a} por una canción",
            "ay, {a}, quédate un poco más",
            "entre {a} y {b} te espero",
            "no quiero perder {a} otra vez",
            "deja {a} aquí, que ya amanece",
        ),
        topics={
            "dance": ("el salón", "la vuelta lenta", "tu mano", "el violín", "el vals"),
            "road": ("el camino", "el tambor", "la bandera", "el polvo", "el otro pueblo"),
            "city": ("el neón", "el último tren", "la multitud", "la madrugada", "la señal"),
            "love": ("tu nombre", "la carta", "mi corazón", "el primer beso", "el adiós"),
            "feast": ("la aldea", "la cosecha", "el pan", "la mesa vieja", "la risa"),
            "sleep": ("la luna", "la cuna", "la estrella quieta", "el sueño", "la almohada"),
            "sea": ("la marea", "la vela blanca", "la orilla", "el viento salado", "el puerto"),
            "light": ("la mañana", "la montaña", "la vela encendida", "la campana", "la promesa"),
            "fire": ("el motor", "el trueno", "la chispa", "el muro roto", "la tormenta"),
        },
    ),
}


def write_lyrics(language: str, topic: str, rng: np.random.Generator) -> str:
    """Returns 8 to 16 lines of lyrics, mostly about the topic.

    Raises:
        KeyError: `language` or `topic` has no vocabulary.
    """
    templates, topics = LANGUAGES[language]
    on_topic = topics[topic]
    everything = [phrase for phrases in topics.values() for phrase in phrases]

    def phrase() -> str:
        return str(rng.choice(on_topic if rng.random() < TOPIC_SHARE else everything))

    n_lines = rng.integers(MIN_LINES, MAX_LINES + 1)
    lines = (str(rng.choice(templates)).format(a=phrase(), b=phrase()) for _ in range(n_lines))
    return "\n".join(line[0].upper() + line[1:] for line in lines)
