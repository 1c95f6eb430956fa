"""The attention U-Net (Oktay et al. 2018, arXiv:1804.03999) on the U-Net of Ronneberger et al. 2015."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

PLACES = 5  # numbers that tell where a pixel lies


@dataclass(frozen=True)
class NetworkConfig:
    """`width` channels at full resolution, doubled at each of `depth` - 1 poolings; one output for each label.

    `whole`: the network is shown whole pictures in training as in use, so its gates may know a picture's mean, and
    where in it a pixel lies.
    """

    channels: int = 3
    classes: int = 1
    width: int = 16
    depth: int = 4
    attention: bool = True
    dropout: float = 0.1
    whole: bool = False


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
    """Weigh the skip's features by how well they agree with what the decoder has found so far.

    `skip` and `gate`, the decoder's upsampled map, are (N, C, H, W). The gate first says where it takes the labels to
    be, from the decoder's map alone; that answer, logits (N, K, H, W), is returned beside the weighed skip and is
    trained against the labels at its own scale (deep supervision, as in Oktay's own code), so that the gating signal
    means something from the first steps on. Then each feature of each pixel is multiplied with a weight in 0…2 that
    its 3 × 3 surroundings decide. Weights start at 1: training begins with the plain U-Net's skip.

    Oktay's gate, one weight for all features of a pixel and 1/2 at the start, did worse than no gate in our folds, and
    so did this one without its own answer; model/README.md has the figures.
    """

    def __init__(self, channels: int, classes: int, whole: bool = False):
        super().__init__()
        inner = max(channels // 2, 8)
        self.answer = nn.Conv2d(channels, classes, 1)
        self.skip = nn.Conv2d(channels, inner, 1, bias=False)
        self.gate = nn.Conv2d(channels, inner, 1, bias=False)
        self.norm = nn.BatchNorm2d(inner)
        self.told = nn.Conv2d(classes, inner, 1, bias=False)
        self.whole = nn.Conv2d(channels, inner, 1, bias=False) if whole else None
        self.place = nn.Conv2d(PLACES, inner, 1, bias=False) if whole else None
        self.weight = nn.Conv2d(inner, channels, 3, padding=1)
        for start in (self.told.weight, self.weight.weight, self.weight.bias):
            nn.init.zeros_(start)  # type: ignore[arg-type]
        for known in filter(None, (self.whole, self.place)):
            nn.init.zeros_(known.weight)

    def forward(self, skip: Tensor, gate: Tensor) -> tuple[Tensor, Tensor]:
        answer = self.answer(gate)
        agreement = self.norm(self.skip(skip) + self.gate(gate)) + self.told(torch.sigmoid(answer))
        if self.whole and self.place:
            agreement = agreement + self.whole(gate.mean((2, 3), keepdim=True)) + self.place(places(gate))
        return skip * (2 * torch.sigmoid(self.weight(torch.relu(agreement)))), answer


def places(maps: Tensor) -> Tensor:
    """(1, PLACES, H, W): where each pixel of `maps` (N, C, H, W) lies, x and y from -1 to 1 on the longer side, and
    their products; 3 times that, so as to weigh like normed features (CoordConv, Liu et al. 2018, arXiv:1807.03247)."""
    ones = torch.ones_like(maps[:1, :1], dtype=torch.float32)  # bf16 cannot count to 256
    # Counted, not read from the shape: an exported network meets other sizes than the one that it was traced with.
    height, width = ones.sum(2, keepdim=True)[..., :1], ones.sum(3, keepdim=True)[:, :, :1]
    longer = torch.maximum(height, width)
    y = (2 * ones.cumsum(2) - 1 - height) / longer
    x = (2 * ones.cumsum(3) - 1 - width) / longer
    return (3 * torch.cat([x, y, x * y, x * x, y * y], dim=1)).to(maps.dtype)


class UNet(nn.Module):
    """(N, channels, H, W) → logits (N, classes, H, W), and the gates' own, coarse to fine; H and W are multiples of
    2 ** (depth - 1).

    `attention=False` gives the plain U-Net: the same but for the gates before each concatenation. Maps are dropped in
    the two coarsest levels only: at full resolution there are too few to lose one.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        widths = [config.width * 2**level for level in range(config.depth)]
        inputs = [config.channels, *widths[:-1]]
        dropout = [0.0] * (config.depth - 2) + [config.dropout] * 2
        blocks = zip(inputs, widths, dropout, strict=True)
        self.encoder = nn.ModuleList(ConvBlock(before, after, share) for before, after, share in blocks)
        self.pool = nn.MaxPool2d(2)
        below = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(low, high, 2, stride=2) for low, high in below)
        gated = [high for _, high in below if config.attention]
        decoding = zip(below, dropout[-2::-1], strict=True)
        self.decoder = nn.ModuleList(ConvBlock(2 * high, high, share) for (_, high), share in decoding)
        self.head = nn.Conv2d(config.width, config.classes, 1)
        # Last, so that the same seed gives the rest of it the same first weights, with gates and without.
        self.gates = nn.ModuleList(AttentionGate(high, config.classes, config.whole) for high in gated)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips, answers = [], []
        features = image
        for level, block in enumerate(self.encoder):
            features = block(self.pool(features) if level else features)
            skips.append(features)
        for level, (up, block, skip) in enumerate(zip(self.up, self.decoder, skips[-2::-1], strict=True)):
            features = up(features)
            if self.gates:
                skip, answer = self.gates[level](skip, features)
                answers.append(answer)
            features = block(torch.cat([skip, features], dim=1))
        return self.head(features), answers
