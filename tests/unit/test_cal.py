"""CAL and CALMix against their definition, written out image by image in double precision."""

import copy

import pytest
import torch
from region_loops import box_of, cropped, dropped, mask_of, swapped
from roundtrips import HostRoundTrips
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.nn import functional as F

from fgir.evaluation.protocols import attention_crops
from fgir.evaluation.views import logits_by
from fgir.models.cal import CAL, choose, pool
from fgir.utils.errors import FgirError

CLASSES, MAPS, WIDTH, SIZE = 5, 6, 8, 48


def network(**options) -> CAL:
    torch.manual_seed(3)
    backbone = nn.Sequential(
        nn.Conv2d(3, WIDTH, 5, stride=4, bias=False),
        nn.BatchNorm2d(WIDTH),
        nn.ReLU(),
        nn.Conv2d(WIDTH, WIDTH, 3, stride=2),
    )
    net = CAL(backbone, WIDTH, CLASSES, maps=MAPS, **options)
    net.centre.normal_()
    nn.init.normal_(net.attention[0].weight, std=0.1)  # so small that the epsilon of the batch-norm matters
    return net


def batch(count: int = 8) -> tuple[Tensor, Tensor]:
    """Images in pairs of one class, with one class in two of the pairs."""
    generator = torch.Generator().manual_seed(4)
    images = torch.randn(count, 3, SIZE, SIZE, generator=generator)
    return images, torch.tensor([2, 0, 2, 4]).repeat_interleave(2).repeat(count // 8)


class Definition:
    """The training step of the paper, one image at a time, on a copy of a network in double precision."""

    def __init__(self, net: CAL, interpolation: str):
        self.net = copy.deepcopy(net).double()
        self.interpolation = interpolation

    def attend(self, features: Tensor) -> Tensor:
        convolution, norm = self.net.attention[0], self.net.attention[1]
        mixed = torch.einsum("md,bdhw->bmhw", convolution.weight[:, :, 0, 0], features)
        mean, variance = mixed.mean((0, 2, 3), keepdim=True), mixed.var((0, 2, 3), correction=0, keepdim=True)
        scale, shift = norm.weight[:, None, None], norm.bias[:, None, None]
        return torch.clamp((mixed - mean) / torch.sqrt(variance + 1e-3) * scale + shift, min=0)

    def pooled(self, attention: Tensor, features: Tensor) -> Tensor:
        parts = [(one * features).mean(dim=(1, 2)) for one in attention]
        product = torch.cat(parts)
        rooted = torch.sign(product) * torch.sqrt(torch.abs(product) + 1e-6)
        return rooted / torch.sqrt((rooted**2).sum())

    def look(self, images: Tensor) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        features = self.net.backbone(images)
        maps = self.attend(features)
        random = torch.empty(maps.shape).uniform_(0, 2).double()
        pooled = [self.pooled(*pair) for pair in zip(maps, features, strict=True)]
        blind = [self.pooled(*pair) for pair in zip(random, features, strict=True)]
        weight = self.net.classifier.weight
        logits = torch.stack([weight @ (100 * one) for one in pooled])
        return maps, pooled, logits, logits - torch.stack([weight @ (100 * one) for one in blind])

    def closer(self, images: Tensor, maps: Tensor, swap: bool) -> list[Tensor]:
        kinds = 3 if swap else 2
        draws = torch.empty(len(images), kinds, MAPS).exponential_().double()
        bounds = [(0.4, 0.6), (0.2, 0.5), (0.6, 0.8)][:kinds]
        thresholds = [torch.empty(len(images)).uniform_(*bound).double() for bound in bounds]
        masks: list[list[Tensor]] = [[], [], []]
        for index, attention in enumerate(maps):
            weights = torch.sqrt(attention.sum(dim=(1, 2)) + 1e-6)
            for kind in range(kinds):
                pick = max(range(MAPS), key=lambda m: (weights[m] / draws[index, kind, m]).item())
                mask = mask_of(attention[pick], thresholds[kind][index], SIZE, self.interpolation)
                masks[kind].append(mask)
        crops = [cropped(*pair) for pair in zip(images, [box_of(mask, 0.1) for mask in masks[0]], strict=True)]
        drops = [dropped(*pair) for pair in zip(images, masks[1], strict=True)]
        if not swap:
            return [torch.stack(crops), torch.stack(drops)]
        swaps = swapped(images, [box_of(mask, 0) for mask in masks[2]])
        return [torch.stack(crops), swaps, torch.stack(drops)]

    def losses(self, images: Tensor, labels: Tensor, swap: bool) -> tuple[Tensor, Tensor]:
        images = images.double()
        maps, pooled, logits, effect = self.look(images)
        parts = self.closer(images, maps.detach(), swap)
        _, _, part_logits, part_effect = self.look(torch.cat(parts))
        centres = [F.normalize(self.net.centre[label], dim=0) for label in labels]
        pull = sum(((z - c) ** 2).sum() for z, c in zip(pooled, centres, strict=True)) / len(images)
        repeated = torch.cat([labels] * len(parts))
        effects = torch.cat([effect, part_effect])
        weights = (1 / 3, 3 / 3, 4 / 3) if swap else (1 / 3, 2 / 3, 3 / 3)
        loss = (
            weights[0] * F.cross_entropy(logits, labels)
            + weights[1] * F.cross_entropy(part_logits, repeated)
            + weights[2] * F.cross_entropy(effects, torch.cat([labels, repeated]))
            + pull
        )
        offsets = [(z - c).detach() for z, c in zip(pooled, centres, strict=True)]
        for label in set(labels.tolist()):
            own = [offset for offset, one in zip(offsets, labels.tolist(), strict=True) if one == label]
            self.net.centre[label] += 0.05 * sum(own) / len(own)
        return loss, (logits + part_logits[: len(images)]) / 2


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_training_step_equals_its_definition(swap, interpolation, seed):
    net = network(mask_interpolation=interpolation)
    definition = Definition(net, interpolation)
    images, labels = batch()

    torch.manual_seed(seed)
    loss, logits = net.losses(images, labels, swap)
    loss.backward()
    torch.manual_seed(seed)
    expected_loss, expected_logits = definition.losses(images, labels, swap)
    expected_loss.backward()

    # float32 against float64, with logits of some tens: 1e-5 of each is a hundred roundings.
    close = {"rtol": 1e-4, "atol": 1e-4, "check_dtype": False}
    torch.testing.assert_close(loss, expected_loss, **close)
    torch.testing.assert_close(logits, expected_logits, **close)
    torch.testing.assert_close(net.centre, definition.net.centre, rtol=0, atol=1e-6, check_dtype=False)
    expected = dict(definition.net.named_parameters())
    for name, parameter in net.named_parameters():
        error = (parameter.grad - expected[name].grad).norm() / expected[name].grad.norm()
        # The slope of the signed square root is 500 near zero, where it enlarges the rounding of float32.
        assert error < 0.01, name


def test_the_regions_of_a_step_differ_between_images_and_kinds():
    net = network()
    images, _ = batch()
    maps = net.attention(net.backbone(images)).detach()

    crops, swaps, drops = net.sample_regions(images, maps, swap=True).chunk(3)

    for made in (crops, swaps, drops):
        assert ((made - images).flatten(1).abs().amax(1) > 0.1).sum() >= 6


def test_a_step_is_repeatable_bit_for_bit_with_classes_repeated():
    results = []
    for _ in range(2):
        net = network()
        torch.manual_seed(9)
        for _ in range(3):
            loss, _ = net.losses(*batch(16), swap=True)
        results.append((loss.detach(), net.centre))

    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_the_centre_moves_by_the_mean_of_a_class_whatever_the_order():
    offset = torch.randn(4, MAPS * WIDTH, generator=torch.Generator().manual_seed(1))
    labels, order = torch.tensor([1, 3, 1, 1]), torch.tensor([2, 0, 3, 1])
    net, shuffled = network(), network()
    before = net.centre.clone()

    net._move_centre(offset, labels)
    shuffled._move_centre(offset[order], labels[order])

    before[1] += 0.05 * offset[[0, 2, 3]].mean(0)
    before[3] += 0.05 * offset[1]
    # Sums of three in another order, and one division more.
    torch.testing.assert_close(net.centre, before, rtol=0, atol=1e-6)
    torch.testing.assert_close(shuffled.centre, before, rtol=0, atol=1e-6)


def test_the_centre_is_saved_and_is_no_parameter():
    net, other = network(), network()
    net.losses(*batch())

    other.load_state_dict(net.state_dict())

    assert "centre" not in dict(net.named_parameters())
    assert torch.equal(other.centre, net.centre)
    assert not torch.equal(net.centre, network().centre)


def test_maps_are_chosen_by_the_root_of_their_sum_with_replacement():
    torch.manual_seed(0)
    sums = torch.tensor([0.0, 1.0, 4.0, 9.0])
    maps = (sums / 4)[None, :, None, None].expand(1, 4, 2, 2)

    chosen = choose(maps.expand(6000, 4, 2, 2), 2).sum((2, 3))

    shares = torch.stack([(chosen == total).float().mean(0) for total in sums])
    # Four standard deviations of a share of 6000 draws; the dead map has 0.001 / 6.
    torch.testing.assert_close(shares, (sums.sqrt() / 6)[:, None].expand(4, 2), rtol=0, atol=0.026)
    same = (chosen[:, 0] == chosen[:, 1]).float().mean()
    assert abs(same - (1 + 4 + 9) / 36) < 0.026


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_prediction_is_the_mean_of_eight_views(interpolation):
    net = network(mask_interpolation=interpolation).eval()
    nn.init.constant_(net.attention[1].bias, -0.1)  # attention to the pattern alone, not to the grey around it
    images = torch.zeros(8, 3, SIZE, SIZE)
    images[:, :, 18:30, 12:24] = batch()[0][:, :, :12, :12] * 5

    with torch.no_grad():
        logits = predict(net, images)
        views = [eight_views(net, image, interpolation) for image in images]
        expected = torch.stack([sum(net(view[None])[0] for view in eight) / 8 for eight in views])

    # Logits of some units, from convolutions that sum in another order in another batch size.
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
    assert all(len({tuple(view.flatten().tolist()) for view in eight}) >= 6 for eight in views)


def test_the_first_view_is_the_image_itself_and_the_prediction_the_mean_of_all():
    net, (images, _) = network().eval(), batch()

    with torch.no_grad():
        views, plain, predicted = attention_crops.views(net, images), net(images), predict(net, images)

    assert views.shape == (8, len(images), CLASSES)
    torch.testing.assert_close(predicted, views.mean(0), rtol=0, atol=0)
    # Logits of some units, from convolutions that sum in another order in another batch size.
    torch.testing.assert_close(views[0], plain, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(views[1], net(images.flip(3)), rtol=1e-4, atol=1e-4)


def predict(net: CAL, images: Tensor) -> Tensor:
    return logits_by(["attention_crops"], net, images)[0]


def eight_views(net: CAL, image: Tensor, interpolation: str) -> list[Tensor]:
    views = []
    for view in (image, image.flip(2)):
        attention = net.attention(net.backbone(view[None]))[0].mean(0)
        views.append(view)
        for threshold, padding in ((0.3, 0.1), (0.2, 0.1), (0.1, 0.05)):
            box = box_of(mask_of(attention, threshold, SIZE, interpolation), padding)
            views.append(cropped(view, box))
    return views


def test_one_view_is_one_pass_without_the_counterfactual_branch():
    net = network().eval()
    calls: list[str] = []
    net.backbone.register_forward_hook(lambda *_: calls.append("backbone"))
    net.classifier.register_forward_hook(lambda *_: calls.append("classifier"))
    state = torch.get_rng_state()

    logits = net(batch()[0])

    assert calls == ["backbone", "classifier"]
    assert logits.shape == (8, CLASSES)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("swap", "passes"), [(False, [8, 16]), (True, [8, 24])])
def test_a_step_encodes_the_images_and_then_their_regions(swap, passes):
    net = network()
    seen: list[int] = []
    net.backbone.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))

    net.losses(*batch(), swap=swap)

    assert seen == passes


