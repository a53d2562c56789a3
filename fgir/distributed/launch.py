"""Start the processes that train one run together: by srun in a Slurm job, by torchrun's launcher elsewhere."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence

from fgir.distributed.environment import REACHES_SLURM, placeless
from fgir.distributed.group import as_a_group
from fgir.utils.errors import FgirError
from fgir.utils.signals import EXIT_CODE, StopWarning
from fgir.utils.slurm import own_job, own_nodes

# These name the allocation. Slurm's other variables describe this process's step, not the one to start.
_OF_THE_JOB = (*REACHES_SLURM, "SLURM_JOB_ID", "SLURM_JOBID", "SLURM_CLUSTER_NAME")
# Saving a large model takes less.
_SECONDS_TO_SAVE = 300


def launch(processes: int, threads: int, arguments: Sequence[str]) -> tuple[int, str | None]:
    """Run ``fgir ARGUMENTS`` as ``processes`` processes; return their exit code and the warning that stopped them.

    ``threads`` are those of the job on each of its nodes. A warning is passed on: the processes save their state and
    stop. Raises FgirError if they cannot be spread evenly over the nodes of the Slurm job.
    """
    if own_job() is not None and shutil.which("srun") is not None:
        return _by_srun(processes, threads, arguments)
    return _by_torchrun(processes, arguments)


def _by_srun(processes: int, threads: int, arguments: Sequence[str]) -> tuple[int, str | None]:
    command = [*srun_command(processes, threads, own_nodes()), sys.executable, "-m", "fgir", *arguments]
    environment = as_a_group(placeless(os.environ, _OF_THE_JOB), processes)
    with StopWarning() as warning:
        process = subprocess.Popen(command, env=environment)
        code = _wait(process, warning)
    return (EXIT_CODE, warning.given) if code and warning.given else (code, None)


def srun_command(processes: int, threads: int, nodes: int) -> list[str]:
    """Return the command of a step of ``processes`` tasks, spread evenly over ``nodes`` with ``threads`` cores each.

    Raises FgirError if they cannot be spread so.
    """
    if processes % nodes:
        raise FgirError(
            f"{processes} processes cannot be spread evenly over the {nodes} nodes of this job; make processes in the "
            "profile a multiple of nodes."
        )
    on_each = processes // nodes
    if threads < on_each:
        raise FgirError(
            f"{on_each} processes on a node need as many CPU cores, not {threads}; raise set-threads in the profile."
        )
    return [
        *("srun", "--overlap", "--kill-on-bad-exit=1", f"--nodes={nodes}", f"--ntasks={processes}"),
        *(f"--ntasks-per-node={on_each}", f"--cpus-per-task={threads // on_each}"),
    ]


def _wait(process: "subprocess.Popen[bytes]", warning: StopWarning) -> int:
    """Wait for srun to end; pass a warning on once. Slurm may have sent it to the processes as well."""
    announced = False
    while True:
        try:
            return process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            if warning.given and not announced:
                process.send_signal(signal.Signals[warning.given])
                announced = True


def _by_torchrun(processes: int, arguments: Sequence[str]) -> tuple[int, str | None]:
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Each process prints one sentence when it fails; torchrun would add a page.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        signals_to_handle="SIGTERM,SIGINT,SIGHUP,SIGUSR1,SIGUSR2",
        shutdown_timeout=_SECONDS_TO_SAVE,
    )
    if early := StopWarning().given:
        return EXIT_CODE, early
    # Its processes inherit the environment of this one.
    os.environ.update(as_a_group({}, processes))
    try:
        elastic_launch(config, sys.executable)("-m", "fgir", *arguments)
    except SignalException as stopped:
        return EXIT_CODE, stopped.sigval.name
    except ChildFailedError as failed:
        return failed.get_first_failure()[1].exitcode, None
    return 0, None
