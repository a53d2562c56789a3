"""Third-party copies of a dataset on the model hub, which count only where they equal the official dataset."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fgir.data.fetch import download
from fgir.data.hub import HubFile, Snapshot, snapshot
from fgir.data.rows import Expected, check, parts_of, write
from fgir.study.catalogue import Archived, Download, Mirror
from fgir.utils.errors import FgirError
from fgir.utils.progress import inform

FOLDER = "mirror"
"""The folder of images from a mirror that has rows in place of archives, inside the dataset's folder."""
_DOWNLOADS = ".mirror"


def archive_from(mirrors: Sequence[Mirror], wanted: Download, root: Path) -> list[str] | None:
    """Download an official archive from the first mirror that has it by name and digest; return None if one did.

    Otherwise return what is wrong with those that have a file of that name, or cannot be had.
    """
    if wanted.checksum is None:
        return [f"mirrors do not count, as the official digest of {wanted.file} is not known"]
    faults = []
    for mirror in mirrors:
        try:
            held = snapshot(mirror)
        except FgirError as error:
            faults.append(str(error))
            continue
        file = next((file for file in held.files if PurePosixPath(file.path).name == wanted.file), None)
        if file is None:
            continue
        found = download(wanted.model_copy(update={"urls": [file.url]}), root)
        if not found:
            _tell_of(faults)
            inform(f"{wanted.file} is from {held}, a third-party copy with the official {wanted.checksum}.")
            return None
        faults += found
    return faults


def rows_from(dataset: str, entry: Archived, root: Path) -> list[str]:
    """Write the images of the first mirror that has rows equal to the official dataset to ``root/mirror``.

    Return [] if one did, otherwise what is wrong with each. What is refused leaves nothing behind; what broke off on
    the way stays for the next try.
    """
    faults = []
    for mirror in entry.mirrors:
        try:
            held = snapshot(mirror)
            _take(dataset, entry, held, root)
        except FgirError as error:
            faults.append(str(error))
            continue
        _tell_of(faults)
        val = "" if entry.val_part == "official" else "; the val part is another than the published one"
        inform(
            f"{dataset} is from {held}, a third-party copy: its counts, class names and parts equal the official ones. "
            f"The images themselves and their order cannot be compared{val}."
        )
        return []
    return faults


def _tell_of(faults: Sequence[str]) -> None:
    if faults:
        inform(f"Passed over: {'; '.join(faults)}.")


def _take(dataset: str, entry: Archived, held: Snapshot, root: Path) -> None:
    """Fetch the rows of a mirror, compare them and write them out; FgirError where they cannot be had or are others."""
    expected = Expected.of(entry, str(held))
    downloads = root / _DOWNLOADS / held.commit
    files = {_fetched(file, downloads, held): part for file, part in parts_of(held, expected).items()}
    try:
        labelled = check(files, expected)
        about = {"dataset": dataset, "repo": held.repo, "commit": held.commit}
        write(labelled, expected, about, root / FOLDER)
    except FgirError:
        shutil.rmtree(root / _DOWNLOADS)
        raise
    shutil.rmtree(root / _DOWNLOADS)


def _fetched(file: HubFile, folder: Path, held: Snapshot) -> Path:
    name = re.sub(r"[^\w.-]", "-", file.path)
    checksum = f"sha256:{file.sha256}" if file.sha256 else None
    if faults := download(Download(file=name, urls=[file.url], checksum=checksum), folder):
        raise FgirError(f"{held}: {'; '.join(faults)}")
    return folder / name
