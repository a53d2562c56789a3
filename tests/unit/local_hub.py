"""A model hub on this machine: its index of a repository at a commit, and its files."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

COMMIT, OLDER = "c" * 40, "0" * 40


class Hub:
    """Repositories by name: files by path, the same at two commits. ``asked`` is every request, with its range."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.broken: set[str] = set()
        """Files of which the first answer breaks off in the middle."""
        self.url = ""

    def add(self, repo: str, **files: bytes) -> None:
        """Add files; their paths with / written as two underscores."""
        self.repos[repo] = {path.replace("__", "/"): content for path, content in files.items()}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on this machine alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            span = self.headers.get("Range")
            hub.asked.append((self.path, span))
            content = _index(hub, self.path) if self.path.startswith("/api/") else _file(hub, self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(re.findall(r"\d+", span)[0]) if span else 0
            self.send_response(206 if span else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            whole = self.path.rpartition("/")[2] not in hub.broken or span
            self.wfile.write(content[start:] if whole else content[: len(content) // 2])

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield hub
    server.shutdown()
    server.server_close()


def _index(hub: Hub, path: str) -> bytes | None:
    found = re.fullmatch(r"/api/datasets/([^/]+/[^/?]+)(?:/revision/([0-9a-f]+))?\?blobs=true", path)
    if found is None or found[1] not in hub.repos or found[2] not in (None, COMMIT, OLDER):
        return None
    files = [
        {"rfilename": name, "size": len(content), "lfs": {"sha256": hashlib.sha256(content).hexdigest()}}
        for name, content in hub.repos[found[1]].items()
    ]
    return json.dumps({"id": found[1], "sha": _commit(found[2]), "siblings": files}).encode()


def _commit(asked: str | None) -> str:
    return asked or COMMIT


def _file(hub: Hub, path: str) -> bytes | None:
    found = re.fullmatch(rf"/datasets/([^/]+/[^/]+)/resolve/(?:{COMMIT}|{OLDER})/(.+)", path)
    return hub.repos.get(found[1], {}).get(found[2]) if found else None


def picture(seed: int) -> bytes:
    """Return a JPEG that no other seed gives."""
    content = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


def parquet(labels: list[int], classes: list[str], first: int = 0, **change: Any) -> bytes:
    """Return rows as the hub keeps them: image {bytes, path} and label, the classes named in the schema's metadata."""
    images = [{"bytes": picture(first + row), "path": f"{row}.jpg"} for row in range(len(labels))]
    features = {"image": {"_type": "Image"}, "label": {"names": classes, "_type": "ClassLabel"}}
    about = {"info": {"features": features | change.get("features", {})}}
    table = pa.table({"image": change.get("images", images), "label": pa.array(labels, pa.int64())})
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(about)}), sink)
    return sink.getvalue()
