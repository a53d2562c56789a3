"""Dataset repositories of the model hub: what one holds at a commit, and where its files are."""

import os
import re
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from fgir.catalogue import Mirror
from fgir.data.fetch import reason
from fgir.errors import FgirError

_SECONDS = 60
_ANSWERS = {
    401: "there is no such repository, or it asks for a login",
    403: "it is open to some accounts only",
    404: "there is no such repository or revision",
}


class HubFile(NamedTuple):
    """A file of a repository."""

    path: str
    url: str
    size: int | None
    """Bytes."""
    sha256: str | None
    """None of small files, which the hub does not digest."""


class Snapshot(NamedTuple):
    """A repository at one commit."""

    repo: str
    commit: str
    files: list[HubFile]

    def __str__(self) -> str:
        """Return owner/name@commit."""
        return f"{self.repo}@{self.commit}"


def snapshot(mirror: Mirror) -> Snapshot:
    """Return what a repository holds at its pinned commit, or at the newest where none is pinned.

    HF_ENDPOINT names another hub, as for the hub's own client. Raises FgirError that says why it cannot be had.
    """
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return _asked(endpoint.rstrip("/"), mirror.repo, mirror.revision)


@cache
def _asked(endpoint: str, repo: str, revision: str | None) -> Snapshot:
    where = f"{repo}@{revision}" if revision else repo
    about = _about(f"{endpoint}/api/datasets/{repo}" + (f"/revision/{revision}" if revision else ""), where)
    commit, files = about.get("sha"), about.get("siblings")
    if not isinstance(commit, str) or not re.fullmatch(r"[0-9a-f]{40}", commit) or not isinstance(files, list):
        raise FgirError(f"{where}: the hub does not say its commit and files")
    if revision and commit != revision:
        raise FgirError(f"{where}: the hub answers with another commit, {commit}")
    base = f"{endpoint}/datasets/{repo}/resolve/{commit}"
    return Snapshot(repo, commit, [_file(file, base) for file in files])


def _about(url: str, where: str) -> dict[str, Any]:
    import requests

    try:
        # blobs: with sizes and digests.
        answer = requests.get(url, params={"blobs": "true"}, timeout=_SECONDS)
        if answer.status_code in _ANSWERS:
            raise FgirError(f"{where}: {_ANSWERS[answer.status_code]}")
        answer.raise_for_status()
        about = answer.json()
    # requests' error for an answer that is no JSON is a ValueError too.
    except (requests.RequestException, ValueError) as error:
        raise FgirError(f"{where}: {reason(error)}") from None
    if not isinstance(about, dict):
        raise FgirError(f"{where}: the hub does not say its commit and files")
    return about


def _file(about: dict[str, Any], base: str) -> HubFile:
    path, stored = str(about["rfilename"]), about.get("lfs") or {}
    return HubFile(path, f"{base}/{quote(path)}", about.get("size"), stored.get("sha256"))
