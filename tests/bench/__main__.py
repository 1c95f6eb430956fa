"""`make bench`: the box's speeds beside their limits, in one run. Writes bench.json and prints a table.

Machines are shared and noisy: what counts is the ratio of two rows of the same run.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from model import release
from model.inference import OnnxRuntimeEngine, OpenVinoEngine, Segmenter
from support.box import ROOT, Box
from support.images import encoded, phantom

RUNS = 40


def median_ms(function: Callable[[], object], runs: int = RUNS) -> float:
    """Median wall time of a call, after three that warm up."""
    times = []
    for turn in range(runs + 3):
        started = time.perf_counter()
        function()
        if turn >= 3:
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def bare_openvino_ms(weights: Path, height: int, width: int) -> float:
    """OpenVINO's own benchmark_app on the same network and shape, synchronous, one stream."""
    program = shutil.which("benchmark_app", path=str(Path(sys.executable).parent))
    command = [program, "-m", weights, "-d", "CPU", "-hint", "none", "-api", "sync", "-nstreams", "1"]
    shape = f"image[1,3,{height},{width}]"
    command += ["-shape", shape, "-data_shape", shape, "-infer_precision", "f32", "-niter", str(RUNS)]
    output = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Median:\s+([\d.]+) ms", output)
    if found is None:
        raise SystemExit(f"benchmark_app said nothing of its latency:\n{output}")
    return float(found[1])


def rows() -> list[dict]:
    """Each row: what, its median in ms, and its ratio to bare OpenVINO."""
    folder = release.newest("retina")
    assert folder is not None
    opened = release.load(folder)
    prepared = Segmenter(opened, OpenVinoEngine(opened.weights)).probabilities(phantom())[1]
    height, width = (-(-side // opened.multiple) * opened.multiple for side in prepared.fov.shape)
    bare = bare_openvino_ms(opened.weights, height, width)
    measured = {f"bare OpenVINO, benchmark_app, {height} × {width}": bare}
    for engine in (OpenVinoEngine(opened.weights), OnnxRuntimeEngine(opened.weights)):
        segmenter = Segmenter(opened, engine)
        what = f"Segmenter on {engine.name}: prepare, infer, mask"
        measured[what] = median_ms(lambda segmenter=segmenter: segmenter.segment(phantom()))
    if opened.int8:
        served = Segmenter.open(opened, "cpu")
        measured["Segmenter on openvino, INT8 as served"] = median_ms(lambda: served.segment(phantom()))
    with tempfile.TemporaryDirectory() as data:
        box = Box(Path(data), {"XIANGYI_LLM_ENABLED": "false", "XIANGYI_LIMITS_REQUESTS_PER_MINUTE": "0"}).start()
        try:
            with box.client() as client:
                content = encoded(phantom())
                measured["request to result over HTTP, stored durably"] = median_ms(lambda: request(client, content))
                measured["GET of a finished study"] = median_ms(
                    lambda: client.get("/api/v1/studies").raise_for_status()
                )
        finally:
            box.stop()
    measured["bare OpenVINO again, at the end"] = bare_openvino_ms(opened.weights, height, width)
    return [{"what": what, "medianMs": round(ms, 1), "ratio": round(ms / bare, 2)} for what, ms in measured.items()]


def request(client: httpx.Client, content: bytes) -> None:
    """Upload a phantom and wait for its result."""
    files = {"file": ("a.png", content)}
    answer = client.post("/api/v1/studies", params={"wait": 30}, data={"organ": "retina"}, files=files)
    assert answer.json()["status"] == "succeeded", answer.text


def main() -> None:
    """Print the table and write bench.json."""
    measured = rows()
    (ROOT / "bench.json").write_text(json.dumps(measured, indent=2, ensure_ascii=False))
    for row in measured:
        print(f"{row['medianMs']:9.1f} ms   × {row['ratio']:<6} {row['what']}")


if __name__ == "__main__":
    main()
