import re
from pathlib import Path

import pytest

from fgir.specs import RunSpec, canonical, parse
from fgir.study import Cell, CostPoint, Run, Study, json_schema, load_study, study_of
from fgir.study.address import CANDIDATE, MACS, METRICS, fill
from fgir.study.geometry import resized_side
from fgir.study.strict import parse_yaml
from fgir.utils.errors import FgirError
from fgir.workflow.specs import Specs

STUDY = """
name: tiny
datasets: [letters]
backbones: [net]
train_sizes: [32]
seeds: [1, 2]
datasets_file: {folder}/datasets.yaml
backbones_file: {folder}/backbones.yaml
"""
DATASETS = "letters: {source: typefaces, classes: 3}\n"
BACKBONES = "net: {timm: test_vit.r160_in1k, weights: {source: none}}\n"


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "datasets.yaml").write_text(DATASETS)
    (tmp_path / "backbones.yaml").write_text(BACKBONES)

    def write(more: str = "", study: str = STUDY) -> Path:
        path = tmp_path / "study.yaml"
        path.write_text(study.format(folder=tmp_path) + more)
        return path

    return write


def test_a_study_without_options_is_the_published_protocol(write) -> None:
    study = load_study(write())

    training = study.training
    assert (training.epochs, training.batch_size, training.momentum, training.warmup_steps) == (50, 8, 0.9, 500)
    assert study.tuning.learning_rates["frozen"] == [0.3, 0.1, 0.03, 0.01, 0.003]
    assert study.tuning.learning_rates["cal"] == [0.03, 0.01, 0.003, 0.001]
    assert Study(name="x", datasets=["a"], backbones=["b"]).seeds == [1, 10, 100]


