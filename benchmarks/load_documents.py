"""How long `load()` takes for a big workspace: `python benchmarks/load_documents.py [documents]`.

1,000 documents, 8 MB, about 280,000 YAML values, as many AI Configs; every kind of reference is
resolved. The goal is about a second on two cores.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from ldconf.documents.load import load
from ldconf.documents.tree import Folder

SETTINGS = "project: benchmark\nenvironments: [test, production]\n"
TOOLS = "tools:\n" + "".join(
    f"  tool-{n}: {{description: Tool {n}, schema: {{type: object, properties: {{}}}}}}\n"
    for n in range(20)
)
PROMPT = "".join(
    f"            {n}. Answer what was asked, in the words of the customer, and cite the product.\n"
    for n in range(14)
)


def document(number: int) -> str:
    """Return one AI Config with four variations and targeting in two environments."""
    variations = "".join(
        f"""\
      variation-{n}:
        name: Variation {n}
        modelConfigKey: OpenAI.gpt-4o
        model:
          parameters: {{temperature: 0.{n}, max_tokens: 4096, top_p: 0.9, stop: [END, STOP]}}
          custom: {{max_results: {n}, region: eu, flags: [a, b, c]}}
        tools: [tool-{n}, tool-{n + 1}, {{key: tool-{n + 2}, version: 3}}]
        messages:
        - role: system
          content: |
{PROMPT}\
        - {{role: user, content: "{{{{question}}}}"}}
"""
        for n in range(4)
    )
    rules = "".join(
        f"""\
        - description: Rule {n}
          clauses: [{{attribute: plan, op: in, values: [free, pro, team]}}]
          serve: {{rollout: {{variation-0: 50, variation-{n + 1}: rest}}}}
"""
        for n in range(2)
    )
    return f"""\
aiConfigs:
  config-{number}:
    name: Config {number}
    mode: completion
    variations:
{variations}\
    targeting:
      test:
        targets: [{{variation: variation-1, values: [qa-1, qa-2]}}]
        rules:
{rules}\
        fallthrough: variation-0
      production: {{extends: test, fallthrough: variation-2}}
"""


def main() -> None:
    """Write the workspace, load it three times, say how long it took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.joinpath("ldconf.yaml").write_text(SETTINGS)
        root.joinpath("tools.yaml").write_text(TOOLS)
        texts = [document(number) for number in range(count)]
        for number, text in enumerate(texts):
            root.joinpath(f"config-{number}.yaml").write_text(text)
        size = sum(len(text) for text in texts) / 1e6
        for _ in range(3):
            start, cpu = time.perf_counter(), time.process_time()
            loaded = load(Folder(root))
            seconds, used = time.perf_counter() - start, time.process_time() - cpu
            found = len(loaded.workspace.resources) if loaded.workspace else loaded.diagnostics[:3]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            times = f"{seconds:.2f} s ({used:.2f} s CPU)"
            say(f"{count} documents, {size:.1f} MB: {times}, {peak:.0f} MB, {found} objects")


def say(line: str) -> None:
    """Write one line of results."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
