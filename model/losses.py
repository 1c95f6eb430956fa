"""Dice + focal loss over the pixels that count."""

import torch
from torch import Tensor
from torch.nn import functional


def dice_focal_loss(logits: Tensor, target: Tensor, valid: Tensor, gamma: float = 2.0) -> Tensor:
    """Mean over the labels of soft Dice loss (Milletari 2016) and binary focal loss (Lin 2017).

    All are float (N, K, H, W), a plane for each label; `target` 0 or 1; `valid` 0 where a pixel is outside the
    field of view or its data set does not mark that label. Dice is taken over the whole batch: a patch without
    a vessel would otherwise be all noise. Ours, for MONAI's DiceFocalLoss takes no such mask.
    """
    logits = logits.float()
    probability = torch.sigmoid(logits)
    axes = (0, 2, 3)

    overlap = (probability * target * valid).sum(axes)
    total = ((probability + target) * valid).sum(axes)
    dice = (1 - (2 * overlap + 1) / (total + 1)).mean()

    truth = probability * target + (1 - probability) * (1 - target)
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    focal = ((1 - truth) ** gamma * entropy * valid).sum(axes) / valid.sum(axes).clamp(min=1)
    return dice + focal.mean()
