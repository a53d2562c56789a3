"""Divide the CPU threads of a job between torch and the loading of images."""

import os


def use_threads(threads: int) -> int:
    """Give torch the job's threads; return how many of them load images instead (on a GPU all but one)."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch

    loaders = threads - 1 if torch.cuda.is_available() else 0
    torch.set_num_threads(threads - loaders)
    return loaders
