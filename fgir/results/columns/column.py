"""Read the columns of tables from lines of text; hold the lines that tables have in common.

A table is written as lines of text: name, Arrow type and meaning.
"""

from typing import NamedTuple


class Column(NamedTuple):
    """Describe a column: its name, Arrow type (by name), and what it means, with its unit."""

    name: str
    type: str
    doc: str


Table = tuple[Column, ...]


def columns_of(text: str) -> Table:
    """Return the columns that lines of text describe, each by its name, its type and what it means."""
    rows = (line.split(maxsplit=2) for line in text.splitlines() if line.strip())
    return tuple(Column(name, kind, doc) for name, kind, doc in rows)


DATASET = "dataset         string   name of the dataset\n"
BACKBONE = "backbone        string   name of the backbone\n"
REGIME = "regime          string   how the weights are trained: frozen, finetuned, cal, calmix\n"
SETTING = "setting         string   regime together with the way it is evaluated (6)\n"
COST_SETTING = "setting         string   finetuned: of frozen too; cal: of calmix too; cal_nc: of calmix_nc too\n"
TRAIN_SIZE = "train_size      int32    image side at training, pixels\n"
TEST_SIZE = "test_size       int32    image side at evaluation, pixels\n"
ADAPTATION = "adaptation      string   what was adapted at the test size; none\n"
CROPS = "crops           string   how images become crops; null: square, of files before there were other kinds\n"
SEED = "seed            int64    seed of the run\n"
WEIGHTS = "weights         string   where the pretrained weights come from; none (random): not pretrained\n"
STATUS = """
status          string   ok; diverged (non-finite loss); uncounted (an operator has no MAC count); failed; missing
error           string   one sentence where status is not ok
"""
DEVICE = """
device          string   name of the GPU, or of the CPU
driver          string   CUDA version that torch uses; null on a CPU
precision       string   fp32, or fp16: float16 autocast with float32 weights
memory_format   string   layout of images and weights in memory: channels_last or contiguous
threads         int32    CPU threads of torch
"""
DISTURBANCE = """
unsteady        string[] columns whose figure did not become steady; empty: all are steady
waited          float64  share of the time that the thread which waited most waited for a core; null: not known
load            float64  load average of the minute before the start, divided by the machine's cores
gpu_processes   int32    other processes on the GPU at the start; null on a CPU and where nvidia-smi does not say
gpu_processes_memory int64 bytes of device memory that they held; null likewise
gpu_utilization float64  how busy others kept the GPU at the start, %; null likewise
"""
TIMED = """
status          string   ok; unsteady: the figures of the column unsteady are doubtful
error           string   how far apart they lie and what disturbed them, one sentence; null where status is ok
"""
VERSIONS = """
torch           string   version of torch
timm            string   version of timm
fgir            string   version of fgir and, in a checkout, its revision
"""
