"""Downloads from a server on this machine that stands in for Zenodo."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from clocks import Clock

from musicvae_jax import download as downloads
from musicvae_jax.download import DATASETS, Dataset, download, main
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.tasks import Task
from musicvae_jax.songs import FOURMULA_PATH

ROOT = Path(__file__).parent.parent
BLOCK = downloads._BLOCK_BYTES
CONTENT = bytes(range(256)) * (5 * BLOCK // 256) + b"end"
TINY = "/records/1/files/4mula_tiny.parquet?download=1"
TARGET = FOURMULA_PATH
PART = Path("data/4mula_tiny.parquet.part")


def md5(content):
    return f"md5:{hashlib.md5(content).hexdigest()}"


class Zenodo(HTTPServer):
    """Serves `files` (path: bytes); each entry of `drops` ends one answer after so many bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files = {TINY: CONTENT}
        self.drops = []
        self.failures = []
        self.ranges = True
        self.requests = []

    def asked(self):
        """The Range header of each request so far."""
        return [header for _, header in self.requests]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers["Range"]
        server.requests.append((self.path, asked))
        if server.failures:
            return self.send_error(server.failures.pop(0))
        if self.path not in server.files:
            return self.send_error(404)
        content = server.files[self.path]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        resumes = bool(asked) and server.ranges
        if resumes and start >= len(content):
            return self.send_error(416)
        return self.answer(content[start:] if resumes else content, 206 if resumes else 200)

    def answer(self, body, status):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.drops.pop(0)] if self.server.drops else body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def zenodo(monkeypatch):
    with Zenodo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(downloads, "_ZENODO", server.url)
        monkeypatch.setattr(downloads, "_PAUSES_S", (0, 0))
        tiny = Dataset(1, TARGET.name, md5(CONTENT))
        monkeypatch.setitem(DATASETS, "4mula-tiny", tiny)
        yield server
        server.shutdown()
        thread.join()


def write_part(content):
    PART.parent.mkdir()
    PART.write_bytes(content)


def folder_listing():
    return sorted(path.name for path in Path("data").iterdir())


def fails(capsys, *arguments, code=1):
    """Runs the command line in this process; returns the one line of a failure."""
    assert main(arguments) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    return line


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


def test_failing_server_is_asked_again(zenodo):
    zenodo.failures = [503, 500]
    download("4mula-tiny")
    assert TARGET.read_bytes() == CONTENT
    assert len(zenodo.requests) == 3


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


def test_the_quiet_command_prints_nothing_on_success(zenodo, capsys):
    assert main(["--quiet", "4mula-tiny"]) == 0
    assert TARGET.read_bytes() == CONTENT
    assert capsys.readouterr() == ("", "")


def test_progress_is_in_megabytes():
    task = Task("4mula-tiny", None, "MB", lambda: 0.0)
    downloads._show_bytes(task, 2_900_000, None)
    assert (task.done, task.total) == (2, None)
    downloads._show_bytes(task, 5_000_001, 5_000_001)
    assert (task.done, task.total) == (5, 6)


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


def test_no_server(zenodo, monkeypatch, capsys):
    monkeypatch.setattr(downloads, "_ZENODO", "http://127.0.0.1:1")
    assert "refused" in fails(capsys, "4mula-tiny")
    assert "refused" in fails(capsys, "4mula-small")


def test_unknown_name_lists_the_names(capsys):
    line = fails(capsys, "4mula-huge", code=2)
    assert line == "error: unknown data set '4mula-huge'; expected one of 4mula-tiny, 4mula-small"
    assert not Path("data").exists()


@pytest.mark.parametrize("arguments", [(), ("4mula-tiny", "more"), ("--fast",)])
def test_bad_arguments_list_the_names(capsys, arguments):
    assert fails(capsys, *arguments, code=2).endswith("NAME is one of 4mula-tiny, 4mula-small")


def test_folder_that_cannot_be_made(zenodo, capsys):
    Path("data").write_text("a file")
    assert "cannot make the folder data" in fails(capsys, "4mula-tiny", code=2)
    with pytest.raises(InputError):
        download("4mula-tiny", folder=Path("data/deeper"))
    assert zenodo.requests == []


def test_help_does_not_import_requests():
    code = (
        "import sys; from musicvae_jax.download import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "sys.exit('requests' in sys.modules)"
    )
    helped = python("-c", code)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "4mula-tiny, 4mula-small" in helped.stdout


def test_command_as_a_user_types_it():
    failed = python("-m", "musicvae_jax.download", "4mula-huge")
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: unknown data set '4mula-huge'")
    assert len(failed.stderr.splitlines()) == 1


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
