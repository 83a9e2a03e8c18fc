"""Songs in a table of numbers that describe them, without mel spectrograms."""