@pytest.mark.parametrize("swap", [False, True])
def test_dead_attention_trains_on_whole_and_black_images(swap):
    net = network()
    images, labels = batch()
    dead = torch.zeros(len(images), MAPS, 5, 5)

    kinds = net.sample_regions(images, dead, swap).chunk(3 if swap else 2)
    nn.init.zeros_(net.attention[1].weight)
    loss, _ = net.losses(images, labels, swap)
    loss.backward()

    assert torch.equal(kinds[0], images)
    assert torch.equal(kinds[-1], torch.zeros_like(images))
    assert loss.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


@pytest.mark.parametrize("swap", [False, True])
def test_an_image_that_is_not_finite_gives_a_loss_that_is_not(swap):
    images, labels = batch()
    images[0] = float("nan")

    loss, _ = network().losses(images, labels, swap)

    assert not loss.isfinite()


def test_pooling_and_logits_stay_in_float32_under_autocast():
    net = network()
    images, labels = batch()
    maps, features = torch.rand(2, MAPS, 5, 5), torch.randn(2, WIDTH, 5, 5)

    with torch.autocast("cpu", torch.bfloat16):
        half = pool(maps, features)
        loss, logits = net.losses(images, labels)

    assert torch.equal(half, pool(maps, features))
    assert loss.dtype == logits.dtype == net.centre.dtype == torch.float32


