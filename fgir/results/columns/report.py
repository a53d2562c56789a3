"""List the columns of tables that people read: the summary, and ours beside published accuracies."""

from fgir.results.columns.column import (
    ADAPTATION,
    BACKBONE,
    CROPS,
    DATASET,
    DEVICE,
    SETTING,
    STATUS,
    TEST_SIZE,
    TRAIN_SIZE,
    WEIGHTS,
    Table,
    columns_of,
)
from fgir.results.metrics import METRICS

TABLES: dict[str, Table] = {
    "published": columns_of(
        DATASET
        + BACKBONE
        + SETTING
        + TRAIN_SIZE
        + TEST_SIZE
        + ADAPTATION
        + CROPS
        + """
top1            float64  published accuracy, %
top5            float64  published top-5 accuracy, %; null: not stated, as all below
backward_ms     float64  milliseconds of a batch's backward pass in training
forward_ms      float64  milliseconds of its forward pass
hours           float64  hours of training, and of adaptation
seeds           int32    seeds that it is the mean of
source          string   where it was published; of several rows of a cell the last one stands
part            string   the part of the printed table in which it stands
line            string   its line there
column          string   its column there
note            string   what to mind
"""
    ),
    "summary": columns_of(
        DATASET
        + "dataset_title   string   the dataset as shown\n"
        + BACKBONE
        + """
backbone_title  string   the backbone as shown
family          string   family of the backbone
pretraining     string   data of the backbone's pretraining
"""
        + WEIGHTS
        + SETTING
        + TRAIN_SIZE
        + TEST_SIZE
        + ADAPTATION
        + CROPS
        + """
classes         int32    number of classes
"""
        + METRICS[0].lines_of_summary
        + "top1_fold_std   float64  mean over seeds of the 10-fold leave-one-fold-out deviation, %\n"
        + "".join(metric.lines_of_summary for metric in METRICS[1:])
        + """
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
adapt_hours     float64  wall time of adapting a run: mean over seeds, hours; null where nothing was adapted
adapt_images    int64    images that went through the network or its adapted part alone: mean over seeds
adapt_peak_memory int64  peak bytes at the adaptation: the largest of the seeds
drop_path       float64  rate of stochastic depth in training
dropout         float64  rate of dropout in training
epochs          int32    epochs of training
learning_rate   float64  of the runs
learning_rate_edge string  highest or lowest of the candidates tried: a better one may lie beyond; else null
"""
        + DEVICE
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
        + STATUS
    ),
    "comparison": columns_of(
        DATASET
        + BACKBONE
        + SETTING
        + TRAIN_SIZE
        + TEST_SIZE
        + ADAPTATION
        + CROPS
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
