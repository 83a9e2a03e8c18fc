"""Which songs a run is of where the command line leaves that open."""

from dataclasses import replace
from pathlib import Path

import pytest
import tablefiles
from songfiles import songs_table, write
from tinyruns import tiny

from musicvae_jax.errors import InputError
from musicvae_jax.pipeline import resolve as resolve_module
from musicvae_jax.pipeline.resolve import resolve
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.demo import write_demo

DEMO = Path("data/demo.parquet")


def resolved_path(path=None):
    return resolve(tiny("easy_pca", path), Terminal()).data.path


def test_without_a_path_the_demo_set_is_made_once(monkeypatch, capsys):
    made = []

    def write_small_demo(path, on_song):
        made.append(path)
        write_demo(path, 27, on_song)

    monkeypatch.setattr(resolve_module, "write_demo", write_small_demo)
    assert [resolved_path(), resolved_path()] == [DEMO, DEMO]
    assert made == [DEMO]
    assert capsys.readouterr().out.startswith("songs: the built-in synthetic demo set")


def test_downloaded_4mula_comes_before_the_demo_set(capsys):
    Path("data").mkdir()
    path = write(Path("data/4mula_tiny.parquet"), songs_table())
    assert resolved_path() == path
    assert not DEMO.exists()
    assert capsys.readouterr().out.startswith("songs: 4MuLA tiny (data/4mula_tiny.parquet)")


def test_a_file_in_the_place_of_the_demo_set_is_not_overwritten():
    DEMO.parent.mkdir()
    content = write(DEMO, songs_table()).read_bytes()
    with pytest.raises(InputError, match="exists and is not a demo set"):
        resolved_path()
    assert resolved_path(DEMO) == DEMO
    assert DEMO.read_bytes() == content


def test_only_what_uses_lyrics_has_their_runtime_settled(song_path, capsys):
    without, with_lyrics = (
        resolve(tiny(name, song_path), Terminal()) for name in ("easy_pca", "medium_lyrics")
    )
    assert without.lyrics == tiny("easy_pca", song_path).lyrics
    assert with_lyrics.lyrics.runtime == "tfidf"
    assert capsys.readouterr().out.count("lyrics") == 1


@pytest.mark.parametrize(
    ("name", "blocks", "replaced"),
    [
        ("easy_pca", ("table",), "statistics"),
        ("easy_vae_mfcc", ("table",), "statistics and mfcc"),
        ("hard_mfa", ("table", "tfidf_32"), "mfcc and rhythm"),
        ("medium_lyrics", ("lyrics",), "statistics"),
    ],
)
def test_a_table_takes_the_place_of_audio_blocks(tmp_path, capsys, name, blocks, replaced):
    path = tablefiles.write(tmp_path / "t.csv", tablefiles.gtzan_like())
    found = resolve(tiny(name, path), Terminal())
    assert found.features.blocks == blocks
    assert found.audio_blocks == ("table",)
    notice = (
        f"notice: songs without mel spectrograms: the block table takes the place of {replaced}\n"
    )
    assert capsys.readouterr().err == notice
    assert resolve(found, Terminal()) == found
    assert capsys.readouterr().err == ""


def test_songs_with_mels_keep_their_blocks(song_path):
    for name in ("easy_vae_mfcc", "medium_conv_vae", "medium_lyrics"):
        assert resolve(tiny(name, song_path), Terminal()).features == tiny(name, None).features


def test_a_model_of_crops_is_refused_without_mels(tmp_path):
    path = tablefiles.write(tmp_path / "t.csv", tablefiles.gtzan_like())
    message = "model.kind: got 'conv_vae', which reads mel spectrograms, and .*t.csv is a table"
    with pytest.raises(InputError, match=message):
        resolve(tiny("medium_conv_vae", path), Terminal())


@pytest.mark.parametrize(("accelerators", "chosen"), [(True, "conv"), (False, "patch")])
def test_devices_choose_the_layers_of_a_model_of_crops(
    song_path, monkeypatch, accelerators, chosen
):
    monkeypatch.setattr(resolve_module, "has_accelerators", lambda: accelerators)
    found = resolve(tiny("medium_conv_vae", song_path), Terminal())
    assert found.model.architecture == chosen
    for asked in ("conv", "patch"):
        model = replace(found.model, architecture=asked)
        assert resolve(replace(found, model=model), Terminal()).model == model
    # Other models have no such layers: their trainings are the same on all devices.
    assert resolve(tiny("easy_vae", song_path), Terminal()).model.architecture == "auto"
