"""A real set that anyone can make: scores of music21's corpus, rendered into the 4MuLA schema.

Real are the pieces, their words, composers and genres. Synthetic is the sound: wavetables of
`musicvae_jax.songs.synthesis`, one per family of instruments, all notes equally loud, in the tempo
of the score or else 120 quarter notes per minute. Voices sing no words, so a language can be heard
only by its repertoire. Nothing about the sound depends on the genre as such; but scores of one
genre are for the same instruments, as recordings would be.

Genres are those of the collections (`repertoire.py`), and of tune books the type of the tune. The
language is that of the collection, also where the words are not encoded. `art_id` and `art_name`
are the composer, of tune books the book; null where the source names nobody.
"""
