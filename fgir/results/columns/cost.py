"""List the columns of tables about what inference costs."""

from fgir.results.columns.column import (
    BACKBONE,
    COST_SETTING,
    CROPS,
    DATASET,
    DEVICE,
    DISTURBANCE,
    STATUS,
    TEST_SIZE,
    TIMED,
    VERSIONS,
    Table,
    columns_of,
)

TABLES: dict[str, Table] = {
    "macs": columns_of(
        BACKBONE
        + COST_SETTING
        + TEST_SIZE
        + """
classes         int32    number of classes of the head
views           int32    encoder passes an image
parameters      int64    of backbone and head
macs_view       int64    multiply-adds of one view, counted by fvcore; null where an operator is uncounted
macs_image      int64    multiply-adds an image: macs_view x views
macs_view_torch int64    the same by torch's FlopCounterMode, halved: a cross-check
uncounted_ops   string[] operators that no handler counts
"""
        + VERSIONS
        + STATUS
    ),
    "timing": columns_of(
        BACKBONE
        + COST_SETTING
        + TEST_SIZE
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
        + DISTURBANCE
        + DEVICE
        + VERSIONS
        + TIMED
    ),
    "end_to_end": columns_of(
        DATASET
        + BACKBONE
        + COST_SETTING
        + TEST_SIZE
        + CROPS
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
        + DISTURBANCE
        + DEVICE
        + VERSIONS
        + TIMED
    ),
}
