"""Draw docs/experiment-report.png: the HTML report of an experiment, light and dark.

The analysis is the one that the drawings are tested with. Needs the test group and a chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ldconf.render import experiment_html
from tests.render.analyses import ANALYSIS, SHIP

SIZE = {"width": 1000, "height": 940}
HALVES = """<!doctype html><style>body{margin:0;display:flex}
img{width:1000px;display:block}</style><img src="light.png"><img src="dark.png">"""


def main() -> None:
    """Draw both colour schemes side by side."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as play:
        folder = Path(name)
        (folder / "report.html").write_text(experiment_html.page(ANALYSIS, SHIP), "utf-8")
        (folder / "both.html").write_text(HALVES, "utf-8")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            with browser.new_context(color_scheme=scheme, viewport=SIZE) as context:
                page = context.new_page()
                page.goto((folder / "report.html").as_uri())
                page.screenshot(path=folder / f"{scheme}.png")
        sheet = browser.new_page(viewport={"width": 2000, "height": SIZE["height"]})
        sheet.goto((folder / "both.html").as_uri())
        sheet.screenshot(path=ROOT / "docs" / "experiment-report.png")
        browser.close()
    print("wrote docs/experiment-report.png")


if __name__ == "__main__":
    main()
