"""The attention U-Net: a gate before every concatenation, a plain twin, and it learns."""

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from model.export import mean_of, write_onnx
from model.losses import deep_loss, dice_focal_loss
from model.network import AttentionGate, NetworkConfig, UNet, places


def gates(network: UNet) -> list[AttentionGate]:
    return [module for module in network.modules() if isinstance(module, AttentionGate)]


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_one_gate_before_each_concatenation(depth):
    assert len(gates(UNet(NetworkConfig(width=4, depth=depth)))) == depth - 1


def test_plain_variant_is_the_same_without_gates():
    gated, plain = UNet(NetworkConfig()), UNet(NetworkConfig(attention=False))
    assert gates(plain) == []
    missing = set(gated.state_dict()) - set(plain.state_dict())
    assert all(name.startswith("gates.") for name in missing)
    assert set(plain.state_dict()) <= set(gated.state_dict())


def test_with_the_same_seed_both_begin_with_the_same_answer():
    answers = []
    for attention in (True, False):
        torch.manual_seed(3)
        network = UNet(NetworkConfig(width=4, attention=attention)).eval()
        answers.append(network(torch.linspace(0, 1, 3 * 32 * 32).reshape(1, 3, 32, 32))[0])
    assert answers[0].any()
    assert torch.equal(*answers)


