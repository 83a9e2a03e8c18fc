import pytest
import songfiles
from hypothesis import settings

# The first call of a jitted function compiles, which no deadline per example can know.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session")
def song_path(tmp_path_factory):
    """A whole file of 24 small songs."""
    folder = tmp_path_factory.mktemp("songs")
    return songfiles.write(folder / "tiny.parquet", songfiles.songs_table())


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    """Every test runs in a folder of its own: default output folders are relative."""
    monkeypatch.chdir(tmp_path)
