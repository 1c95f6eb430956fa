"""axe-core, which judges a page as people with a screen reader, a keyboard or weak eyes meet it.

It comes from npm once, into a cache of this machine, and is found there without the network afterwards.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

VERSION = "4.10.3"
SERIOUS = ("serious", "critical")
RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(each => ({
    impact: each.impact, id: each.id, help: each.help, nodes: each.nodes.map(node => node.html.slice(0, 200) + ' ' +
    node.any.concat(node.all).map(check => check.message).join('; ').slice(0, 300))}))"""


@cache
def source() -> str:
    """axe-core's script; skips the test where it is neither kept nor to be had."""
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "xiangyi" / f"axe-core-{VERSION}"
    script = kept / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm to fetch axe-core with: sudo apt-get install -y nodejs npm")
        kept.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(kept), "--ignore-scripts", "--no-save", f"axe-core@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if not script.is_file():
            pytest.skip(f"npm could not fetch axe-core: {done.stderr.strip()[-300:]}")
    return script.read_text("utf-8")


def serious(page: Page) -> list[str]:
    """What is wrong on the page as it is now, one line for each rule that is broken seriously."""
    # Evaluated by the browser's own debugger: the page's policy, which allows no foreign script, stays as it is.
    page.evaluate(source())
    broken = [each for each in page.evaluate(RUN) if each["impact"] in SERIOUS]
    return [f"{each['impact']} {each['id']}: {each['help']}\n    " + "\n    ".join(each["nodes"]) for each in broken]
