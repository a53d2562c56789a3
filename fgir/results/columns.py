"""Every table that the suite writes: its columns, their types and what they mean."""

from typing import NamedTuple

# The number of the tables below, in the metadata of every file: raise it with each change of their columns. Files of a
# lower number are read, columns that they lack as null.
SCHEMA = 2


class Column(NamedTuple):
    """One column: its name, Arrow type (by name), and what it means, with its unit."""

    name: str
    type: str
    doc: str


def _columns(text: str) -> tuple[Column, ...]:
    rows = (line.split(maxsplit=2) for line in text.splitlines() if line.strip())
    return tuple(Column(name, kind, doc) for name, kind, doc in rows)


_DATASET = "dataset         string   name of the dataset\n"
_BACKBONE = "backbone        string   name of the backbone\n"
_REGIME = "regime          string   how the weights are trained: frozen, finetuned, cal, calmix\n"
_SETTING = "setting         string   regime together with the way it is evaluated (6)\n"
_COST_SETTING = "setting         string   finetuned: of frozen too; cal: of calmix too; cal_nc: of calmix_nc too\n"
_TRAIN_SIZE = "train_size      int32    image side at training, pixels\n"
_TEST_SIZE = "test_size       int32    image side at evaluation, pixels\n"
_ADAPTATION = "adaptation      string   what was adapted at the test size; none\n"
_SEED = "seed            int64    seed of the run\n"
_WEIGHTS = "weights         string   where the pretrained weights come from; none (random): not pretrained\n"
_STATUS = """
status          string   ok; diverged (non-finite loss); uncounted (an operator has no MAC count); failed; missing
error           string   one sentence where status is not ok
"""
_DEVICE = """
device          string   name of the GPU, or of the CPU
driver          string   CUDA version that torch uses; null on a CPU
precision       string   fp32, or fp16: float16 autocast with float32 weights
memory_format   string   layout of images and weights in memory: channels_last or contiguous
threads         int32    CPU threads of torch
"""
_DISTURBANCE = """
unsteady        string[] columns whose figure did not become steady; empty: all are steady
waited          float64  share of the time that the thread which waited most waited for a core; null: not known
load            float64  load average of the minute before the start, divided by the machine's cores
gpu_processes   int32    other processes on the GPU at the start; null on a CPU and where nvidia-smi does not say
gpu_processes_memory int64 bytes of device memory that they held; null likewise
gpu_utilization float64  how busy others kept the GPU at the start, %; null likewise
"""
_TIMED = """
status          string   ok; unsteady: the figures of the column unsteady are doubtful
error           string   how far apart they lie and what disturbed them, one sentence; null where status is ok
"""
_VERSIONS = """
torch           string   version of torch
timm            string   version of timm
fgir            string   version of fgir and, in a checkout, its revision
"""

