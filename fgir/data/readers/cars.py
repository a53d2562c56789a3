"""Stanford Cars (Krause et al. 2013) as all 16,185 images of car_ims/, with cars_annos.mat."""

from pathlib import Path, PurePosixPath

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather
from fgir.data.readers.matlab import load
from fgir.data.readers.trees import unwrapped
from fgir.data.sources.image import Listing
from fgir.errors import FgirError


def read(root: Path) -> Listing:
    """Both parts, in the order of the annotations; labels as they number the classes, from 1."""
    path, folder = find(root, "cars_annos.mat"), unwrapped(root, "car_ims")
    annotations, names = load(path, "annotations", "class_names")
    rows: dict[bool, list[Row]] = {False: [], True: []}
    columns = (annotations[name] for name in ("relative_im_path", "class", "test"))
    for number, (image, label, is_test) in enumerate(zip(*columns, strict=True), start=1):
        where = f"{path} annotation {number}"
        if not 1 <= label <= len(names):
            raise FgirError(f"{where}: class {label} is not among its {len(names)} class_names; fetch the file again.")
        row = Row(PurePosixPath(str(image)).name, int(label), where)
        rows[bool(is_test)].append(row)
    parts = [Part(rows[False], folder, "train_val"), Part(rows[True], folder, "test")]
    return gather(root, parts, lambda row: str(names[row.number - 1]))
