"""From a study to the specs of a dataset: its images, and their parts."""

from typing import Any

from fgir.data.sources.folder import class_names
from fgir.specs import RECIPE, SourceSpec, SplitSpec
from fgir.study import Study
from fgir.study.catalogue import Archived, Dataset, Description, Division, Folder, Provenance
from fgir.utils.errors import FgirError

# What an entry says to readers and to other stages, and where the files are to be had: no reason to fetch them again.
_NOT_OF_THE_SOURCE = (Description, Division, Provenance)


def class_count(name: str, entry: Dataset) -> int:
    """Return the number of classes of a dataset: the catalogue's, or for a folder without one, what the folder
    holds.
    """
    if entry.classes is not None:
        return entry.classes
    if isinstance(entry, Folder):
        return len(class_names(name, entry))
    raise FgirError(f'Dataset "{name}" has no "classes" in the catalogue; add the number of its classes.')


def source_of(study: Study, dataset: str) -> SourceSpec:
    """Return the spec of download and manifest."""
    entry: Any = study.dataset_entries[dataset]
    left_out = [name for part in _NOT_OF_THE_SOURCE if isinstance(entry, part) for name in part.model_fields]
    entry = entry.model_copy(update={name: type(entry).model_fields[name].default for name in left_out})
    if isinstance(entry, Archived):
        files = [file.model_copy(update={"urls": [], "gb": None}) for file in entry.files]
        package = entry.package and entry.package.model_copy(update={"gb": None})
        entry = entry.model_copy(update={"files": files, "package": package})
    return SourceSpec(recipe=RECIPE["source"], dataset=dataset, entry=entry, archives=study.archives)


def split_of(study: Study, dataset: str, classes: int) -> SplitSpec:
    """Return the split's spec of a dataset."""
    entry, data = study.dataset_entries[dataset], study.data
    return SplitSpec(
        recipe=RECIPE["split"],
        dataset=dataset,
        classes=classes,
        train_val=entry.train_val,
        test=entry.test,
        # Counts of another fraction are nobody's to check.
        train=entry.train if data.train_fraction in (None, entry.train_fraction) else None,
        val=entry.val if data.train_fraction in (None, entry.train_fraction) else None,
        test_fraction=entry.test_fraction,
        test_seed=entry.test_seed,
        val_part=entry.val_part,
        leaks=entry.leaks,
        limit_per_class=data.limit_per_class,
        split_rule=data.split_rule,
        train_fraction=data.train_fraction or entry.train_fraction,
        split_seed=data.split_seed,
    )
