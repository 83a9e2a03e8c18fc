"""A server on this machine that stands in for Zenodo, and what downloads from it leave."""

import hashlib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from musicvae_jax import download as downloads
from musicvae_jax.download import main
from musicvae_jax.songs import FOURMULA_PATH

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
