"""List the columns of tables that no study waits for: the statistics of a dataset, the plan of a study."""

from fgir.results.columns.column import Table, columns_of

TABLES: dict[str, Table] = {
    "statistics": columns_of("""
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
"""),
    "plan": columns_of("""
rule            string   rule of the workflow
dataset         string   name of the dataset; null where the job is of none, likewise below
backbone        string   name of the backbone
regime          string   how the weights are trained
setting         string   of an evaluation or of costs; one job evaluates cal with cal_nc, calmix with calmix_nc
train_size      int32    image side at training, pixels
test_size       int32    image side at evaluation, pixels
adaptation      string   what is adapted at the test size; none
crops           string   how images become crops
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
"""),
}
