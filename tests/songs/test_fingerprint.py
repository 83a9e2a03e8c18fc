import os

import pytest
from blake3 import blake3

from musicvae_jax.songs import fingerprint
from musicvae_jax.songs.fingerprint import file_fingerprint, joined_fingerprint


@pytest.mark.parametrize("n_bytes", [0, 1, 10, 11, 35])
def test_it_is_the_digest_of_all_bytes_however_they_are_read(tmp_path, monkeypatch, n_bytes):
    monkeypatch.setattr(fingerprint, "_BYTES_AT_ONCE", 10)
    path = tmp_path / "songs"
    path.write_bytes(bytes(range(n_bytes)))
    assert file_fingerprint(path) == blake3(bytes(range(n_bytes))).hexdigest()


def test_a_piece_stays_as_it_is_while_the_next_one_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "_BYTES_AT_ONCE", 3)
    path = tmp_path / "songs"
    path.write_bytes(b"abcdef")
    with path.open("rb", buffering=0) as content:
        pieces = fingerprint._pieces(content)
        first, second = next(pieces), next(pieces)
        assert (bytes(first), bytes(second)) == (b"abc", b"def")


def test_it_is_that_of_the_published_test_vectors(tmp_path):
    path = tmp_path / "songs"
    path.write_bytes(bytes(i % 251 for i in range(2048)))
    assert file_fingerprint(path).startswith("e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838e")


def test_a_file_changed_in_place_is_read_again(tmp_path):
    path = tmp_path / "songs"
    path.write_bytes(b"before")
    os.utime(path, ns=(0, 1_000_000))
    before = file_fingerprint(path)
    path.write_bytes(b"after!")
    os.utime(path, ns=(0, 2_000_000))
    assert file_fingerprint(path) != before


def test_a_file_that_has_gone_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_fingerprint(tmp_path / "gone")


def test_several_are_told_apart_from_each_other_and_by_their_order():
    assert len({joined_fingerprint(one) for one in (["a"], ["b"], ["a", "b"], ["b", "a"])}) == 4