def test_logits_of_a_pooled_vector_are_not_rounded_under_autocast():
    net = network().eval()
    images, _ = batch()
    pooled = []
    net.classifier.register_forward_pre_hook(lambda module, given: pooled.append(given[0]))

    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        logits = net(images)

    # An effect is the difference of two of these: rounded to bfloat16, or a GPU's float16, it would be mostly rounding.
    assert torch.equal(logits, pooled[0] @ net.classifier.weight.T)


def test_an_unknown_interpolation_names_the_nearest():
    with pytest.raises(FgirError, match='"bicubik" is unknown; did you mean "bicubic"'):
        network(mask_interpolation="bicubik")


@pytest.mark.parametrize("swap", [False, True])
def test_a_training_step_makes_no_host_round_trip(swap):
    net = network()
    images, labels = batch(16)

    with HostRoundTrips() as trips:
        loss, _ = net.losses(images, labels, swap)
        loss.backward()

    assert trips.operators == {}


def test_prediction_makes_no_host_round_trip():
    with HostRoundTrips() as trips, torch.no_grad():
        predict(network().eval(), batch()[0])

    assert trips.operators == {}


@pytest.mark.parametrize(
    ("wait", "operator"),
    [
        (lambda values: values.max().item(), "aten._local_scalar_dense"),
        (lambda values: bool(values.max() > 0), "aten._local_scalar_dense"),
        (lambda values: values.nonzero(), "aten.nonzero"),
        (lambda values: torch.where(values > 0), "aten.nonzero"),
        (lambda values: values.masked_select(values > 0), "aten.masked_select"),
        (lambda values: values[values > 0], "aten.index"),
        (lambda values: values.clone().index_put_((values > 0,), torch.zeros(())), "aten.index_put_"),
        (lambda values: values.unique(), "aten._unique2"),
        (lambda values: torch.equal(values, values), "aten.equal"),
    ],
)
def test_the_counter_sees_a_host_round_trip(wait, operator):
    with HostRoundTrips() as trips:
        wait(torch.randn(4, 4))

    assert trips.operators == {operator: 1}


def test_the_counter_sees_what_a_loop_over_images_costs():
    masks = torch.rand(3, 9, 9) > 0.5

    with HostRoundTrips() as trips:
        for mask in masks:
            box_of(mask, 0.1)

    assert trips.count == 3 * 5


@pytest.mark.parametrize("swap", [False, True])
def test_a_step_runs_where_no_value_can_be_read_and_all_tensors_are_on_the_device(swap):
    # Tensors without values, said to be on a GPU: reading one, or mixing it with one of the CPU, is an error.
    with FakeTensorMode():
        with torch.device("cuda"):
            net = CAL(nn.Conv2d(3, WIDTH, 8, stride=8), WIDTH, CLASSES, maps=MAPS)
            images, labels = torch.zeros(8, 3, SIZE, SIZE), torch.zeros(8, dtype=torch.long)

        loss, logits = net.losses(images, labels, swap)
        predicted = predict(net, images)

        assert loss.device.type == logits.device.type == predicted.device.type == "cuda"
        with pytest.raises(DataDependentOutputException):
            loss.item()
        with pytest.raises(RuntimeError, match="device"):
            images + torch.zeros(8, 3, SIZE, SIZE, device="cpu")
