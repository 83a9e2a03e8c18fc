"""Songs in several files or row groups: the same songs, features and crops as in one."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from songfiles import damage, songs_table, with_column, with_mel, write

from musicvae_jax import features
from musicvae_jax.config import FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.features import extract, melstore
from musicvae_jax.songs import load_songs, songs_name
from musicvae_jax.songs.fingerprint import file_fingerprint
from musicvae_jax.songs.parquet import parts as parquet_parts
from musicvae_jax.songs.parquet.parts import ParquetPart

# Where the files of a folder end; the faults below lie in four of them.
ENDS = (0, 6, 7, 14, 19, 24)


def faulty_table():
    """24 rows: a null mel, a null id, a duplicate within a file, two across, one of a bad row."""
    ids = [f"song {i:02d}" for i in range(24)]
    ids[3], ids[9], ids[16], ids[20], ids[22] = ids[1], ids[1], ids[4], ids[12], None
    return with_column(with_mel(songs_table(), 4, None), "music_id", ids)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(parquet_parts, "_ROWS_PER_PART", 5)


@pytest.fixture
def config(tmp_path):
    return FeatureConfig(("statistics", "rhythm"), cache_dir=tmp_path / "cache")


def in_folder(folder, table, ends=ENDS):
    folder.mkdir(parents=True, exist_ok=True)
    for i, (first, end) in enumerate(pairwise(ends)):
        write(folder / f"part-{i}.parquet", table.slice(first, end - first))
    return folder


def in_groups(folder, table):
    folder.mkdir()
    return write(folder / "s.parquet", table, row_group_size=2)


def in_glob(folder, table):
    in_folder(folder, table)
    write(folder / "other.parquet", table)
    return folder / "part-*.parquet"


LAYOUTS = {"row groups": in_groups, "folder": in_folder, "glob": in_glob}


def everything(songs, config, **options):
    found = features.extract_features(songs, config, **options)
    store = features.open_crops(songs, config, found.rows, **options)
    return found, store


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_changes_no_number(tmp_path, config, small_parts, layout):
    table = faulty_table()
    one, one_store = everything(load_songs(write(tmp_path / "s.parquet", table)), config)
    songs = load_songs(LAYOUTS[layout](tmp_path / "many", table))
    assert len(songs.parts) >= 4
    many, many_store = everything(songs, config)
    pd.testing.assert_frame_equal(one.table, many.table)
    np.testing.assert_array_equal(one.rows, many.rows)
    np.testing.assert_array_equal(one.values, many.values)
    assert [r.music_id for r in one.rejected] == [r.music_id for r in many.rejected]
    for found, expected in zip(many.rejected, one.rejected, strict=True):
        assert found.reason.startswith(expected.reason.partition(" of row ")[0])
    position = np.random.default_rng(0).random(40)
    index = np.arange(40) % len(one.rows)
    for frames in (4, 10, 30):
        np.testing.assert_array_equal(
            features.random_crops(one_store, index, frames, position),
            features.random_crops(many_store, index, frames, position),
        )
    np.testing.assert_array_equal(
        features.fixed_crops(one_store, index, 8, 3), features.fixed_crops(many_store, index, 8, 3)
    )
    for a, b in zip(
        features.fit_crop_scaler(one_store, index),
        features.fit_crop_scaler(many_store, index),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_rejections_say_file_and_row_in_it(tmp_path, config):
    songs = load_songs(in_folder(tmp_path / "many", faulty_table()))
    found = features.extract_features(songs, config)
    assert [tuple(rejection) for rejection in found.rejected] == [
        ("part-0.parquet", 3, "song 01", "music_id is a duplicate of row 1 of part-0.parquet"),
        ("part-0.parquet", 4, "song 04", "melspectrogram is null"),
        ("part-2.parquet", 2, "song 01", "music_id is a duplicate of row 1 of part-0.parquet"),
        ("part-4.parquet", 1, "song 12", "music_id is a duplicate of row 5 of part-2.parquet"),
        ("part-4.parquet", 3, "", "music_id is null"),
    ]


def test_other_processes_give_the_same_bytes(tmp_path, config):
    songs = load_songs(in_folder(tmp_path / "many", faulty_table()))
    steps = []
    here, _ = everything(songs, config, n_jobs=1)
    elsewhere = FeatureConfig(config.blocks, cache_dir=tmp_path / "elsewhere")
    found, _ = everything(songs, elsewhere, n_jobs=2, on_rows=steps.append)
    assert sorted(steps) == sorted(2 * np.diff(ENDS).tolist())
    np.testing.assert_array_equal(here.values, found.values)
    assert here.rejected == found.rejected
    for path in config.cache_dir.glob("*.f16"):
        assert path.read_bytes() == (elsewhere.cache_dir / path.name).read_bytes()


def test_the_processes_start_no_jax():
    script = """
