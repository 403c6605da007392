"""Draw docs/pull-request-*.png: what a reviewer sees from open to applied.

A real run on a fake GitHub (`tests/github`) and a local LaunchDarkly; the comments are rendered by
a Markdown engine, close to how GitHub shows them. Needs the test group and a chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.github.hub import Hub, opened

STYLE = """
body {margin: 0; padding: 24px; background: #fff; width: 860px}
article {border: 1px solid #d1d9e0; border-radius: 6px; font: 14px/1.5 -apple-system, "Segoe UI",
  "Noto Sans", Helvetica, Arial, sans-serif; color: #1f2328}
header {background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; color: #59636e}
header b {color: #1f2328}
main {padding: 8px 16px}
h3, h4 {border: 0; margin: 16px 0 8px}
code {background: #818b981f; padding: .2em .4em; border-radius: 6px; font-size: 85%}
pre {background: #f6f8fa; padding: 12px; border-radius: 6px; font-size: 85%; white-space: pre-wrap}
table {border-collapse: collapse; margin: 8px 0}
td, th {border: 1px solid #d1d9e0; padding: 4px 12px; text-align: left}
ins {background: #dafbe1} del {background: #ffebe9} sub {color: #59636e; overflow-wrap: anywhere}
"""


# Not every machine that draws has a font with emoji.
SHAPES = {"🟢": "#1a7f37", "🟡": "#d4a72c", "🔴": "#cf222e", "🛑": "#cf222e", "✅": "#1a7f37"}


def stages(hub: Hub) -> dict[str, str]:
    """Play a pull request and return its comment at each stage, and a fork's summary."""
    digest = re.findall(r"\b[0-9a-f]{64}\b", hub.apply().err)[-1]
    hub.apply(digest)
    found = {}
    prompt = hub.work / "configs" / "prompts" / "pet-store-agent.md"
    hub.start("topic")
    prompt.write_text(
        prompt.read_text("utf-8") + "4. an apology, if the answer took long\n", "utf-8"
    )
    hub.edit(
        "fallthrough: base-config",
        "fallthrough: {rollout: {base-config: 90, model-variant-2: rest}}",
    )
    number = hub.open("topic", hub.push("topic", "Apologise; try the small model on 10 %"))
    hub.plan(number, "opened")
    found["opened"] = hub.comment(number)
    hub.hot_fix(0.2)
    hub.plan(number)
    found["drift"] = hub.comment(number)
    hub.merge(number)
    hub.apply()
    found["applied"] = hub.comment(number)
    hub.start("fork")
    hub.edit("name: Model variant 2", "name: Small model")
    fork = hub.open("fork", hub.push("fork", "A name"), fork=True)
    found["fork"] = hub.plan(fork).summary
    hub.merge(fork)
    hub.apply()
    found["fork-stopped"] = hub.comment(fork)
    return found


def page(markdown: str, author: str) -> str:
    """Return the HTML of a comment as a page."""
    engine = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    body = engine.render(markdown)
    for emoji, colour in SHAPES.items():
        body = body.replace(emoji, f'<span style="color:{colour}">\u25cf</span>')
    head = f"<header><b>{author}</b></header>"
    start = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>"
    return f"{start}<article>{head}<main>{body}</main></article>"


def main() -> None:
    """Play and draw."""
    for name in [name for name in os.environ if name.startswith(("LAUNCHDARKLY_", "GITHUB_"))]:
        del os.environ[name]
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        opened(Path(folder), patch) as hub,
    ):
        found = stages(hub)
        os.chdir(ROOT)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        sheet = browser.new_page(viewport={"width": 910, "height": 100})
        for name, text in found.items():
            author = "Summary of the run" if name == "fork" else "github-actions bot"
            sheet.set_content(page(text, author))
            sheet.screenshot(path=ROOT / "docs" / f"pull-request-{name}.png", full_page=True)
            print(f"wrote docs/pull-request-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
