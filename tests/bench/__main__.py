"""`make bench`: the box's speeds beside their limits, in one run. Writes bench.json and prints a table.

Machines are shared and noisy: what counts is the ratio of two rows of the same run. With `--record` the tables of
README.md and llm/README.md are written as well.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import httpx

from appliance.database import Database
from llm.tables import fill as fill_table
from model import release
from model.inference import OnnxRuntimeEngine, OpenVinoEngine, Segmenter
from support.box import ROOT, Box
from support.images import encoded, phantom
from support.rows import BARE, fill
from tests.bench import language
from tests.bench.language import row

RUNS = 40
LARGE = 100_000
PAGES = {
    "studies": "/admin/studies",
    "consultations": "/admin/consultations",
    "a word in every question": "/admin/consultations?q=发热",
    "a word nowhere": "/admin/consultations?q=没有这几个字",
    "statistics of a year": "/admin/statistics?since={year_ago}&until={today}",
}


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
                lists = large_lists(box, client)
        finally:
            box.stop()
    measured["bare OpenVINO again, at the end"] = bare_openvino_ms(opened.weights, height, width)
    return table(measured, bare) + lists


def table(measured: dict[str, float], bare_ms: float) -> list[dict]:
    """Rows of one peer."""
    return [row(what, ms, "ms", ms / bare_ms) for what, ms in measured.items()]


def large_lists(box: Box, client: httpx.Client) -> list[dict]:
    """The admin's pages on a box with 100,000 studies and as many consultations, beside SQLite's own query."""
    database = Database(box.data_dir / "xiangyi.db")
    fill(database, LARGE, LARGE, 365, date.today() - timedelta(days=1), images=True)
    bare = median_ms(lambda: database.read(lambda db: list(db.query(BARE))))
    database.close()
    measured = {f"bare SQLite: first page of {LARGE} studies": bare}
    days = {"year_ago": date.today() - timedelta(days=364), "today": date.today()}
    for what, path in PAGES.items():
        address = path.format(**days)
        measured[f"first byte of a page, {LARGE} rows: {what}"] = median_ms(lambda at=address: first_byte(client, at))
    return table(measured, bare)


def first_byte(client: httpx.Client, path: str) -> None:
    """Wait for the answer's head, as a browser does before it can draw."""
    with client.stream("GET", path) as answer:
        answer.raise_for_status()


def request(client: httpx.Client, content: bytes) -> None:
    """Upload a phantom and wait for its result."""
    files = {"file": ("a.png", content)}
    answer = client.post("/api/v1/studies", params={"wait": 30}, data={"organ": "retina"}, files=files)
    assert answer.json()["status"] == "succeeded", answer.text


def markdown(measured: list[dict]) -> str:
    """A table of the READMEs, with the machine and the day."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    machine = re.search(r"model name\s*: (.*)", cpuinfo)
    lines = [f"| {machine[1] if machine else 'processor'}, {os.cpu_count()} cores, {date.today()} | | ratio |"]
    lines.append("| --- | --- | --- |")
    lines += [f"| {each['what']} | {each['value']:g} {each['unit']} | {each.get('ratio', '')} |" for each in measured]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table and write bench.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    record = parser.parse_args().record
    measured = rows()
    with tempfile.TemporaryDirectory() as data:
        spoken = language.rows(Path(data))
    (ROOT / "bench.json").write_text(json.dumps([*measured, *spoken], indent=2, ensure_ascii=False))
    for each in [*measured, *spoken]:
        print(f"{each['value']:9.2f} {each['unit']:8} × {each.get('ratio', ''):<8} {each['what']}")
    if record:
        fill_table("tests.bench", markdown(measured), ROOT / "README.md")
        fill_table("tests.bench", markdown(spoken))


if __name__ == "__main__":
    main()