import sys
from musicvae_jax.features import extract, melstore
print({"jax", "sklearn", "matplotlib"} & set(sys.modules))
"""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


@pytest.fixture
def read(monkeypatch):
    """Names of the files whose mels have been read."""
    names, mel_blocks = [], ParquetPart.mel_blocks
    monkeypatch.setattr(
        ParquetPart, "mel_blocks", lambda part: names.append(part.file) or mel_blocks(part)
    )
    return names


@pytest.mark.parametrize(
    ("module", "writer", "build"),
    [
        (extract, "_write_cache", features.build_features),
        (melstore, "_write_mels", features.build_stores),
    ],
)
def test_a_build_that_ended_early_goes_on(
    tmp_path, config, read, monkeypatch, module, writer, build
):
    songs = load_songs(in_folder(tmp_path / "many", faulty_table()))
    one_block = FeatureConfig(cache_dir=config.cache_dir)
    write_part, calls = getattr(module, writer), []

    def killed_at_third(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write_part(*args)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, writer, killed_at_third)
        build(songs, one_block)
    read.clear()
    steps = []
    assert build(songs, one_block, on_rows=steps.append) == 3
    assert read == ["part-2.parquet", "part-3.parquet", "part-4.parquet"]
    assert sum(steps) == 24
    assert build(songs, one_block, on_rows=lambda n: pytest.fail("something was made")) == 0


@pytest.mark.parametrize("suffix", [".npz", ".f16"])
def test_a_damaged_part_is_made_again_alone(tmp_path, config, read, suffix):
    songs = load_songs(in_folder(tmp_path / "many", faulty_table()))
    one_block = FeatureConfig(cache_dir=config.cache_dir)
    everything(songs, one_block)
    damaged = sorted(config.cache_dir.glob(f"*{suffix}"))[2]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-10])
    read.clear()
    notices = []
    everything(songs, one_block, on_notice=notices.append)
    assert len(read) == 1
    assert len(notices) == 1
    assert str(damaged) in notices[0]
    # An .npz holds the time it was written.
    assert damaged.read_bytes() == whole or suffix == ".npz"


def test_what_a_part_keeps_does_not_depend_on_the_others(tmp_path, config, read):
    table = faulty_table()
    folder = in_folder(tmp_path / "many", table)
    everything(load_songs(folder), config)
    read.clear()
    write(folder / "part-5.parquet", songs_table(26).slice(24))
    (folder / "part-0.parquet").rename(folder / "part-6.parquet")
    everything(load_songs(folder), config)
    assert read == ["part-5.parquet"] * 2


@pytest.mark.parametrize("build", [features.build_features, features.build_stores])
def test_shares_make_every_part_once(tmp_path, config, read, build):
    songs = load_songs(in_folder(tmp_path / "many", faulty_table()))
    assert [build(songs, config, features.Share(i, 3)) for i in range(3)] == [2, 2, 1]
    assert read == [f"part-{i}.parquet" for i in (0, 3, 1, 4, 2)]
    assert build(songs, config) == 0


@pytest.mark.parametrize("share", [(3, 3), (-1, 2), (0, 0)])
def test_a_share_that_cannot_be_is_refused(tmp_path, config, share):
    songs = load_songs(in_folder(tmp_path / "many", faulty_table()))
    with pytest.raises(ValueError, match="share: got index"):
        features.build_features(songs, config, features.Share(*share))


def test_a_large_matrix_is_left_on_disk(tmp_path, config, monkeypatch):
    songs = load_songs(in_folder(tmp_path / "many", faulty_table()))
    expected = features.extract_features(songs, config).values
    monkeypatch.setattr(extract, "MOST_BYTES_IN_MEMORY", 1000)
    for _ in range(2):
        values = features.extract_features(songs, config).values
        assert isinstance(values, np.memmap)
        np.testing.assert_array_equal(values, expected)
    (path,) = config.cache_dir.glob("*.npy")
    path.write_bytes(path.read_bytes()[:-4])
    np.testing.assert_array_equal(features.extract_features(songs, config).values, expected)


def test_a_part_without_a_usable_mel_is_no_hindrance(tmp_path, config):
    folder = in_folder(tmp_path / "many", with_mel(songs_table(), 6, None))
    found, store = everything(load_songs(folder), config)
    assert found.rows.tolist() == [i for i in range(24) if i != 6]
    assert len(store.frames[1]) == 0
    assert store.lengths.tolist() == [8 + i % 5 for i in found.rows]


@pytest.mark.parametrize(
    ("group_rows", "expected"),
    [
        ((1988,), [(0, 1)]),
        ((100,) * 4, [(0, 4)]),
        ((124,) * 8, [(0, 3), (3, 8)]),
        ((1000, 1000, 0, 10), [(0, 1), (1, 4)]),
        ((0, 300, 300, 0), [(0, 2), (2, 3)]),
        ((0,), []),
        ((), []),
    ],
)
def test_row_groups_are_put_together(group_rows, expected):
    parts = parquet_parts.file_parts(Path("s"), "s", "digest", group_rows, 7)
    assert [part.groups for part in parts] == expected
    for part in parts:
        start = sum(group_rows[: part.groups[0]])
        assert (part.file_row, part.first_row) == (start, start + 7)
        assert part.n_rows == sum(group_rows[slice(*part.groups)])


def test_files_come_in_natural_order_without_hidden_ones(tmp_path):
    table = songs_table(3)
    names = ["part-10", "part-9", "part-010", ".hidden", "a"]
    for name in names:
        write(tmp_path / f"{name}.parquet", table.slice(0, 1))
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "sub.parquet").mkdir()
    ordered = ["a", "part-9", "part-010", "part-10"]
    assert load_songs(tmp_path).files == tuple(f"{name}.parquet" for name in ordered)


def test_files_of_one_name_are_told_apart(tmp_path):
    for name in ("a", "b"):
        in_folder(tmp_path / name, songs_table(2), (0, 2))
    songs = load_songs(tmp_path / "*" / "*.parquet")
    assert songs.files == ("a/part-0.parquet", "b/part-0.parquet")


def test_fingerprint_of_one_file_and_of_several(tmp_path):
    table = songs_table(4)
    path = write(tmp_path / "s.parquet", table)
    digest = file_fingerprint(path)
    assert load_songs(path).fingerprint == load_songs(tmp_path).fingerprint == digest
    several = load_songs(in_folder(tmp_path / "a", table, (0, 2, 4))).fingerprint
    assert several == load_songs(in_folder(tmp_path / "b", table, (0, 2, 4))).fingerprint
    assert len({several, digest, load_songs(tmp_path / "a" / "part-[10]*").fingerprint}) == 2
    assert load_songs(tmp_path / "a" / "part-0.parquet").fingerprint != several


def test_names_for_titles():
    assert songs_name(Path("data/large v1.0")) == "large v1.0"
    assert songs_name(Path("data/4mula_tiny.parquet")) == "4mula_tiny"
    assert songs_name(Path("data/part-*.parquet")) == "part-*"
    assert songs_name(Path()) == Path.cwd().name


def test_a_file_whose_name_looks_like_a_glob_is_read(tmp_path):
    path = write(tmp_path / "songs [1].parquet", songs_table(2))
    assert len(load_songs(path).table) == 2


@pytest.mark.parametrize("name", ["", "part-*.parquet"])
def test_nothing_there_is_one_clear_error(tmp_path, name):
    with pytest.raises(InputError, match=r"neither an audio file nor|no file matches"):
        load_songs(tmp_path / name)


def test_harmless_differences_between_files(tmp_path, config):
    table = songs_table(12).append_column("art_rank", pa.array(range(12), pa.int32()))
    table = table.append_column("factor_tempo_bpm", pa.array(np.arange(12.0)))
    folder = in_folder(tmp_path / "many", table, (0, 4))
    double = songs_table(12, np.float64).slice(4, 4)
    write(folder / "part-1.parquet", with_column(double, "music_lang", pa.nulls(4)))
    last = table.slice(8).drop_columns(["music_lang", "art_rank"])
    write(folder / "part-2.parquet", with_column(last, "music_id", [8, 9, 10, 11]))
    found = features.extract_features(load_songs(folder), config)
    assert found.table["art_rank"].isna().tolist() == [False] * 4 + [True] * 8
    assert found.table["factor_tempo_bpm"].isna().tolist() == [False] * 4 + [True] * 4 + [False] * 4
    assert found.table["language"].isna().tolist() == [True] + [False] * 3 + [True] * 8
    assert found.table["music_id"].tolist()[7:10] == ["song 07", "8", "9"]
    one = features.extract_features(load_songs(write(tmp_path / "s.parquet", table)), config)
    np.testing.assert_array_equal(one.values, found.values)


def test_a_bad_file_is_named(tmp_path):
    folder = in_folder(tmp_path / "many", songs_table())
    path = folder / "part-3.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    with pytest.raises(InputError, match=r"part-3\.parquet: not a complete parquet file"):
        load_songs(folder)
    write(path, songs_table(3).drop_columns("melspectrogram"))
    with pytest.raises(InputError, match=r"part-3\.parquet: column 'melspectrogram' is missing"):
        load_songs(folder)


def test_columns_that_do_not_go_together_are_named(tmp_path):
    table = songs_table(4)
    folder = in_folder(tmp_path / "many", table.append_column("art_rank", pa.array(range(4))))
    write(folder / "part-5.parquet", table.append_column("art_rank", pa.array([["a"]] * 4)))
    with pytest.raises(
        InputError, match=r"part-5\.parquet: does not match the files before it .*art_rank"
    ):
        load_songs(folder)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.slow
def test_damage_inside_one_file_is_named(tmp_path, config, n_jobs):
    folder = in_folder(tmp_path / "many", songs_table(), (0, 12))
    path = write(folder / "part-1.parquet", songs_table(8), use_dictionary=False)
    damage(path, "melspectrogram.list.element.list.element")
    with pytest.raises(InputError, match=r"part-1\.parquet: column 'melspectrogram' cannot be"):
        features.build_features(load_songs(folder), config, n_jobs=n_jobs)
