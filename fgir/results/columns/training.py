"""List the columns of tables about trainings: the search of a learning rate, the epochs, the run."""

from fgir.results.columns.column import (
    BACKBONE,
    CROPS,
    DATASET,
    DEVICE,
    REGIME,
    SEED,
    STATUS,
    TRAIN_SIZE,
    VERSIONS,
    WEIGHTS,
    Table,
    columns_of,
)

TABLES: dict[str, Table] = {
    "candidate": columns_of(
        DATASET
        + BACKBONE
        + REGIME
        + TRAIN_SIZE
        + CROPS
        + SEED
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
        + STATUS
    ),
    "history": columns_of("""
epoch           int32    from 1
steps           int64    updates of the weights so far
images          int64    images seen so far
learning_rate   float64  of the epoch's last step
loss            float64  mean training loss of the epoch
top1            float64  accuracy while training, %
seconds         float64  wall time of the epoch
"""),
    "train": columns_of(
        DATASET
        + BACKBONE
        + REGIME
        + TRAIN_SIZE
        + CROPS
        + SEED
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
        + WEIGHTS
        + DEVICE
        + VERSIONS
        + STATUS
    ),
}
