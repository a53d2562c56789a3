"""The manifest: every image of a dataset opened once, measured and listed. And where its files are: source.json."""

import json
from pathlib import Path

from fgir.data.faults import of_classes, of_counts, of_files, report
from fgir.data.look import look
from fgir.data.readers.mirrored import origin
from fgir.data.remarks import of_copies, of_sizes
from fgir.data.sources.registry import read
from fgir.results.parquet import read_table, write_rows
from fgir.specs import SourceSpec
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing
from fgir.utils.progress import inform


def write_source(spec: SourceSpec, root: Path, out: str | Path) -> None:
    """Record in source.json where the images are and on what terms they may be used."""
    record = {"dataset": spec.dataset, "root": str(root), "licence": spec.entry.licence, "terms": spec.entry.terms}
    if copy := origin(root):
        record["mirror"] = copy
    with replacing(out) as temporary:
        temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def read_root(source_json: str | Path) -> Path:
    """Return the folder of a dataset's images; FgirError where source.json is missing or damaged, or it is gone."""
    try:
        root = Path(json.loads(Path(source_json).read_text())["root"])
    except FileNotFoundError:
        raise FgirError(f"{source_json} does not exist; it is made by the download of the dataset: rerun it.") from None
    except (ValueError, KeyError, TypeError):
        raise FgirError(f"{source_json} is damaged; delete it and rerun.") from None
    if not root.is_dir():
        raise FgirError(f"The images that {source_json} locates are no longer in {root}; delete the file and rerun.")
    return root


def names_of_classes(manifest: Path) -> list[str]:
    """Return the names of the classes in the order of their labels. Raises FgirError where the file is missing."""
    table = read_table("manifest", manifest)
    named = dict(zip(table["label"].to_pylist(), table["class_name"].to_pylist(), strict=True))
    return [named[label] for label in sorted(named)]


def write_manifest(spec: SourceSpec, root: Path, out: str | Path) -> None:
    """Decode every image below ``root`` and write one row each; labels follow the class order of the source.

    Raises FgirError that names all it found, and what to do: counts that are not the catalogue's and classes with too
    few images, else unreadable images, images in two classes, and test images that are also in train. The whole list
    is left beside ``out``.
    """
    listing = read(spec, root)
    for note in listing.notes:
        inform(note)
    report([*of_counts(spec, root, listing), *of_classes(spec, listing)], spec.dataset, spec.entry.leaks, Path(out))
    measured = look(root, listing.images)
    report(of_files(listing.images, measured), spec.dataset, spec.entry.leaks, Path(out))
    for remark in (*of_sizes(listing.images, measured), *of_copies(listing.images, measured)):
        inform(remark)
    label = {name: number for number, name in enumerate(listing.classes)}
    rows = [
        {"image": number, "label": label[image.class_name], **image._asdict(), **one._asdict()}
        for number, (image, one) in enumerate(zip(listing.images, measured, strict=True))
        if not isinstance(one, str)
    ]
    write_rows("manifest", rows, out)