TABLES: dict[str, tuple[Column, ...]] = {
    "manifest": _columns("""
image           int32    number of the image: row of this table
path            string   path inside the archive root
label           int32    class, from 0
class_name      string   name of the class
part            string   official part: train_val, or train and val where the dataset has its own; test; null: none
width           int32    pixels
height          int32    pixels
digest          string   BLAKE2b of the file's bytes, 16 bytes in hexadecimal
object_size     float32  apparent size of the object (square root of its area), pixels; null where unknown
"""),
    "split": _columns("""
image           int32    row of the manifest
path            string   path inside the archive root
label           int32    class, from 0
part            string   train, val or test; train_val is train and val together
digest          string   of the file's bytes, as in the manifest: another image under the same path trains anew
rule            string   the rule that made train, val and test
"""),
    "candidate": _columns(
        _DATASET
        + _BACKBONE
        + _REGIME
        + _TRAIN_SIZE
        + _SEED
        + """
learning_rate   float64  the candidate
epochs          int32    epochs of the search
train_top1      float64  accuracy on train in the last epoch, while training, %
val_top1        float64  accuracy on val after the last epoch, %
val_loss        float64  cross-entropy on val after the last epoch
seconds         float64  wall time of the job
chosen          bool     is this the learning rate that the final runs use; null before the choice
reason          string   why it was chosen; null where it was not
edge            string   of the chosen one: highest or lowest of several tried, a better one may lie beyond; else null
"""
        + _STATUS
    ),
    "history": _columns("""
epoch           int32    from 1
steps           int64    updates of the weights so far
images          int64    images seen so far
learning_rate   float64  of the epoch's last step
loss            float64  mean training loss of the epoch
top1            float64  accuracy while training, %
seconds         float64  wall time of the epoch
"""),
    "train": _columns(
        _DATASET
        + _BACKBONE
        + _REGIME
        + _TRAIN_SIZE
        + _SEED
        + """
learning_rate   float64  used
learning_rate_origin string  tuned: chosen on val; fixed: given by the study
learning_rate_edge string  highest or lowest of the candidates tried: a better one may lie beyond; else null
epochs          int32    epochs trained
batch_size      int32    images a step
drop_path       float64  rate of stochastic depth in the last block
dropout         float64  rate of dropout in the backbone
processes       int32    processes, each with a GPU where there are any, that shared every batch
images          int64    images seen
steps           int64    updates of the weights
epoch_seconds   float64  wall time of the epochs alone
job_seconds     float64  wall time of the whole job, all its starts together
resumes         int32    how often the run was taken up again
peak_memory     int64    bytes: device memory on a GPU, resident set on a CPU
parameters      int64    of backbone and head
trainable       int64    parameters that are trained
train_loss      float64  of the last epoch
train_top1      float64  of the last epoch, %
"""
        + _WEIGHTS
        + _DEVICE
        + _VERSIONS
        + _STATUS
    ),
    "metrics": _columns(
        _DATASET
        + _BACKBONE
        + _SETTING
        + _TRAIN_SIZE
        + _TEST_SIZE
        + _ADAPTATION
        + _SEED
        + """
images          int64    test images
views           int32    encoder passes an image
top1            float64  accuracy, %
top5            float64  accuracy within the five most probable classes, %; null with five classes or fewer
class_mean      float64  mean over classes of the class's accuracy, %
class_deviation float64  sample standard deviation over classes of the class's accuracy, %
fold_deviation  float64  standard deviation of top-1 over 10 folds, each left out once, %
learning_rate   float64  of the run
"""
        + _WEIGHTS
        + _DEVICE
        + _VERSIONS
        + _STATUS
    ),
    "predictions": _columns("""
image           int32    row of the manifest
label           int32    the true class
predicted       int32    the most probable class
probability     float32  of the most probable class
label_probability float32  of the true class
top5            int32[]  the five most probable classes, in order
top5_probability float32[] their probabilities
"""),
    "macs": _columns(
        _BACKBONE
        + _COST_SETTING
        + _TEST_SIZE
        + """
classes         int32    number of classes of the head
views           int32    encoder passes an image
parameters      int64    of backbone and head
macs_view       int64    multiply-adds of one view, counted by fvcore; null where an operator is uncounted
macs_image      int64    multiply-adds an image: macs_view x views
macs_view_torch int64    the same by torch's FlopCounterMode, halved: a cross-check
uncounted_ops   string[] operators that no handler counts
"""
        + _VERSIONS
        + _STATUS
    ),
    "timing": _columns(
        _BACKBONE
        + _COST_SETTING
        + _TEST_SIZE
        + """
classes         int32    number of classes of the head
views           int32    encoder passes an image
batch_size      int32    images a batch
repeats         int32    timed batches a round
throughput      float64  images a second, all views: median over the batches of the steady round, or of all rounds
throughput_q1   float64  images a second: lower quartile
throughput_q3   float64  images a second: upper quartile
throughput_rounds int32  rounds until one was steady, or none to the limit
latency         float64  milliseconds an image at batch 1, all views: median, likewise
latency_q1      float64  milliseconds: lower quartile
latency_q3      float64  milliseconds: upper quartile
latency_rounds  int32    rounds until one was steady, or none to the limit
peak_memory     int64    bytes: device memory on a GPU, resident set on a CPU
"""
        + _DISTURBANCE
        + _DEVICE
        + _VERSIONS
        + _TIMED
    ),
    "end_to_end": _columns(
        _DATASET
        + _BACKBONE
        + _COST_SETTING
        + _TEST_SIZE
        + """
classes         int32    number of classes of the head
views           int32    encoder passes an image
images          int32    test images: each is read, decoded and classified in every pass
latency_images  int32    of them, those of the passes at batch 1
batch_size      int32    images a batch
passes          int32    timed passes over the images
workers         int32    threads that load images ahead; 0: the batches are made between forward passes
throughput      float64  images a second, from files to the loss, all views: over all passes together
throughput_q1   float64  images a second: lower quartile of the passes
throughput_q3   float64  images a second: upper quartile of the passes
latency         float64  milliseconds an image at batch 1, likewise: the inverse of the throughput at batch 1
latency_q1      float64  milliseconds: lower quartile of the passes
latency_q3      float64  milliseconds: upper quartile of the passes
peak_memory     int64    bytes: device memory on a GPU, resident set on a CPU
"""
        + _DISTURBANCE
        + _DEVICE
        + _VERSIONS
        + _TIMED
    ),
    "published": _columns(
        _DATASET
        + _BACKBONE
        + _SETTING
        + _TRAIN_SIZE
        + _TEST_SIZE
        + """
top1            float64  published accuracy, %
seeds           int32    seeds that it is the mean of; null: not stated
source          string   where it was published; of several rows of a cell the last one stands
"""
    ),
    "summary": _columns(
        _DATASET
        + "dataset_title   string   the dataset as shown\n"
        + _BACKBONE
        + """
backbone_title  string   the backbone as shown
family          string   family of the backbone
pretraining     string   data of the backbone's pretraining
"""
        + _WEIGHTS
        + _SETTING
        + _TRAIN_SIZE
        + _TEST_SIZE
        + _ADAPTATION
        + """
classes         int32    number of classes
top1            float64  accuracy: mean over seeds, %
top1_std        float64  sample standard deviation over seeds, %; null with one seed
top1_fold_std   float64  mean over seeds of the 10-fold leave-one-fold-out deviation, %
top5            float64  mean over seeds, %
top5_std        float64  sample standard deviation over seeds, %
class_mean      float64  mean accuracy of classes: mean over seeds, %
class_mean_std  float64  sample standard deviation over seeds, %
class_deviation float64  sample standard deviation over classes: mean over seeds, %
class_deviation_std float64  sample standard deviation over seeds, %
test_images     int64    images of the test part
seeds_ok        int32    seeds with an accuracy: those that the means and deviations are over
seeds_expected  int32    seeds of the study
views           int32    encoder passes an image at evaluation
parameters      int64    of backbone and head
trainable       int64    parameters that are trained
macs_view       int64    multiply-adds of one view
macs_image      int64    multiply-adds an image, all views
throughput      float64  images a second, all views: median
throughput_q1   float64  images a second: lower quartile
throughput_q3   float64  images a second: upper quartile
latency         float64  milliseconds an image at batch 1, all views: median
latency_q1      float64  milliseconds: lower quartile
latency_q3      float64  milliseconds: upper quartile
throughput_end_to_end float64 images a second with decoding, transforms, transfer, loss; null: not of the timing.scope
latency_end_to_end float64 milliseconds an image at batch 1, likewise
timing_status   string   ok; unsteady: a figure of the timings is doubtful; null where there is no timing
unsteady        string[] which: throughput, latency, throughput_end_to_end, latency_end_to_end; null: no timing
timing_error    string   how far apart they lie and what disturbed them; null where timing_status is not unsteady
timing_load     float64  load average of the minute before the timing, divided by the machine's cores
timing_gpu_processes int32 other processes on the GPU when the timing began; null where not known
inference_memory int64   peak bytes at inference
timing_batch_size int32  images a batch of the throughput
train_hours     float64  wall time of the epochs: mean over seeds, hours
train_job_hours float64  wall time of the training jobs: mean over seeds, hours
train_images    int64    images seen at training: mean over seeds
train_steps     int64    updates of the weights: mean over seeds
train_memory    int64    peak bytes at training: the largest of the seeds
train_batch_size int32   images a training step
drop_path       float64  rate of stochastic depth in training
dropout         float64  rate of dropout in training
epochs          int32    epochs of training
learning_rate   float64  of the runs
learning_rate_edge string  highest or lowest of the candidates tried: a better one may lie beyond; else null
"""
        + _DEVICE
        + """
train_device    string   name of the device of the trainings; null where the seeds differ
train_precision string   precision of the trainings; null where the seeds differ
torch           string   version of torch of the evaluations; all of them where the seeds differ
timm            string   version of timm, likewise
fgir            string   version of fgir, likewise
pareto          bool     accuracy and MACs known, no other cell as good in both and better in one; null in a cell's file
published_top1  float64  published accuracy, %; null where there is none
published_seeds int32    seeds that it is the mean of; null: not stated
published_source string  where it was published
"""
        + _STATUS
    ),
    "comparison": _columns(
        _DATASET
        + _BACKBONE
        + _SETTING
        + _TRAIN_SIZE
        + _TEST_SIZE
        + _ADAPTATION
        + """
top1            float64  ours: mean over seeds, %
top1_std        float64  sample standard deviation over our seeds, %; null with one seed
seeds_ok        int32    our seeds with an accuracy
published_top1  float64  published accuracy, %
published_seeds int32    seeds that it is the mean of; null: not stated, taken for one
published_source string  where it was published
learning_rate_edge string  ours is the highest or lowest of the candidates tried: a better one may lie beyond; else null
difference      float64  ours - published, percentage points
seed_deviation  float64  of a seed, %: the larger of the cell's and that pooled over dataset and setting; null: unknown
explained       float64  the largest difference that seeds explain, percentage points; null: unknown
outside         bool     is the difference larger than that; null: unknown
"""
    ),
}
TABLES["statistics"] = _columns("""
dataset         string   name of the dataset
label           int32    class, from 0
class_name      string   name of the class
part            string   official part; null where the dataset has none
images          int32    images that can be read
width_min       int32    pixels
width_median    float64  pixels
width_max       int32    pixels
height_min      int32    pixels
height_median   float64  pixels
height_max      int32    pixels
""")
TABLES["plan"] = _columns("""
rule            string   rule of the workflow
dataset         string   name of the dataset; null where the job is of none, likewise below
backbone        string   name of the backbone
regime          string   how the weights are trained
setting         string   of an evaluation or of costs; one job evaluates cal with cal_nc, calmix with calmix_nc
train_size      int32    image side at training, pixels
test_size       int32    image side at evaluation, pixels
classes         int32    number of classes, of a timing; MACs are counted for all
seed            int64    seed of the run
learning_rate   float64  of a candidate that is a job of its own
path            string   what tells that the job is done
done            bool     is it there
gpu_hours       float64  estimated time on a GPU, or on plan.device
evidence        string   what that rests on: measured (trainings or timings of this study) or stated (plan.teramacs)
minutes         int32    time limit of the first attempt
megabytes       int32    main memory of the first attempt
disk            int64    bytes of what it writes
""")
TABLES["evaluations"] = TABLES["metrics"]


def columns_markdown() -> str:
    """Return the documentation of every table, as docs/columns.md shows it."""
    parts = [
        "# Columns of every table",
        "",
        "Written by `fgir columns`; absent figures are nulls, never zeros.",
    ]
    for table, columns in TABLES.items():
        parts += ["", f"## {table}", "", "| column | type | meaning |", "|---|---|---|"]
        parts += [f"| `{c.name}` | {c.type} | {c.doc} |" for c in columns]
    return "\n".join(parts) + "\n"
