"""fgir ARGUMENTS by one of the processes that torchrun started, in a group with the others even if there are none."""

import sys

import torch.distributed as dist

from fgir.cli.main import main as cli
from fgir.distributed import world

if __name__ == "__main__":
    with world.group():
        print(f"backend {dist.get_backend()}")
        cli.main(sys.argv[1:])