@pytest.mark.parametrize(("classes", "size"), [(2, (64, 64)), (3, (32, 96))])
def test_shapes(classes, size):
    network = UNet(NetworkConfig(width=4, classes=classes))
    logits, answers = network(torch.zeros(2, 3, *size))
    assert logits.shape == (2, classes, *size)
    coarse_to_fine = [(2, classes, size[0] // step, size[1] // step) for step in (4, 2, 1)]
    assert [answer.shape for answer in answers] == coarse_to_fine
    assert UNet(NetworkConfig(width=4, attention=False))(torch.zeros(1, 3, 32, 32))[1] == []


def test_a_gate_starts_open_and_then_hangs_on_both_inputs():
    torch.manual_seed(0)
    gate = AttentionGate(8, classes=1).eval()
    skip, signal = torch.rand(1, 8, 6, 6), torch.rand(1, 8, 6, 6)
    assert torch.allclose(gate(skip, signal)[0], skip)
    torch.nn.init.normal_(gate.weight.weight)
    out = gate(skip, signal)[0]
    assert ((out >= 0) & (out <= 2 * skip)).all()
    assert not torch.allclose(out, gate(skip, signal + 3)[0])


def test_what_a_gate_says_by_itself_weighs_on_the_skip():
    torch.manual_seed(0)
    gate = AttentionGate(8, classes=1).eval()
    for convolution in (gate.told, gate.weight):
        torch.nn.init.normal_(convolution.weight)
    skip, signal = torch.rand(1, 8, 6, 6), torch.rand(1, 8, 6, 6)
    before = gate(skip, signal)[0]
    torch.nn.init.constant_(gate.answer.bias, 5.0)
    assert not torch.allclose(before, gate(skip, signal)[0])


def test_a_gate_of_whole_pictures_knows_what_is_far_away():
    torch.manual_seed(0)
    for whole in (False, True):
        gate = AttentionGate(8, classes=1, whole=whole).eval()
        for convolution in (gate.weight, *([gate.whole] if gate.whole else [])):
            torch.nn.init.normal_(convolution.weight)
        skip, signal = torch.rand(1, 8, 12, 12), torch.rand(1, 8, 12, 12)
        elsewhere = signal.clone()
        elsewhere[..., 6:, 6:] += 1
        same = torch.allclose(gate(skip, signal)[0][..., 0, 0], gate(skip, elsewhere)[0][..., 0, 0])
        assert same == (not whole)


def test_a_gate_of_whole_pictures_knows_where_it_is():
    torch.manual_seed(0)
    gate = AttentionGate(8, classes=1, whole=True).eval()
    torch.nn.init.normal_(gate.weight.weight)
    skip, signal = torch.ones(1, 8, 6, 12), torch.ones(1, 8, 6, 12)
    alike = gate(skip, signal)[0][..., 1:-1, 1:-1]
    assert torch.allclose(alike, alike[..., :1, :1].expand_as(alike))
    torch.nn.init.normal_(gate.place.weight)
    told = gate(skip, signal)[0]
    assert not torch.allclose(told[..., 3, 2], told[..., 3, 9]) and not torch.allclose(told[..., 1, 6], told[..., 4, 6])


def test_places_are_the_same_for_every_picture_and_lie_on_its_longer_side():
    x, y, *_ = places(torch.rand(2, 8, 4, 8))[0] / 3
    assert x[0].tolist() == pytest.approx([-0.875, -0.625, -0.375, -0.125, 0.125, 0.375, 0.625, 0.875])
    assert y[:, 0].tolist() == pytest.approx([-0.375, -0.125, 0.125, 0.375])
    assert places(torch.rand(1, 8, 256, 256).bfloat16())[0, 0, 0].float().diff().min() >= 0


def test_an_exported_network_says_the_same_at_a_size_that_it_was_not_traced_with(tmp_path):
    torch.manual_seed(0)
    network = UNet(NetworkConfig(channels=1, width=4, depth=3, whole=True)).eval()
    for parameter in network.gates.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    write_onnx(network, tmp_path / "network.onnx", channels=1, multiple=4)
    image = torch.rand(1, 1, 24, 40)
    (exported,) = ReferenceEvaluator(str(tmp_path / "network.onnx")).run(None, {"image": image.numpy()})
    with torch.no_grad():
        assert np.abs(exported - torch.sigmoid(network(image)[0]).numpy()).max() < 1e-4


def test_two_networks_answer_with_their_mean_each_with_its_own_view(tmp_path):
    torch.manual_seed(0)
    networks = [UNet(NetworkConfig(channels=1, width=4, depth=2, whole=True)).eval() for _ in range(2)]
    for number, network in enumerate(networks):
        write_onnx(network, tmp_path / f"{number}.onnx", channels=1, multiple=2)
    both = mean_of([onnx.load(tmp_path / f"{number}.onnx") for number in range(2)], planes=[[1], [0]])
    image = torch.rand(1, 2, 20, 36)
    (exported,) = ReferenceEvaluator(both).run(None, {"image": image.numpy()})
    with torch.no_grad():
        first, second = (torch.sigmoid(n(image[:, [p]])[0]).numpy() for n, p in zip(networks, (1, 0), strict=True))
    assert np.abs(exported - (first + second) / 2).max() < 1e-4
    assert np.abs(exported - first).max() > 0.01


def test_it_learns_what_it_is_shown():
    torch.manual_seed(0)
    network = UNet(NetworkConfig(width=4, depth=3, dropout=0))
    image = torch.rand(2, 3, 32, 32)
    target = (image[:, :1] > 0.5).float()
    optimizer = torch.optim.AdamW(network.parameters(), 0.02)
    losses = []
    for _ in range(60):
        loss = deep_loss(*network(image), target, torch.ones(2, 1, 32, 32), (False,))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]


def test_loss_of_a_perfect_and_of_an_undecided_answer():
    target = torch.tensor([[[[1.0, 0], [0, 1]]]])
    everywhere = torch.ones_like(target)
    assert dice_focal_loss(target * 60 - 30, target, everywhere, (False,)).item() == pytest.approx(0, abs=1e-4)
    undecided = dice_focal_loss(torch.zeros_like(target), target, everywhere, (False,)).item()
    dice = 1 - (2 * 2 * 0.5 + 1) / (4 * 0.5 + 2 + 1)
    focal = 0.5**2 * 0.693147
    assert undecided == pytest.approx(dice + focal, abs=1e-5)


def test_pixels_outside_the_view_do_not_count():
    logits = torch.randn(1, 2, 4, 4)
    target, valid = torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 4, 4)
    target[0, :, 1, 1] = 1
    valid[:, :, 2:] = 0
    before = dice_focal_loss(logits, target, valid, (False, True))
    changed, other = logits.clone(), target.clone()
    changed[:, :, 2:], other[:, :, 2:] = 9.0, 1
    assert torch.allclose(before, dice_focal_loss(changed, other, valid, (False, True)))


def test_gates_are_judged_at_their_own_scale():
    """A coarse pixel is a vessel when any of it is, and has an organ's share; right answers cost nothing."""
    target, everywhere = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    target[0, 0, 3] = 1
    perfect, coarse = target * 60 - 30, torch.full((1, 1, 4, 4), -30.0)
    coarse[0, 0, 1] = 30
    assert deep_loss(perfect, [coarse], target, everywhere, (False,)).item() == pytest.approx(0, abs=1e-4)
    assert deep_loss(perfect, [coarse], target, everywhere, (True,)).item() > 0.05
    assert deep_loss(perfect, [-coarse], target, everywhere, (False,)).item() > 0.2


def test_an_organs_dice_counts_each_picture_alike():
    """Missing a small organ costs as much as missing a large one; a vessel's loss only sees all pixels together."""
    target = torch.zeros(2, 1, 16, 16)
    target[0, :, :14], target[1, :, :2, :8] = 1, 1
    everywhere = torch.ones_like(target)
    missed = target * 60 - 30
    missed[1] = -30
    by_picture = dice_focal_loss(missed, target, everywhere, (True,)).item()
    by_batch = dice_focal_loss(missed, target, everywhere, (False,)).item()
    assert by_picture > by_batch + 0.4
