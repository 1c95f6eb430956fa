"""The attention U-Net (Oktay et al. 2018, arXiv:1804.03999) on the U-Net of Ronneberger et al. 2015."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class NetworkConfig:
    """`width` channels at full resolution, doubled at each of `depth` - 1 poolings; one output for each label."""

    channels: int = 3
    classes: int = 1
    width: int = 16
    depth: int = 4
    attention: bool = True
    dropout: float = 0.1


class ConvBlock(nn.Sequential):
    """Twice 3 × 3 convolution, batch norm, ReLU; dropout of whole maps between the two."""

    def __init__(self, inputs: int, outputs: int, dropout: float):
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Dropout2d(dropout),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class AttentionGate(nn.Module):
    """Weigh the skip's features by how well they agree with the decoder's upsampled map.

    `skip` and `gate` are (N, C, H, W); each feature of each pixel of `skip` is multiplied with a weight in 0…2,
    which starts at 1: training begins with the plain U-Net's skip and learns what to hold back and what to stress.
    Oktay's gate, one weight for all features of a pixel and 1/2 at the start, did worse than no gate in our folds.
    """

    def __init__(self, channels: int):
        super().__init__()
        inner = max(channels // 2, 4)
        self.skip = nn.Sequential(nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner))
        self.gate = nn.Sequential(nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner))
        self.weight = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)  # type: ignore[arg-type]

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        agreement = torch.relu(self.skip(skip) + self.gate(gate))
        return skip * (2 * torch.sigmoid(self.weight(agreement)))


class UNet(nn.Module):
    """(N, channels, H, W) → logits (N, classes, H, W); H and W are multiples of 2 ** (depth - 1).

    `attention=False` gives the plain U-Net: the same but for the gates before each concatenation.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        widths = [config.width * 2**level for level in range(config.depth)]
        inputs = [config.channels, *widths[:-1]]
        self.encoder = nn.ModuleList(ConvBlock(i, o, config.dropout) for i, o in zip(inputs, widths, strict=True))
        self.pool = nn.MaxPool2d(2)
        below = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(low, high, 2, stride=2) for low, high in below)
        self.gates = nn.ModuleList(AttentionGate(high) if config.attention else _Open() for _, high in below)
        self.decoder = nn.ModuleList(ConvBlock(2 * high, high, config.dropout) for _, high in below)
        self.head = nn.Conv2d(config.width, config.classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        skips = []
        features = image
        for level, block in enumerate(self.encoder):
            features = block(self.pool(features) if level else features)
            skips.append(features)
        for up, gate, block, skip in zip(self.up, self.gates, self.decoder, skips[-2::-1], strict=True):
            features = up(features)
            features = block(torch.cat([gate(skip, features), features], dim=1))
        return self.head(features)


class _Open(nn.Module):
    """No gate: the plain U-Net's skip connection."""

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return skip
