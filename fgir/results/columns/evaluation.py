"""List the columns of tables about evaluations: their metrics, and a row an image."""

from fgir.results.columns.column import (
    ADAPTATION,
    BACKBONE,
    CROPS,
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
from fgir.results.metrics import METRICS

TABLES: dict[str, Table] = {
    "metrics": columns_of(
        DATASET
        + BACKBONE
        + SETTING
        + TRAIN_SIZE
        + TEST_SIZE
        + ADAPTATION
        + CROPS
        + SEED
        + """
images          int64    test images
views           int32    encoder passes an image
"""
        + "".join(metric.line for metric in METRICS)
        + "learning_rate   float64  of the run\n"
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