def test_runs_are_shared_by_the_settings_of_a_regime(write) -> None:
    study = load_study(write())

    assert len(study.runs()) == 4 * 2
    assert len(study.cells()) == 6


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("setings: [cal]\n", 'unknown key setings; did you mean "settings"?'),
        ("train_size: [32]\n", 'unknown key train_size; did you mean "train_sizes"?'),
        ("cal: {}\n", 'unknown key cal; did you mean "training.cal"?'),
        ("seed: 1\n", 'unknown key seed; did you mean "seeds" or "tuning.seed"?'),
        ("training: {epoch: 3}\n", 'unknown key training.epoch; did you mean "training.epochs"?'),
        ("training: {epochs: many}\n", "training.epochs is many and must be a whole number, as in 50."),
        ("settings: [cal_nx]\n", 'settings: there is no "cal_nx"; did you mean "cal_nc"?'),
        ("tuning: {learning_rates: {frozen: [0.1]}}\n", "names no candidates for finetuned"),
        ("test_sizes: [32, 32]\n", "test_sizes: 32 is named twice"),
        ("test_sizes: [0]\n", "test_sizes: 0 must be at least 16."),
        ("results: ''\n", 'results is "" and must be a path'),
        ("training: {batch_size: 7}\n", ": training.batch_size is 7; calmix trains on pairs and needs an even number"),
        ("splits: [1]\n", "unknown key splits; valid keys here: adaptations, adaptations_file, archives, "),
        ("learning_rate: 0.1\n", 'unknown key learning_rate; did you mean "tuning.learning_rates"?'),
        ("training: {learning_rate: 0.1}\n", 'training.learning_rate; did you mean "tuning.learning_rates"?'),
        ("epochs: 3\n", 'unknown key epochs; did you mean "training.epochs" or "tuning.epochs"?'),
        ("batchSize: 3\n", 'unknown key batchSize; did you mean "training.batch_size" or "timing.batch_size"?'),
        ("image-size: 64\n", 'unknown key image-size; did you mean "train_sizes"?'),
        ("data: {limit: 3}\n", 'unknown key data.limit; did you mean "data.limit_per_class"?'),
        ("training: [1]\n", "training is [1] and must be a mapping of keys to values, as in {epochs: 50}."),
        ("training:\n", "training has no value and must be a mapping of keys to values, as in {epochs: 50}, or leave"),
        ("training: {epochs: [3]}\n", "training.epochs is [3] and must be a whole number; write 3."),
        ("training: {epochs: yes}\n", "training.epochs is true and must be a whole number, as in 50."),
        ("training: {momentum: 2}\n", "training.momentum is 2 and must be below 1."),
        ("tuning: {learning_rates: [0.1]}\n", "must be a mapping of keys to values, as in {frozen: [0.1]}."),
        ("test_sizes: [one]\n", "test_sizes: one must be a whole number, as in 1."),
        ("results: 5\n", "results is 5 and must be a text; write it in quotes."),
        ("published_file: [a.csv]\n", "published_file is [a.csv] and must be a text; write a.csv."),
        (
            "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\n",
            "unknown keys a, b, c, d, e and 1 more; valid keys here: adaptations, adaptations_file",
        ),
        ("published_file: 2024-01-01\n", "published_file is 2024-01-01 and must be a text; write it in quotes."),
        ("1: 2\n", "the key 1 is no text to YAML; write it in quotes."),
        ("test_sizes: 64\n", "test_sizes is 64 and must be a list; write [64]."),
        (
            "tuning: {learning_rates: {cal_nc: [0.1]}}\n",
            'tuning.learning_rates.cal_nc: there is no "cal_nc"; did you mean "cal"?',
        ),
        ("plan: {{n}}\n", "found unhashable key"),
        ("seeds: [1]\nseeds: [2]\n", "seeds is given twice"),
        ("seeds: [1\nsettings: [cal]\n", " is not valid YAML: did not find expected ',' or ']'"),
    ],
)
def test_a_fault_is_one_sentence_with_file_key_and_mend(write, more: str, message: str) -> None:
    path = write(more)

    with pytest.raises(FgirError) as fault:
        load_study(path)

    assert str(fault.value).startswith(str(path))
    assert message in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("catalogue", "content", "message"),
    [
        (
            "datasets",
            "letters: typefaces\n",
            "letters is typefaces and must be a mapping with a source (typefaces, folder",
        ),
        ("datasets", "letters: {classes: 3}\n", "letters.source is missing; add it, one of typefaces, folder, archive"),
        ("datasets", "letters: {source: elpv}\n", "letters.package.name is missing; add it"),
        (
            "datasets",
            "letters: {source: folder}\n",
            "letters.path is missing; add it, as in path: ~/pictures/mushrooms.",
        ),
        ("datasets", "letters: {source: foldr}\n", 'letters.source: there is no "foldr"; did you mean "folder"?'),
        (
            "datasets",
            "letters: {source: typefaces, mean: 0.5}\n",
            "letters.mean is 0.5 and must be a list of 3, as in [",
        ),
        (
            "backbones",
            "net: resnet18.tv_in1k\n",
            "net is resnet18.tv_in1k and must be a mapping of keys to values; write {",
        ),
        (
            "backbones",
            "net: {timm: a.b, weights: none}\n",
            "a mapping with a source (package, timm, file, none); write {",
        ),
        ("backbones", "net: {timm: a.b, weights: imagenet}\n", "net.weights is imagenet and must be a mapping with"),
        (
            "backbones",
            "net: {timm: a.b, weights: {source: file}}\n",
            "net.weights.path is missing; add it, as in path: ",
        ),
        (
            "backbones",
            "net: {timm: a.b, weights: {source: package, package: {name: 1}}}\n",
            "net.weights.package.name is 1 and must be a text; write it in quotes.",
        ),
    ],
)
def test_a_fault_of_a_catalogue_is_in_the_users_words(
    write, tmp_path: Path, catalogue: str, content: str, message: str
) -> None:
    study, file = write(), tmp_path / f"{catalogue}.yaml"
    file.write_text(content)

    with pytest.raises(FgirError) as fault:
        load_study(study)

    assert message in str(fault.value)
    assert {line.split(":")[0] for line in str(fault.value).splitlines()} == {str(file)}


