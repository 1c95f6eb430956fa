"""Dice + focal loss over the pixels that count."""

import torch
from torch import Tensor
from torch.nn import functional


def dice_focal_loss(logits: Tensor, labels: Tensor, valid: Tensor, gamma: float = 2.0) -> Tensor:
    """Mean of soft Dice loss (Milletari 2016) and focal loss (Lin 2017).

    `logits` (N, K, H, W); `labels` int64 (N, H, W), 0…K-1; `valid` float (N, H, W), 0 where a pixel is outside
    the field of view. Dice is taken over the whole batch: a patch without a vessel would otherwise be all noise.
    """
    log_probability = functional.log_softmax(logits.float(), dim=1)
    probability = log_probability.exp()
    target = functional.one_hot(labels, logits.shape[1]).movedim(-1, 1).float()
    weight = valid.unsqueeze(1)

    overlap = (probability * target * weight).sum(dim=(0, 2, 3))[1:]
    total = ((probability + target) * weight).sum(dim=(0, 2, 3))[1:]
    dice = 1 - ((2 * overlap + 1) / (total + 1)).mean()

    focus = (1 - probability) ** gamma * -log_probability
    focal = (focus * target * weight).sum() / torch.clamp(valid.sum(), min=1)
    return dice + focal
