"""Link the results of a finished run in its work folder, so that a job that is started again does not repeat it.

Snakemake deletes a job's results before it runs the job, and a scheduler may start a job again when its training had
ended and only the evaluations behind it were cut off. The links cost no disk while the results are there.
"""

import os
import shutil
from pathlib import Path

from fgir.utils import log
from fgir.utils.files import replacing

FINISHED, _IDENTITY = "finished", "identity"


def keep(work: Path, identity: str, results: list[Path]) -> None:
    """Link the results of the run that ``identity`` names into ``work``, if the file system has links."""
    folder = work / FINISHED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        for path in results:
            os.link(path, folder / path.name)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return
    with replacing(folder / _IDENTITY) as temporary:
        temporary.write_text(identity)
    log.put_away(work, folder)


def put_back(work: Path, identity: str, out: Path) -> bool:
    """Put the results of the run that ``identity`` names back into ``out``; return False if there are none."""
    folder = work / FINISHED
    try:
        if (folder / _IDENTITY).read_text() != identity:
            return False
    except FileNotFoundError:
        return False
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.name not in (_IDENTITY, log.NAME):
            (out / path.name).unlink(missing_ok=True)
            os.link(path, out / path.name)
            # Newer than the inputs, or Snakemake would take the results for stale.
            os.utime(out / path.name)
    log.show(folder / log.NAME)
    log.put_away(work, folder)
    print(f"This run has ended already; its results are put back from {work}.", flush=True)
    return True
