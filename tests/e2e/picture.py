"""Draw the README's picture: `PYTHONPATH=.:tests python tests/e2e/picture.py`. It shows a phantom of our own code."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from support.box import PASSWORD, ROOT, Box
from support.images import encoded, phantom


def main() -> None:
    """Start a box, upload the phantom, and save its result page as webadmin/result.png."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photo = Path(folder) / "phantom.png"
        photo.write_bytes(encoded(phantom()))
        box = Box(Path(folder) / "data", {"XIANGYI_LLM_ENABLED": "false"}).start()
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1180, "height": 860}, locale="zh-CN")
            page.goto(f"{box.url}/login")
            page.fill("[name=username]", "admin")
            page.fill("[name=password]", PASSWORD)
            page.click("button[type=submit]")
            page.set_input_files("[data-file]", photo)
            page.click("[data-submit]")
            page.wait_for_selector("[data-viewer][data-ready]", timeout=60_000)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=ROOT / "webadmin" / "result.png")
            browser.close()
        finally:
            box.stop()


if __name__ == "__main__":
    main()
