"""Songs in folders of audio files."""
