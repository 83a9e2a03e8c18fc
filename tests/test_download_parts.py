"""Downloads that break off, are interrupted or lack room: what is kept, and where they go on."""

from collections import namedtuple

import pytest
from clocks import Clock
from zenodoserver import BLOCK, CONTENT, PART, TARGET, fails, folder_listing, write_part

from musicvae_jax import download as downloads
from musicvae_jax.download import download, main
from musicvae_jax.runtime.tasks import Task


def test_dropped_connection_is_resumed_where_it_broke(zenodo):
    zenodo.drops = [2 * BLOCK, BLOCK]
    seen = []
    download("4mula-tiny", on_bytes=lambda *progress: seen.append(progress))
    assert TARGET.read_bytes() == CONTENT
    assert zenodo.asked() == [None, f"bytes={2 * BLOCK}-", f"bytes={3 * BLOCK}-"]
    assert {total for _, total in seen} == {len(CONTENT)}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_server_without_ranges_starts_over(zenodo):
    zenodo.ranges = False
    zenodo.drops = [2 * BLOCK]
    download("4mula-tiny")
    assert TARGET.read_bytes() == CONTENT
    assert zenodo.asked() == [None, f"bytes={2 * BLOCK}-"]


def test_the_same_command_resumes_after_it_gave_up(zenodo, capsys):
    zenodo.drops = [BLOCK, BLOCK, BLOCK]
    line = fails(capsys, "4mula-tiny")
    kept = f"; {PART} holds {3 * BLOCK} bytes, and the same command resumes from there"
    assert line.endswith(kept)
    assert folder_listing() == [PART.name]
    assert PART.read_bytes() == CONTENT[: 3 * BLOCK]
    assert main(["4mula-tiny"]) == 0
    assert TARGET.read_bytes() == CONTENT
    assert zenodo.asked()[-1] == f"bytes={3 * BLOCK}-"
    assert folder_listing() == [TARGET.name]


def test_part_that_is_whole_is_only_checked(zenodo):
    write_part(CONTENT)
    download("4mula-tiny")
    assert TARGET.read_bytes() == CONTENT
    assert zenodo.asked() == [f"bytes={len(CONTENT)}-"]


def test_what_an_earlier_command_downloaded_took_no_time():
    clock = Clock()
    task = Task("4mula-small", None, "MB", clock)
    for second in range(61):
        clock.now = float(second)
        downloads._show_bytes(task, (10_000 + second) * 10**6, 11_000 * 10**6)
    assert (task.done, task.seconds_left) == (10_060, 940.0)


def test_the_first_number_is_of_bytes_that_were_there(zenodo):
    PART.parent.mkdir()
    PART.write_bytes(CONTENT[:5])
    seen = []
    download("4mula-tiny", on_bytes=lambda done, total: seen.append(done))
    assert (seen[0], seen[-1]) == (5, len(CONTENT))


def with_free_bytes(monkeypatch, free_bytes):
    usage = namedtuple("Usage", "free")(free_bytes)
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda folder: usage)


def test_too_little_room_is_seen_before_anything_is_written(zenodo, monkeypatch, capsys):
    with_free_bytes(monkeypatch, len(CONTENT) - 1)
    line = fails(capsys, "4mula-tiny")
    assert f"data has {len(CONTENT) - 1} bytes free, {len(CONTENT)} are needed" in line
    assert folder_listing() == []


@pytest.mark.parametrize("ranges", [True, False])
def test_room_is_needed_only_for_what_is_not_there(zenodo, monkeypatch, capsys, ranges):
    zenodo.ranges = ranges
    write_part(CONTENT[:BLOCK])
    with_free_bytes(monkeypatch, len(CONTENT) - BLOCK - 1)
    fails(capsys, "4mula-tiny")
    assert PART.read_bytes() == CONTENT[:BLOCK]
    with_free_bytes(monkeypatch, len(CONTENT) - BLOCK)
    assert main(["4mula-tiny"]) == 0


def test_disk_that_fills_up_keeps_the_part(zenodo, monkeypatch, capsys):
    def fill_up(task, done, total):
        if done == BLOCK:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "_show_bytes", fill_up)
    line = fails(capsys, "4mula-tiny")
    assert "No space left on device" in line
    assert f"{PART} holds {BLOCK} bytes" in line
    assert len(zenodo.requests) == 1


def test_interruption_keeps_the_part(zenodo, monkeypatch, capsys):
    def interrupt(task, done, total):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "_show_bytes", interrupt)
    assert main(["4mula-tiny"]) == 130
    assert capsys.readouterr().err == "error: interrupted; the same command resumes\n"
    assert folder_listing() == [PART.name]


def test_interrupted_check_keeps_the_part(zenodo, monkeypatch):
    def interrupt(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_md5", interrupt)
        assert main(["4mula-tiny"]) == 130
    assert PART.read_bytes() == CONTENT
    assert main(["4mula-tiny"]) == 0
    assert zenodo.asked() == [None, f"bytes={len(CONTENT)}-"]
