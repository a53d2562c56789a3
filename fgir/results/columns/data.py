"""List the columns of tables about the images of a dataset, and their parts."""

from fgir.results.columns.column import Table, columns_of

TABLES: dict[str, Table] = {
    "manifest": columns_of("""
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
    "split": columns_of("""
image           int32    row of the manifest
path            string   path inside the archive root
label           int32    class, from 0
part            string   train, val or test; train_val is train and val together
digest          string   of the file's bytes, as in the manifest: another image under the same path trains anew
rule            string   the rule that made train, val and test
"""),
}
