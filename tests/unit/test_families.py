"""One tag of every family of timm: the linear head reads what timm's own classifier does, at the same cost."""

import pytest
import timm
import torch
from backbone_files import model_spec
from families import (
    AT_EACH_CHANGE,
    FAMILIES,
    LEFT_OUT,
    REFUSED,
    SECOND_HEADS,
    UNCOUNTED,
    classified,
    module_of,
    numbered,
    with_numbers_of,
)
from sweep import swept
from torch import Tensor, nn

from fgir.cost.macs import macs_by_torch
from fgir.cost.operators import macs_by_fvcore
from fgir.models.backbones import plan
from fgir.models.classifier import Classifier
from fgir.models.construction import takes_size
from fgir.models.drops import active
from fgir.models.tags import skeleton
from fgir.utils.errors import FgirError


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_every_module_of_timm_has_a_tag_here_or_a_reason() -> None:
    seen = {module_of(tag) for tag in [*FAMILIES, *REFUSED]}

    missing = set(timm.list_modules()) - seen - LEFT_OUT.keys()

    assert not missing, f"Add the smallest tag of {sorted(missing)} to FAMILIES or REFUSED, or a reason to LEFT_OUT."
    assert LEFT_OUT.keys().isdisjoint(module_of(tag) for tag in FAMILIES)
    assert LEFT_OUT.keys() <= set(timm.list_modules())
    assert FAMILIES.keys() >= AT_EACH_CHANGE


@pytest.mark.parametrize("tag", swept(FAMILIES, AT_EACH_CHANGE))
@torch.no_grad()
def test_the_linear_head_reads_what_timms_classifier_does_at_the_same_cost(tag: str) -> None:
    size, spec = FAMILIES[tag], model_spec(tag)
    model = numbered(tag, **({"img_size": size} if takes_size(skeleton(tag)) else {}))
    backbone = with_numbers_of(model, spec, size, dense=False)
    classes = model.num_classes
    classifier = Classifier(backbone, max(classes, 1)).eval()
    images = torch.randn(2, 3, size, size)

    logits, macs_of_timm = counted(model, images)
    vectors, macs_by_counter = counted(classifier, images, read=classifier.head)
    macs, uncounted = macs_by_fvcore(classifier, images)

    assert vectors.shape == (2, backbone.width)
    # The same operations on the same numbers; several classifiers are averaged in another order.
    torch.testing.assert_close(classified(model, vectors), logits, rtol=1e-4, atol=1e-4 * logits.abs().max().item())
    extra = 0 if classes else backbone.width
    extra -= backbone.width * classes if tag in SECOND_HEADS else 0
    assert macs_by_counter - len(images) * extra == macs_of_timm
    assert uncounted == UNCOUNTED.get(tag, [])
    # Only fvcore sees the few products by which MViT and SAM resize their tables.
    assert macs is None if uncounted else macs == pytest.approx(macs_by_counter, rel=1e-5)

    backbone.train()
    assert active(backbone) == {}
    before = torch.get_rng_state()
    backbone.pooled(images)
    assert torch.equal(torch.get_rng_state(), before), "something is drawn while training"


def counted(network: nn.Module, images: Tensor, read: nn.Module | None = None) -> tuple[Tensor, int]:
    """What a network gives, or what its layer ``read`` is given, and the multiply-adds of the batch, in one pass."""
    kept: list[Tensor] = []
    handle = (read or network).register_forward_hook(lambda _, given, out: kept.append(given[0] if read else out))
    macs = macs_by_torch(network, images)
    handle.remove()
    return kept[0], macs


@pytest.mark.parametrize("tag", REFUSED)
def test_what_gives_no_such_vector_is_refused_in_a_sentence(tag: str) -> None:
    size = skeleton(tag).pretrained_cfg["input_size"][1]

    with pytest.raises(FgirError) as error:
        plan(model_spec(tag), size, dense=False)

    assert REFUSED[tag] in str(error.value)
