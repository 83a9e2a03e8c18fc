"""Whole files that are downloaded, checked, and taken where they are there already."""

from zenodoserver import BLOCK, CONTENT, TARGET, TINY, fails, folder_listing, md5

from musicvae_jax import download as downloads
from musicvae_jax.download import DATASETS, Dataset, download, main


def test_tiny_is_the_published_file():
    published = Dataset(4585498, "4mula_tiny.parquet", "md5:b1caba387baa22a7b16893702a3214f7")
    assert DATASETS["4mula-tiny"] == published
    assert downloads._locate(published).url == (
        "https://zenodo.org/records/4585498/files/4mula_tiny.parquet?download=1"
    )


def test_whole_download(zenodo):
    seen = []
    path = download("4mula-tiny", on_bytes=lambda *progress: seen.append(progress))
    assert path == TARGET
    assert TARGET.read_bytes() == CONTENT
    assert folder_listing() == [TARGET.name]
    assert zenodo.requests == [(TINY, None)]
    assert seen[:2] == [(0, len(CONTENT)), (BLOCK, len(CONTENT))]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_failing_server_is_asked_again(zenodo):
    zenodo.failures = [503, 500]
    download("4mula-tiny")
    assert TARGET.read_bytes() == CONTENT
    assert len(zenodo.requests) == 3


def test_wrong_content_is_named_and_removed(zenodo, capsys):
    zenodo.files[TINY] = b"something else"
    line = fails(capsys, "4mula-tiny")
    assert f"expected {md5(CONTENT)}, found {md5(b'something else')}" in line
    assert folder_listing() == []


def test_wrong_content_leaves_the_file_that_was_there(zenodo, capsys):
    TARGET.parent.mkdir()
    TARGET.write_bytes(b"old")
    zenodo.files[TINY] = b"something else"
    fails(capsys, "4mula-tiny")
    assert TARGET.read_bytes() == b"old"


def test_file_that_is_there_is_not_asked_for(zenodo, capsys):
    TARGET.parent.mkdir()
    TARGET.write_bytes(CONTENT)
    assert main(["4mula-tiny"]) == 0
    assert zenodo.requests == []
    out, err = capsys.readouterr()
    assert out == f"{TARGET}: complete, checksum as published\n"
    assert err == ""


def test_file_with_another_checksum_is_replaced(zenodo):
    TARGET.parent.mkdir()
    TARGET.write_bytes(CONTENT[:-1])
    download("4mula-tiny")
    assert TARGET.read_bytes() == CONTENT


def test_missing_file_is_not_asked_for_again(zenodo, capsys):
    del zenodo.files[TINY]
    line = fails(capsys, "4mula-tiny")
    assert "404" in line
    assert "resumes" not in line
    assert len(zenodo.requests) == 1
    assert folder_listing() == []


def test_no_server(zenodo, monkeypatch, capsys):
    monkeypatch.setattr(downloads, "_ZENODO", "http://127.0.0.1:1")
    assert "refused" in fails(capsys, "4mula-tiny")
    assert "refused" in fails(capsys, "4mula-small")
