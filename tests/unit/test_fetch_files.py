"""Files of the web: resumed, verified, from the first mirror that has them; by a real server on this machine."""

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from small_datasets import files_in

from fgir.data.fetch import download, not_downloaded, verify_file
from fgir.study.catalogue import Download
from fgir.utils.errors import FgirError

CONTENT = bytes(range(256)) * 40
RIGHT = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class Server(BaseHTTPRequestHandler):
    """/whole sends the file; /broken half of it at first, then what is asked for; /page a web page; /other others."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        first_time = (self.path, None) not in self.asked
        self.asked.append((self.path, span))
        start = int(re.findall(r"\d+", span)[0]) if span else 0
        content = {"/other": b"other", "/page": b"<html>"}.get(self.path, CONTENT)[start:]
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(206 if span else 200)
        self.send_header("Content-Type", "text/html" if self.path == "/page" else "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path == "/broken" and first_time else content)

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    Server.asked = []
    served = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def wanted(*urls: str, checksum: str | None = RIGHT) -> Download:
    return Download(file="images.tar", urls=list(urls), checksum=checksum, gb=0.5)


def test_a_file_is_fetched_whole_and_nothing_else_is_left(server: str, tmp_path: Path) -> None:
    faults = download(wanted(f"{server}/whole"), tmp_path)

    assert faults == []
    assert (tmp_path / "images.tar").read_bytes() == CONTENT
    assert files_in(tmp_path) == ["images.tar"]


def test_a_broken_download_goes_on_where_it_was(server: str, tmp_path: Path) -> None:
    faults = download(wanted(f"{server}/broken"), tmp_path)

    assert faults == []
    assert (tmp_path / "images.tar").read_bytes() == CONTENT
    assert Server.asked == [("/broken", None), ("/broken", f"bytes={len(CONTENT) // 2}-")]


def test_the_next_mirror_is_asked_where_one_has_nothing_or_something_else(server: str, tmp_path: Path) -> None:
    urls = (f"{server}/missing", f"{server}/page", f"{server}/other", f"{server}/whole")

    faults = download(wanted(*urls), tmp_path)

    assert faults == []
    assert (tmp_path / "images.tar").read_bytes() == CONTENT


def test_what_every_mirror_said_is_said_with_the_way_out(server: str, tmp_path: Path) -> None:
    file = wanted(f"{server}/page", f"{server}/missing")

    text = not_downloaded(file, tmp_path, download(file, tmp_path), "")

    assert "web page" in text
    assert "404" in text
    assert f"put the file images.tar (0.5 GB, {RIGHT}) into {tmp_path}" in text
    assert not (tmp_path / "images.tar").exists()


def test_a_file_that_is_another_is_refused_and_one_that_is_right_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    path.write_bytes(CONTENT)
    verify_file(path, RIGHT)
    marked = (tmp_path / ".images.tar.verified").read_text()
    path.write_bytes(b"changed")

    with pytest.raises(FgirError, match="expected; delete it and rerun"):
        verify_file(path, RIGHT)

    assert RIGHT in marked
