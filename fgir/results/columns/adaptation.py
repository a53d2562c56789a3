"""List the columns of the table about the adaptation of a run."""

from fgir.results.columns.column import (
    ADAPTATION,
    BACKBONE,
    CROPS,
    DATASET,
    DEVICE,
    REGIME,
    SEED,
    STATUS,
    TEST_SIZE,
    TRAIN_SIZE,
    VERSIONS,
    Table,
    columns_of,
)

TABLES: dict[str, Table] = {
    "adapt": columns_of(
        DATASET
        + BACKBONE
        + REGIME
        + TRAIN_SIZE
        + TEST_SIZE
        + ADAPTATION
        + CROPS
        + SEED
        + """
part            string   what of the network changed
augmentation    string   how training images became crops: test, test_shift, train
features        bool     was what stands below the part computed once for each image; false: in every epoch
epochs          int32    epochs trained; null: it trains nothing
batch_size      int32    images a step
learning_rate   float64  of the first epochs; null: it trains nothing
processes       int32    processes, each with a GPU where there are any, that shared every batch
images          int64    images that went through the whole network or through the part alone
passes          int64    images that went through the whole network
steps           int64    updates of the weights
epoch_seconds   float64  wall time of the epochs and of computing what stands below, without starts
job_seconds     float64  wall time of the whole job, all its starts together
resumes         int32    how often it was taken up again
peak_memory     int64    bytes: device memory on a GPU, resident set on a CPU
trainable       int64    parameters that are trained
changed         int64    numbers that differ from the run's
train_loss      float64  of the last epoch
train_top1      float64  of the last epoch, %
"""
        + DEVICE
        + VERSIONS
        + STATUS
    )
}
