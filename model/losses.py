"""Dice + focal loss over the pixels that count, of the answer and of what the gates say on the way to it."""

import torch
from torch import Tensor
from torch.nn import functional

GATES = 0.3  # what the gates' own answers weigh together, beside the network's


def deep_loss(logits: Tensor, answers: list[Tensor], target: Tensor, valid: Tensor, organs: tuple[bool, ...]) -> Tensor:
    """`dice_focal_loss` of the network's answer, and of the gates' own, each at its own scale.

    A coarse pixel of an organ has the share that the organ covers of it; one of a vessel is marked when any is.
    """
    loss = dice_focal_loss(logits, target, valid, organs)
    for answer in answers:
        size = answer.shape[2], answer.shape[3]
        shares = functional.adaptive_avg_pool2d(target, size)
        whole = torch.tensor(organs, device=target.device)[None, :, None, None]
        coarse = torch.where(whole, shares, (shares > 0).to(shares.dtype))
        inside = (functional.adaptive_avg_pool2d(valid, size) > 0.99).to(shares.dtype)
        loss = loss + GATES / len(answers) * dice_focal_loss(answer, coarse, inside, organs)
    return loss


def dice_focal_loss(
    logits: Tensor, target: Tensor, valid: Tensor, organs: tuple[bool, ...], gamma: float = 2.0
) -> Tensor:
    """Mean over the labels of soft Dice loss (Milletari 2016) and binary focal loss (Lin 2017).

    All are float (N, K, H, W), a plane for each label; `target` 0 or 1; `valid` 0 where a pixel is outside the
    field of view or its data set does not mark that label. Dice is taken picture by picture for an organ, so that
    a slice that just cuts the liver counts as much as one through its middle, and over the whole batch for what a
    patch may lack, a vessel or a lesion: one picture's would be all noise. A batch that shows no lesion at all is left
    to the focal loss, for Dice would then punish the faintest doubt as much as a false lesion: a liver release trained
    on without this exception no longer marked any. Ours, for MONAI's DiceFocalLoss takes no such mask.
    """
    logits = logits.float()
    probability = torch.sigmoid(logits)
    axes = (0, 2, 3)

    overlap = (probability * target * valid).sum((2, 3))
    total = ((probability + target) * valid).sum((2, 3))
    by_picture = (1 - (2 * overlap + 1) / (total + 1)).mean(0)
    shown = (target * valid).sum(axes) > 0
    by_batch = shown * (1 - (2 * overlap.sum(0) + 1) / (total.sum(0) + 1))
    dice = torch.where(torch.tensor(organs, device=logits.device), by_picture, by_batch).mean()

    truth = probability * target + (1 - probability) * (1 - target)
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    focal = ((1 - truth) ** gamma * entropy * valid).sum(axes) / valid.sum(axes).clamp(min=1)
    return dice + focal.mean()
