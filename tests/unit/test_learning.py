"""The part of a network that learns in an adaptation, and the rest, which stays as it is."""

from typing import Any

import pytest
import torch
from small_training import MODEL

from fgir.methods.build import untrained
from fgir.methods.learning import check_part, learning
from fgir.specs import ModelSpec, Network
from fgir.study import CalOptions, Regime, Trainable
from fgir.utils.errors import FgirError

NORM, BLOCK = "bn2", "blocks.4.0"


def network(regime: Regime = "finetuned", tag: str = MODEL.timm, size: int = 64) -> Network:
    model = ModelSpec(backbone="net", timm=tag, pool=None, mean=None, std=None, weights="none (random)")
    return Network(model, regime, 3, size, CalOptions(attention_maps=4))


def learnt(network: Network, part: Trainable) -> tuple[set[str], list[str]]:
    """The layers that learn, and the modules in training mode."""
    model = untrained(network)
    modes = learning(model, network, part)
    names = {name.rpartition(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}
    return names, modes


@pytest.mark.parametrize(("regime", "head"), [("finetuned", "head"), ("cal", "classifier"), ("calmix", "classifier")])
def test_classifier_alone_learns_and_nothing_is_in_training_mode(regime: Regime, head: str) -> None:
    assert learnt(network(regime), "classifier") == ({head}, [])


@pytest.mark.parametrize(("regime", "head"), [("finetuned", "head"), ("cal", "classifier")])
def test_norm_before_pooling_learns_with_the_classifier(regime: Regime, head: str) -> None:
    norm = f"backbone.net.{NORM}"

    assert learnt(network(regime), "classifier_bn") == ({head, norm}, [norm])


def test_statistics_move_while_scale_and_shift_stay() -> None:
    norm = f"backbone.net.{NORM}"

    assert learnt(network(), "classifier_bn_statistics") == ({"head"}, [norm])


def test_last_block_learns_with_what_stands_behind_it() -> None:
    names, modes = learnt(network(), "last_block")

    below = {name.split(".")[2] for name in names if name != "head"}
    assert {"conv_head", NORM} <= below
    assert {name.split(".")[3] for name in names if ".blocks." in name} == {BLOCK.split(".")[1]}
    assert f"backbone.net.{NORM}" in modes


def test_position_table_of_a_transformer_learns() -> None:
    names, modes = learnt(network(tag="test_vit.r160_in1k", size=160), "position")

    assert names == {"head", "backbone.net.norm", "backbone.net"}
    assert modes == ["backbone.net.norm"]


def test_layer_norm_is_refused_for_its_statistics() -> None:
    sentence = (
        r'Backbone "net": the last norm of test_vit\.r160_in1k \(norm\) is no batch norm and has no statistics; take '
        "the part classifier_bn"
    )
    with pytest.raises(FgirError, match=sentence):
        check_part(network(tag="test_vit.r160_in1k", size=160), "classifier_bn_statistics")


def test_network_without_positions_is_refused() -> None:
    with pytest.raises(FgirError, match=r"test_efficientnet\.r160_in1k has no table of positions that learns"):
        check_part(network(), "position")


def test_cal_reads_for_its_classifier_what_its_logits_are_made_of() -> None:
    model: Any = untrained(network("cal")).eval()
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    assert torch.equal(model.classify(model.features(images)), model(images))
