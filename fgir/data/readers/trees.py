"""Shared by the readers of class folders: ``<class>/<image>``, in an order that no file system chooses."""

from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.sources.walk import is_hidden, is_image
from fgir.utils.errors import FgirError


def unwrapped(root: Path, name: str) -> Path:
    """Return the file or folder ``name`` below ``root``, inside any folders of that same name.

    name.tar.gz is unpacked into a folder of its name, and mostly holds another.
    """
    path = find(root, name)
    while (path / name).exists():
        path = path / name
    return path


def class_folders(folder: Path) -> list[Path]:
    """Return the folders in ``folder``, numbers by size and names by letters; FgirError where there are none."""
    found = [child for child in folder.iterdir() if child.is_dir() and not is_hidden(child.name)]
    if not found:
        raise FgirError(f"{folder} holds no class folders; put the unpacked official archive there.")
    return sorted(found, key=lambda child: (child.name.isdecimal() and int(child.name), child.name))


def images_in(folder: Path) -> list[Path]:
    """Return the images in ``folder``, by name."""
    return sorted(
        path for path in folder.iterdir() if is_image(path.name) and not is_hidden(path.name) and path.is_file()
    )