def test_all_faults_are_listed_and_a_misspelt_key_is_not_missing_too(write) -> None:
    path = write("dataset: [letters]\ntest_sizes: 3\ntraining: {lr: 3}\n", STUDY.replace("datasets:", "#", 1))

    with pytest.raises(FgirError) as fault:
        load_study(path)

    assert str(fault.value).splitlines() == [
        f'{path}: unknown key training.lr; did you mean "tuning.learning_rates"?',
        f'{path}: unknown key dataset; did you mean "datasets"?',
        f"{path}: test_sizes is 3 and must be a list; write [3].",
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "tuning: {learning_rates: {frozen: [.nan]}}\n",
            "tuning.learning_rates.frozen: .nan must be a number that is fin",
        ),
        ("training: {clip_norm: .inf}\n", "training.clip_norm is .inf and must be a number that is finite"),
        ("training: {epochs: 99999999999999999999}\n", "training.epochs is 99999999999999999999 and must be at most"),
        ("test_sizes: [1000000]\n", "test_sizes: 1000000 must be at most 8192."),
        ("test_sizes: [true]\n", "test_sizes: true must be a whole number"),
        ("test_sizes: []\n", "test_sizes is empty; fill it"),
        ("results: -r\n", 'results is "-r" and must be a path without'),
        ("results: ~no-such-user/r\n", "results: this machine has no home folder ~no-such-user; write the path out"),
    ],
)
def test_a_value_that_nothing_could_use_is_refused(write, more: str, message: str) -> None:
    with pytest.raises(FgirError, match=re.escape(message)):
        load_study(write(more))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2020-13-45", "line 10 is not valid YAML: 2020-13-45 is no date; if it is a text, write it in quotes."),
        ("!!int abc", "line 10 is not valid YAML: abc is no whole number"),
        (
            "!mine a",
            "line 10 is not valid YAML: the tag !mine means nothing here; remove it, or write all of the value",
        ),
        ("!!python/name:os.system", "the tag tag:yaml.org,2002:python/name:os.system means nothing here"),
        ("[" * 3000 + "]" * 3000, "results is ... and must be a text"),
    ],
    ids=["date", "type", "tag", "python", "depth"],
)
def test_what_yaml_cannot_read_is_a_sentence_with_its_line(write, value: str, message: str) -> None:
    with pytest.raises(FgirError, match=re.escape(message)):
        load_study(write(f"\nresults: {value}\n"))


def test_every_bad_learning_rate_is_named_with_its_regime(write) -> None:
    with pytest.raises(FgirError) as caught:
        load_study(write("tuning: {learning_rates: {frozen: [0], cal: [0.1, -1], calmix: []}}\n"))

    said = str(caught.value)
    assert "frozen: 0 must be above 0." in said
    assert "cal: -1 must be above 0." in said
    assert "calmix is empty" in said


