"""Dataset repositories of the model hub: what one holds at a commit, and where its files are."""

import os
import re
from typing import Any, NamedTuple
from urllib.parse import quote

from fgir.data.fetch import reason
from fgir.study.catalogue import Mirror
from fgir.utils.errors import FgirError

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
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    where = f"{mirror.repo}@{mirror.revision}" if mirror.revision else mirror.repo
    pinned = f"/revision/{mirror.revision}" if mirror.revision else ""
    about = _about(f"{endpoint}/api/datasets/{mirror.repo}{pinned}", where)
    try:
        commit = _hexadecimal(about["sha"], 40)
        base = f"{endpoint}/datasets/{mirror.repo}/resolve/{commit}"
        held = Snapshot(mirror.repo, commit, [_file(file, base) for file in about["siblings"]])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise FgirError(f"{where}: the hub does not say its commit and files") from None
    if mirror.revision and commit != mirror.revision:
        raise FgirError(f"{where}: the hub answers with another commit, {commit}")
    return held


def _about(url: str, where: str) -> Any:
    import requests

    try:
        # blobs: with sizes and digests.
        answer = requests.get(url, params={"blobs": "true"}, timeout=_SECONDS)
        if answer.status_code in _ANSWERS:
            raise FgirError(f"{where}: {_ANSWERS[answer.status_code]}")
        answer.raise_for_status()
        return answer.json()
    # requests' error for an answer that is no JSON is a ValueError too.
    except (requests.RequestException, ValueError) as error:
        raise FgirError(f"{where}: {reason(error)}") from None


def _file(about: dict[str, Any], base: str) -> HubFile:
    path, stored = str(about["rfilename"]), about.get("lfs")
    return HubFile(path, f"{base}/{quote(path)}", _hexadecimal(stored["sha256"], 64) if stored else None)


def _hexadecimal(text: Any, digits: int) -> str:
    if not isinstance(text, str) or not re.fullmatch(rf"[0-9a-f]{{{digits}}}", text):
        raise ValueError(f"{text} is no digest of {digits} digits")
    return text
