"""What training does to a picture so that other cameras, films and hands do not surprise the network. numpy, OpenCV."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Augment:
    """How far training pictures are bent. Angles in degrees, `scale` and `shift` as shares, `photo` the probability
    that a picture is made to look like a phone's photo of a film or a screen, `turn` that of a quarter turn, `plain`
    that of a patch that is at most mirrored."""

    angle: float = 180.0
    scale: float = 0.22
    shift: float = 0.0
    stretch: float = 0.08
    perspective: float = 0.0
    elastic_px: float = 2.0
    flips: str = "xy"
    turn: float = 0.0
    photo: float = 0.0
    plain: float = 0.5


def warp_map(centre: tuple[float, float], size: int, augment: Augment, random: np.random.Generator) -> np.ndarray:
    """Where each pixel of a patch is read in the picture: float32 (size, size, 2), x then y."""
    angle = np.deg2rad(random.uniform(-augment.angle, augment.angle))
    if random.random() < augment.turn:
        angle += np.pi / 2 * random.integers(1, 4)
    scale = np.exp(random.uniform(-augment.scale, augment.scale))
    stretch = np.exp(random.uniform(-augment.stretch, augment.stretch))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    signs = [random.choice([-1.0, 1.0]) if axis in augment.flips else 1.0 for axis in "xy"]
    linear = scale * turn @ np.diag([signs[0] * stretch, signs[1] / stretch])
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).astype(np.float32) - (size - 1) / 2
    if augment.perspective:
        lean = random.uniform(-augment.perspective, augment.perspective, 2) / size
        grid = grid / (1 + grid @ lean)[..., None]
    if augment.elastic_px:
        coarse = random.normal(0, augment.elastic_px, (6, 6, 2)).astype(np.float32)
        grid = grid + cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    shift = random.uniform(-augment.shift, augment.shift, 2) * size
    return (grid @ linear.T + np.array(centre) + shift).astype(np.float32)


def plain_map(centre: tuple[float, float], size: int, augment: Augment, random: np.random.Generator) -> np.ndarray:
    """As `warp_map`, but each pixel of the patch is one of the picture's: nothing is interpolated."""
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1) - (size - 1) / 2
    signs = [random.choice([-1.0, 1.0]) if axis in augment.flips else 1.0 for axis in "xy"]
    if augment.angle >= 90 and random.random() < 0.5:
        grid = grid[..., ::-1]
    half = (size - 1) / 2 % 1  # an even patch's centre lies between pixels
    return (grid * signs + np.floor(centre) + half).astype(np.float32)


def expose(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Another exposure, scanner or window; blur, noise, JPEG. uint8 (H, W, 3) both ways."""
    plane = image.astype(np.float32) / 255
    low, high = random.uniform(-0.08, 0.1), random.uniform(0.88, 1.1)
    plane = np.clip((plane - low) / (high - low), 0, 1) ** np.exp(random.normal(0, 0.25))
    if random.random() < 0.2:
        plane = cv2.GaussianBlur(plane, (0, 0), random.uniform(0.4, 1.6))
    if random.random() < 0.2:
        plane = plane + random.normal(0, random.uniform(0.01, 0.04), plane.shape[:2])[..., None]
    changed = (np.clip(plane, 0, 1) * 255).astype(np.uint8)
    if random.random() < 0.3:
        _, packed = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))])
        changed = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return changed


def photograph(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As a phone sees a film on a light box or a screen: uneven light, a reflection, moiré, a tint, fewer pixels.

    uint8 (H, W, 3) both ways. Perspective is left to `warp_map`, which bends the labels along.
    """
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    plane: np.ndarray = image.astype(np.float32) / 255
    slope = random.uniform(-0.5, 0.5, 2)
    plane *= np.clip(1 + slope[0] * x + slope[1] * y - random.uniform(0, 0.8) * (x**2 + y**2), 0.3, 1.6)[..., None]
    if random.random() < 0.6:
        spot, reach = random.uniform(-0.5, 0.5, 2), random.uniform(0.05, 0.3)
        glare = np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * reach**2))
        plane += random.uniform(0.05, 0.35) * glare[..., None]
    if random.random() < 0.5:
        wave, bow = random.uniform(20, 160, 2), random.uniform(-30, 30)
        moire = np.sin(2 * np.pi * (wave[0] * x + wave[1] * y + bow * x * y))
        plane += random.uniform(0.01, 0.05) * moire[..., None]
    plane *= np.exp(random.normal(0, 0.08, 3)).astype(np.float32)
    if random.random() < 0.5:
        ratio = random.uniform(0.4, 0.8)
        plane = cv2.resize(cv2.resize(plane, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), (width, height))
    return (np.clip(plane, 0, 1) * 255).astype(np.uint8)
