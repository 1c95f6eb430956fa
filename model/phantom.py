"""Draw a fundus phantom: stands in for a patient's photo in samples, golden tests, benchmarks and pictures."""

import cv2
import numpy as np

SIZE = (584, 565)  # DRIVE's own height and width


def fundus_phantom(seed: int = 7, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """(image uint8 (H, W, 3) RGB, vessels uint8 (H, W), 1 where one was drawn). The same seed, the same picture."""
    random = np.random.default_rng(seed)
    height, width = size
    scale = min(size) / 565
    centre = np.array([width / 2, height / 2])
    y, x = np.mgrid[:height, :width].astype(np.float32)
    radius = np.hypot(x - centre[0], y - centre[1]) / (270 * scale)
    disc = centre + np.array([150.0, -8.0]) * scale

    vessels = np.zeros(size, np.float32)
    for arch in (-2.5, -2.1, 2.1, 2.5):
        for start, calibre in ((arch, 7.0), (arch + random.uniform(-0.15, 0.15), 4.5)):
            _grow(vessels, disc, start, np.sign(arch) * 0.014, calibre * scale, scale, random)
    for direction in (-1.2, 1.1, 0.3, -0.4):
        _grow(vessels, disc, direction, random.uniform(-0.01, 0.01), 3.0 * scale, scale, random)
    truth = ((vessels > 0.5) & (radius < 1)).astype(np.uint8)

    shade = np.clip(1.05 - 0.35 * radius**2, 0, 1)
    image = shade[..., None] * np.array([205.0, 112.0, 58.0], np.float32)
    image += _blob(x, y, disc, 38 * scale)[..., None] * np.array([45.0, 85.0, 60.0])
    image -= _blob(x, y, centre - np.array([70.0, -5.0]) * scale, 48 * scale)[..., None] * np.array([45.0, 32.0, 14.0])
    texture = cv2.GaussianBlur(random.normal(0, 1, size).astype(np.float32), (0, 0), 9 * scale)
    image += texture[..., None] * np.array([60.0, 50.0, 30.0])
    soft = cv2.GaussianBlur(vessels, (0, 0), 0.8 * scale)
    image -= soft[..., None] * np.array([45.0, 48.0, 22.0])
    image += random.normal(0, 2.2, image.shape)
    image *= np.clip((1 - radius) * 60, 0, 1)[..., None]
    return np.clip(image, 0, 255).astype(np.uint8), truth


def _blob(x: np.ndarray, y: np.ndarray, centre: np.ndarray, sigma: float) -> np.ndarray:
    return np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * (sigma * 0.6) ** 2))


def _grow(
    canvas: np.ndarray,
    at: np.ndarray,
    direction: float,
    bend: float,
    calibre: float,
    scale: float,
    random: np.random.Generator,
) -> None:
    """Draw a vessel that wanders, thins and branches, from `at` (x, y) towards `direction` in radians."""
    step = 6 * scale
    position = np.array(at, float)
    while calibre > 0.9 * scale:
        following = position + step * np.array([np.cos(direction), np.sin(direction)])
        start, end = (tuple(round(float(v) * 16) for v in point) for point in (position, following))
        cv2.line(canvas, start, end, color=1.0, thickness=max(1, round(calibre)), lineType=cv2.LINE_AA, shift=4)
        position = following
        direction += bend + random.normal(0, 0.06)
        calibre *= 0.985
        if random.random() < 0.05:
            side = random.choice([-1, 1])
            turn = side * random.uniform(0.5, 0.9)
            _grow(canvas, position, direction + turn, -0.01 * side, calibre * 0.62, scale, random)
