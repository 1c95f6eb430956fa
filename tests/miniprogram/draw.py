"""Draw miniprogram/screenshots anew, by hand: `PYTHONPATH=.:tests python tests/miniprogram/draw.py`.

Each page in light, dark and large type, side by side, on a box of its own with phantoms only.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from test_miniprogram import HERE, PROGRAM, environment, installed, running_box

MODES = ("light", "dark", "large")
GAP_PX, SHRINK, QUALITY = 20, 0.4, 70


def main() -> int:
    with tempfile.TemporaryDirectory() as name, running_box(Path(name)) as facts:
        known = {"XIANGYI_FACTS": json.dumps(facts), "XIANGYI_CHROMIUM": shutil.which("chromium") or ""}
        command = ["node", HERE / "screenshots.mjs", name]
        done = subprocess.run(command, env=environment(installed(), **known))
        for light in sorted(Path(name).glob(f"*-{MODES[0]}.png")):
            put_together(light, PROGRAM / "screenshots" / f"{light.stem.removesuffix('-light')}.webp")
    return done.returncode


def put_together(light: Path, target: Path) -> None:
    shots = [Image.open(str(light).replace(MODES[0], mode)).convert("RGB") for mode in MODES]
    width, height = shots[0].size
    strip = Image.new("RGB", (len(shots) * (width + GAP_PX) - GAP_PX, height), "#888888")
    for place, shot in enumerate(shots):
        strip.paste(shot, (place * (width + GAP_PX), 0))
    target.parent.mkdir(exist_ok=True)
    size = (round(strip.width * SHRINK), round(strip.height * SHRINK))
    strip.resize(size, Image.Resampling.LANCZOS).save(target, quality=QUALITY, method=6)


if __name__ == "__main__":
    sys.exit(main())