def test_unknown_names_are_listed_beside_faults_of_values(write) -> None:
    study = STUDY.replace("[letters]", "[runes]").replace("[net]", "[web]")

    with pytest.raises(FgirError) as caught:
        load_study(write("training: {epochs: 0}\n", study))

    said = str(caught.value)
    assert "training.epochs is 0" in said
    assert 'no dataset "runes"' in said
    assert 'no backbone "web"' in said


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{source: folder, path: x, train_val: true}", "letters.train_val is true and must be a whole number"),
        ("{source: folder, path: x, std: [0, 1, 1]}", "letters.std: 0 must be above 0."),
        ("{source: folder, path: x, mean: [.nan, 1, 1]}", "letters.mean: .nan must be a number that is finite"),
        ("{source: folder, path: x, test: -1}", "letters.test is -1 and must be at least 0."),
        ("{source: folder, path: ''}", "letters.path is empty"),
        ("{source: }", 'letters.source: there is no "null"'),
    ],
)
def test_a_value_of_a_catalogue_that_nothing_could_use_is_refused(
    write, tmp_path: Path, entry: str, message: str
) -> None:
    path = write()
    (tmp_path / "datasets.yaml").write_text(f"letters: {entry}\n")

    with pytest.raises(FgirError, match=re.escape(message)):
        load_study(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: a\ntitle: caf\xe9\n", ", line 2 is not in UTF-8; save the file as UTF-8."),
        (b"PK\x03\x04\0\xff", " is not a text file; name a YAML file."),
    ],
)
def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)

    with pytest.raises(FgirError) as fault:
        load_study(path)

    assert str(fault.value) == f"{path}{message}"


def test_standard_input_in_another_encoding_is_refused() -> None:
    # As Python reads a byte that is not in UTF-8.
    with pytest.raises(FgirError, match=r"^standard input is not in UTF-8; save it as UTF-8\."):
        parse_yaml("name: caf\udce9", "standard input")


def test_a_byte_order_mark_is_no_part_of_the_first_key(write) -> None:
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().lstrip())

    assert load_study(path).name == "tiny"


@pytest.mark.parametrize(
    "name", ["birds, 2024", "birds{v2}", "birds/v2", "$HOME", ".hidden", "-n", "b\u00fcrds", "a b", ""]
)
@pytest.mark.parametrize("key", ["name", "datasets", "backbones"])
def test_a_name_that_commands_would_misread_is_refused_with_the_alphabet(key: str, name: str) -> None:
    study = {"name": "a", "datasets": ["b"], "backbones": ["c"]}

    with pytest.raises(FgirError, match=rf"^here: {key}.* made of letters \(a to z\), digits and _ \. - \+ alone"):
        study_of(study | {key: name if key == "name" else [name]}, "here")


def test_a_catalogue_may_have_odd_names_that_the_study_does_not_use(write, tmp_path: Path) -> None:
    path = write()
    (tmp_path / "datasets.yaml").write_text(DATASETS + '"birds, 2024": {source: typefaces}\n')

    assert load_study(path).datasets == ["letters"]


@pytest.mark.parametrize("folder", ["a{b}", "a,b", "$HOME/a", "a'b", "a\nb", "a*", "[a]", ""])
def test_a_folder_that_commands_would_misread_is_refused(folder: str) -> None:
    for key in ("results", "archives"):
        with pytest.raises(FgirError, match=f"{key} is .* must be a path without {{ }}"):
            study_of({"name": "a", "datasets": ["b"], "backbones": ["c"], key: folder}, "here")


def test_a_folder_is_the_same_however_it_is_written() -> None:
    written = [Study(name="a", datasets=["b"], backbones=["c"], results=text) for text in ("./results/", "~/birds//")]

    assert [study.results for study in written] == ["results", str(Path.home() / "birds")]
    assert written[0].work == "work"


def test_a_misspelt_dataset_or_backbone_gets_the_nearest_name(write) -> None:
    with pytest.raises(FgirError, match='has no dataset "leters"; did you mean "letters"'):
        load_study(write(study=STUDY.replace("[letters]", "[leters]")))
    with pytest.raises(FgirError, match='has no backbone "nett"; did you mean "net"'):
        load_study(write(study=STUDY.replace("[net]", "[nett]")))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ResNet-50", 'did you mean "tv_resnet50" (resnet50.tv_in1k)? Other weights need no entry: write them as timm'),
        ("resnet101", "; valid names: tv_resnet50, vit."),
        ("vit", ""),
    ],
)
def test_a_model_leads_to_its_entries_and_never_to_another_models(
    write, tmp_path: Path, name: str, message: str
) -> None:
    path = write(study=STUDY.replace("[net]", f"[{name}]"))
    (tmp_path / "backbones.yaml").write_text("tv_resnet50: {timm: resnet50.tv_in1k}\nvit: {timm: test_vit.r160_in1k}\n")

    if message:
        with pytest.raises(FgirError, match=re.escape(message)):
            load_study(path)
    else:
        assert load_study(path).backbones == [name]


