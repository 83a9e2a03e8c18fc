"""Songs in a folder of audio files."""
