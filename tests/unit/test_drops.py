"""No layer drops while training unless the study asks for it; what it asks for is all that drops."""

import pytest
import torch
from backbone_files import model_spec
from small_training import MODEL, TrainingFiles, spec

from fgir.methods.build import build_model
from fgir.models.backbones import Backbone, build_backbone, plan
from fgir.models.drops import NO_DROPS, Drops, active
from fgir.models.shapes import on_meta_device
from fgir.models.tags import skeleton
from fgir.results.parquet import read_row
from fgir.specs import Network
from fgir.study import Run, study_of
from fgir.training.train import train_run
from fgir.utils.errors import FgirError
from fgir.workflow.specs import Specs

# timm gives these rates of its own: by default, by the tag, or fixed in the code.
DROPPING = {
    "swin_tiny_patch4_window7_224.ms_in1k": "stochastic depth",
    "legacy_seresnet18.in1k": "dropout before the classifier",
    "test_vit_relpos.untrained": "dropout in the network that makes positions",
    "rexnet_100.nav_in1k": "dropout before the classifier",
}
VIT = "test_vit.r160_in1k"


def on_meta(model, size, dense, drops=NO_DROPS):
    how = plan(model, size, dense, drops)
    return on_meta_device(lambda: Backbone(model, how)).train()


@pytest.mark.parametrize("tag", DROPPING)
def test_rates_that_timm_sets_of_its_own_are_set_to_none(tag):
    assert active(skeleton(tag)) != {}

    assert active(on_meta(model_spec(tag), 224, dense=False)) == {}


@pytest.mark.parametrize("tag", [VIT, "test_vit_relpos.untrained", "swin_tiny_patch4_window7_224.ms_in1k"])
def test_two_passes_in_training_mode_are_equal(tag):
    torch.manual_seed(0)
    backbone = build_backbone(model_spec(tag), 64, dense=False).train()
    images = torch.randn(2, 3, 64, 64)

    with torch.no_grad():
        assert torch.equal(backbone.pooled(images), backbone.pooled(images))


@pytest.mark.parametrize(
    ("drops", "option", "layers"), [(Drops(path=0.2), "drop_path_rate", 10), (Drops(dropout=0.1), "proj_drop_rate", 18)]
)
def test_asked_for_the_layers_of_vit_drop_and_no_others(drops, option, layers):
    backbone = on_meta(model_spec(VIT), 64, True, drops)

    # Six blocks of two branches, the first at rate 0; or of an attention and the two layers of an MLP.
    rates = active(backbone.net)
    assert len(rates) == layers
    assert max(rates.values()) == pytest.approx(max(drops))
    assert backbone.how.options[option] == max(drops)


def test_what_timm_drops_of_its_own_stays_off_beside_what_is_asked_for():
    backbone = on_meta(model_spec("test_vit_relpos.untrained"), 64, False, Drops(path=0.2))

    assert active(backbone.net)
    assert all("drop_path" in name for name in active(backbone.net))


def test_a_model_without_projections_drops_the_vector_in_training_alone():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("test_efficientnet.r160_in1k"), 64, dense=False, drops=Drops(dropout=0.5))
    images = torch.randn(4, 3, 64, 64)

    with torch.no_grad():
        kept = backbone.eval().pooled(images)
        dropped = backbone.train().pooled(images)

    assert not (kept == 0).any()
    assert 0.4 < (dropped == 0).float().mean() < 0.7


@pytest.mark.parametrize(
    ("tag", "dense", "drops", "complaint"),
    [
        (
            "vgg11.tv_in1k",
            False,
            Drops(path=0.1),
            "vgg11.tv_in1k has no stochastic depth; leave training.drop",
        ),
        (
            "test_resnet.r160_in1k",
            True,
            Drops(dropout=0.1),
            "only before its classifier, which cal and calm",
        ),
        ("test_efficientnet.r160_in1k", True, Drops(dropout=0.1), "leave training.dropout at 0 or take another model"),
    ],
)
def test_what_a_model_cannot_drop_is_refused(tag, dense, drops, complaint):
    with pytest.raises(FgirError, match=complaint):
        plan(model_spec(tag), 64, dense, drops)


def test_a_frozen_backbone_in_evaluation_mode_drops_nothing_and_the_row_says_so(tmp_path):
    study = study_of(
        {
            "name": "one",
            "datasets": ["elpv"],
            "backbones": ["vit_b16"],
            "settings": ["frozen", "finetuned"],
            "training": {"dropout": 0.1, "drop_path": 0.2},
        },
        "study.yaml",
    )
    specs = Specs(study)

    frozen, tuned = (specs.run(Run("elpv", "vit_b16", regime, 224, 1)).training for regime in ("frozen", "finetuned"))

    assert (frozen.dropout, frozen.drop_path) == (0.0, 0.0)
    assert (tuned.dropout, tuned.drop_path) == (0.1, 0.2)


def test_a_training_drops_what_its_spec_says_and_its_row_says_so(tmp_path):
    files = TrainingFiles(tmp_path / "letters")
    rows = []
    for folder, options in (("plain", {}), ("dropping", {"dropout": 0.5})):
        run = spec("finetuned", epochs=1, **options)
        train_run(run, files.inputs(tmp_path / folder), None, tmp_path / folder)
        rows.append(read_row("train", tmp_path / folder / "train.parquet"))

    assert [(row["drop_path"], row["dropout"]) for row in rows] == [(0.0, 0.0), (0.0, 0.5)]
    assert rows[0]["train_loss"] != rows[1]["train_loss"]


def test_measurements_are_made_of_models_that_drop_nothing():
    model = build_model(Network(MODEL, "finetuned", 3, 64), None)

    assert model.backbone.how.drops == ()
    assert model.backbone.how.dropout == 0.0