def test_a_timm_tag_needs_no_entry(write) -> None:
    study = load_study(write(study=STUDY.replace("[net]", "[resnet18.tv_in1k]")))

    assert study.backbone_entries["resnet18.tv_in1k"].weights.source == "timm"


def test_order_of_keys_and_spelling_of_numbers_do_not_change_a_job(write) -> None:
    grids = "tuning: {learning_rates: {frozen: [0.1], finetuned: [0.1], cal: [0.1, 1], calmix: [0.1]}}\n"
    reordered = "tuning: {learning_rates: {calmix: [1e-1], cal: [1.0, 0.10], finetuned: [1e-1], frozen: [1e-1]}}\n"
    plain = load_study(write("training: {clip_norm: 1, epochs: 3}\n" + grids))
    other = load_study(write(reordered + "training: {epochs: 3.0, clip_norm: 1.0}\n"))
    run = Run("letters", "net", "cal", 32, 1)

    texts = [canonical(Specs(study).run(run)) for study in (plain, other)]

    assert texts[0] == texts[1]


def test_an_option_of_one_regime_leaves_the_others_alone(write) -> None:
    before = Specs(load_study(write()))
    after = Specs(load_study(write("training: {frozen_batch_norm: train, cal: {attention_maps: 8}}\n")))

    changed = {
        regime
        for regime in ("frozen", "finetuned", "cal", "calmix")
        if canonical(before.run(Run("letters", "net", regime, 32, 1)))
        != canonical(after.run(Run("letters", "net", regime, 32, 1)))
    }

    assert changed == {"frozen", "cal", "calmix"}


def test_a_spec_survives_its_text(write) -> None:
    spec = Specs(load_study(write())).run(Run("letters", "net", "cal", 32, 1))

    assert parse(RunSpec, canonical(spec)) == spec


def test_one_learning_rate_is_taken_without_a_search(write) -> None:
    grids = "tuning: {learning_rates: {frozen: [0.1], finetuned: [0.03, 0.01], cal: [0.1], calmix: [0.1]}}\n"
    specs = Specs(load_study(write(grids)))

    assert specs.run(Run("letters", "net", "frozen", 32, 1)).learning_rate == 0.1
    assert specs.run(Run("letters", "net", "finetuned", 32, 1)).learning_rate is None


def test_images_are_resized_to_the_published_squares() -> None:
    sizes = (224, 384, 448, 32, 64, 96)

    assert [resized_side(size) for size in sizes] == [300, 514, 600, 42, 85, 128]
    assert [resized_side(size, "published") for size in sizes] == [300, 514, 600, 36, 72, 128]


def test_addresses_can_be_guessed() -> None:
    cell = Cell("cub", "resnet101", "cal_nc", 224, 384)

    assert fill(METRICS, cell, seed=10) == "evaluations/cub/resnet101/cal_nc/224-384/seed10/metrics.parquet"
    assert fill(MACS, CostPoint("resnet101", "cal_nc", 384, 200)) == "cost/resnet101/cal_nc/384/classes200/macs.parquet"
    run = Run("cub", "resnet101", "cal", 224, 1)
    assert fill(CANDIDATE, run, learning_rate=0.10) == "tuning/cub/resnet101/cal/224/lr0.1.parquet"


def test_the_committed_schema_of_study_files_is_the_models() -> None:
    committed = Path(__file__).parents[2] / "workflow" / "schemas" / "study.schema.json"

    assert committed.read_text() == json_schema(), "run: fgir schema > workflow/schemas/study.schema.json"
