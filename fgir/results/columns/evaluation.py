"""List the columns of tables about evaluations: their metrics, and a row an image."""

from fgir.results.columns.column import (
    ADAPTATION,
    BACKBONE,
    DATASET,
    DEVICE,
    SEED,
    SETTING,
    STATUS,
    TEST_SIZE,
    TRAIN_SIZE,
    VERSIONS,
    WEIGHTS,
    Table,
    columns_of,
)

TABLES: dict[str, Table] = {
    "metrics": columns_of(
        DATASET
        + BACKBONE
        + SETTING
        + TRAIN_SIZE
        + TEST_SIZE
        + ADAPTATION
        + SEED
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
        + WEIGHTS
        + DEVICE
        + VERSIONS
        + STATUS
    ),
    "predictions": columns_of("""
image           int32    row of the manifest
label           int32    the true class
predicted       int32    the most probable class
probability     float32  of the most probable class
label_probability float32  of the true class
top5            int32[]  the five most probable classes, in order
top5_probability float32[] their probabilities
"""),
}
