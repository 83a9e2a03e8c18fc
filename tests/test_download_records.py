"""4MuLA small: its file and checksum are those that its record on Zenodo names."""

import json
from pathlib import Path

import pytest
from zenodoserver import CONTENT, fails, folder_listing, md5

from musicvae_jax.download import download


def publish(zenodo, *keys):
    """Adds the record of 4MuLA small, with a file for each key."""
    entries = []
    for key in keys:
        path = f"/api/records/4636802/files/{Path(key).name}/content"
        zenodo.files[path] = CONTENT
        links = {"self": zenodo.url + path}
        entries.append({"key": key, "size": len(CONTENT), "checksum": md5(CONTENT), "links": links})
    zenodo.files["/api/records/4636802"] = json.dumps({"files": entries}).encode()


def test_small_takes_name_and_checksum_from_the_record(zenodo):
    publish(zenodo, "readme.txt", "any_name.parquet")
    download("4mula-small")
    assert Path("data/any_name.parquet").read_bytes() == CONTENT
    assert [path for path, _ in zenodo.requests] == [
        "/api/records/4636802",
        "/api/records/4636802/files/any_name.parquet/content",
    ]


def test_small_is_checked_against_the_record(zenodo, capsys):
    publish(zenodo, "a.parquet")
    zenodo.files["/api/records/4636802/files/a.parquet/content"] = b"something else"
    assert md5(CONTENT) in fails(capsys, "4mula-small")
    assert folder_listing() == []


@pytest.mark.parametrize(
    ("keys", "found"),
    [((), "no file"), (("a.txt",), "a.txt"), (("a.parquet", "b.parquet"), "a.parquet, b.parquet")],
)
def test_record_without_exactly_one_parquet_file(zenodo, capsys, keys, found):
    publish(zenodo, *keys)
    line = fails(capsys, "4mula-small")
    assert line.endswith(f"expected one .parquet file, found {found}")


def test_record_with_another_kind_of_checksum(zenodo, capsys):
    publish(zenodo, "a.parquet")
    record = zenodo.files["/api/records/4636802"].replace(b"md5:", b"sha256:")
    zenodo.files["/api/records/4636802"] = record
    assert "expected an md5 checksum, found sha256:" in fails(capsys, "4mula-small")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"files": [{"key": "a.parquet"}]}'])
def test_record_of_another_form(zenodo, capsys, body):
    zenodo.files["/api/records/4636802"] = body
    assert "expected a record with a list of files" in fails(capsys, "4mula-small")
    assert len(zenodo.requests) == 1


def test_name_in_a_record_cannot_leave_the_folder(zenodo):
    publish(zenodo, "../outside.parquet")
    download("4mula-small")
    assert folder_listing() == ["outside.parquet"]
    assert not Path("outside.parquet").exists()
