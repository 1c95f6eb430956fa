"""Draw phantoms: they stand in for patients' pictures in samples, golden tests, benchmarks and pictures."""

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


def chest_phantom(seed: int = 7, side: int = 512) -> np.ndarray:
    """A film uint8 (side, side, 3): trunk, two lungs with ribs, the heart to the left, vessels, spine, diaphragm."""
    random = np.random.default_rng(seed)
    plane: np.ndarray = np.full((side, side), 18.0, np.float32)
    _ellipse(plane, (0.5, 0.7), (0.49, 0.66), 190)
    _ellipse(plane, (0.5, 0.12), (0.1, 0.2), 190)
    lungs = np.zeros_like(plane)
    for at, below in ((0.3, 0.93), (0.7, 0.96)):
        _ellipse(lungs, (at, 0.5), (0.16, 0.38), 1)
        _ellipse(lungs, (at, below), (0.2, 0.18), 0)
    plane -= 135 * lungs
    heart = np.zeros_like(plane)
    middle, axes = (round(0.56 * side), round(0.64 * side)), (round(0.19 * side), round(0.12 * side))
    cv2.ellipse(heart, middle, axes, 35, 0, 360, color=1.0, thickness=cv2.FILLED)
    _ellipse(heart, (0.55, 0.4), (0.05, 0.06), 1)
    _ellipse(heart, (0.5, 0.45), (0.065, 0.3), 1)
    plane[heart > 0] = 220
    _ellipse(plane, (0.5, 0.5), (0.035, 0.6), 235)
    for at, below in ((0.28, 0.95), (0.72, 0.98)):
        _ellipse(plane, (at, below), (0.24, 0.15), 232)
    for row in range(9):
        for at in (0.29, 0.71):
            centre = round(at * side), round((0.2 + 0.075 * row) * side)
            rib = np.zeros_like(plane)
            axes = round(0.19 * side), round(0.085 * side)
            cv2.ellipse(rib, centre, axes, 0, 195, 345, color=1.0, thickness=round(0.018 * side))
            plane += 18 * rib
    plane = cv2.GaussianBlur(plane, (0, 0), side / 170) + random.normal(0, 2.5, plane.shape)
    return np.repeat(np.clip(plane, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def slice_phantom(seed: int = 7, side: int = 512) -> np.ndarray:
    """A CT slice uint8 (side, side, 3) in a soft-tissue window: liver with a lesion, spleen, spine, kidneys, aorta."""
    random = np.random.default_rng(seed)
    plane: np.ndarray = np.zeros((side, side), np.float32)
    parts: tuple[tuple[tuple[float, float], tuple[float, float], float], ...] = (
        ((0.5, 0.52), (0.42, 0.33), 62),  # fat
        ((0.5, 0.52), (0.39, 0.3), 135),  # muscle
        ((0.5, 0.5), (0.36, 0.265), 66),  # fat within
        ((0.31, 0.47), (0.18, 0.2), 172),  # liver
        ((0.43, 0.37), (0.15, 0.1), 172),
        ((0.27, 0.5), (0.035, 0.03), 130),  # lesion
        ((0.64, 0.38), (0.11, 0.1), 118),  # stomach
        ((0.77, 0.55), (0.07, 0.11), 168),  # spleen
        ((0.36, 0.67), (0.055, 0.065), 185),  # kidneys
        ((0.65, 0.68), (0.055, 0.065), 185),
        ((0.5, 0.72), (0.065, 0.06), 235),  # vertebra
        ((0.5, 0.8), (0.02, 0.05), 225),
        ((0.53, 0.61), (0.03, 0.03), 200),  # aorta
    )
    for centre, axes, value in parts:
        _ellipse(plane, centre, axes, value)
    body = plane > 0
    plane = cv2.GaussianBlur(plane, (0, 0), side / 350) + random.normal(0, 5, plane.shape) * body
    return np.repeat(np.clip(plane, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def phantom(organ: str) -> np.ndarray:
    """The organ's phantom, uint8 (H, W, 3) RGB."""
    drawn = {"retina": lambda: fundus_phantom()[0], "chest": chest_phantom, "liver": slice_phantom}
    return drawn[organ]()


def _ellipse(plane: np.ndarray, centre: tuple[float, float], axes: tuple[float, float], value: float) -> None:
    """Fill an ellipse; centre and half axes as shares of the side."""
    height, width = plane.shape
    at = round(centre[0] * width), round(centre[1] * height)
    cv2.ellipse(plane, at, (round(axes[0] * width), round(axes[1] * height)), 0, 0, 360, value, cv2.FILLED)


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
