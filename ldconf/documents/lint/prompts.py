"""Lint of the template tags in prompts. The SDKs render prompts as Mustache."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.diagnostic import Severity
from ldconf.core.resource import Json
from ldconf.documents.lint.rule import Finding, Rule, Scope

# `ldctx` is filled by every SDK from the evaluation context; the other two by the SDK's judges.
ALWAYS_FILLED = frozenset({"ldctx"})
FILLED_FOR_JUDGES = frozenset({"message_history", "response_to_evaluate"})

_TAG = re.compile(r"\{\{(?P<sigil>[#^/&>!]?)\s*(?P<name>[^{}]*?)\s*\}\}")
_TRIPLE = re.compile(r"\{\{\{[^{}]*\}\}\}")
_SINGLE = re.compile(r"(?<![{$\\])\{\s*([A-Za-z_][\w.]*)\s*\}(?!\})")
_OPENED = re.compile(r"\{\{(?![^{}]*\}\})")


@dataclass(frozen=True)
class Prompt:
    """One text that is sent to a model, and where it stands in its variation."""

    address: Address
    path: tuple[str | int, ...]
    text: str


def prompts(scope: Scope) -> Iterator[Prompt]:
    """Yield every prompt text of every variation."""
    for address, fields in scope.of_kind("variations"):
        yield from _prompts_of(address, fields)


def _prompts_of(address: Address, fields: dict[str, Json]) -> Iterator[Prompt]:
    if isinstance(fields.get("instructions"), str):
        yield Prompt(address, ("instructions",), fields["instructions"])
    for index, message in enumerate(fields.get("messages") or ()):
        yield Prompt(address, ("messages", index, "content"), message["content"])


def unfilled_variables(scope: Scope) -> Iterator[Finding]:
    """Variables that neither the SDK nor (as far as declared) the application fills."""
    judges = {a.key for a, f in scope.of_kind("aiConfigs") if f.get("mode") == "judge"}
    declared = scope.workspace.settings.prompt_variables
    for prompt in prompts(scope):
        key = prompt.address.parts[1]
        filled = ALWAYS_FILLED | declared.get("*", frozenset()) | declared.get(key, frozenset())
        if key in judges:
            filled |= FILLED_FOR_JUDGES
        for name, offset in _free_variables(prompt.text):
            if name not in filled:
                yield Finding(
                    prompt.address,
                    prompt.path,
                    f"nobody fills the variable `{{{{{name}}}}}`: it would be empty",
                    f"if the application passes it, write `promptVariables: {{{key}: [{name}]}}` "
                    "in ldconf.yaml; attributes of the context are `{{ldctx.NAME}}`",
                    offset,
                )


def _free_variables(text: str) -> Iterator[tuple[str, int]]:
    """Yield (first part of the name, offset) of each variable outside sections, once per name.

    Inside a section names may come from the section's value, so nothing is claimed there.
    """
    seen: set[str] = set()
    depth = 0
    for tag in _TAG.finditer(text):
        sigil, root = tag["sigil"], tag["name"].split(".")[0].strip()
        if sigil in "#^" and sigil:
            depth += 1
        elif sigil == "/":
            depth = max(0, depth - 1)
        if sigil in ("!", ">", "/") or not root or root in seen or (depth > 0 and not sigil):
            continue
        seen.add(root)
        yield root, tag.start()


def single_braces(scope: Scope) -> Iterator[Finding]:
    """`{name}` where `{{name}}` was meant: Mustache leaves it as it is."""
    for prompt in prompts(scope):
        for hit in _SINGLE.finditer(prompt.text):
            yield Finding(
                prompt.address,
                prompt.path,
                f"`{{{hit[1]}}}` is not a variable: the model will see the braces",
                f"write `{{{{{hit[1]}}}}}`",
                hit.start(),
            )


def triple_braces(scope: Scope) -> Iterator[Finding]:
    """`{{{name}}}`: legal Mustache, but some SDKs render it otherwise than `{{name}}`."""
    for prompt in prompts(scope):
        for hit in _TRIPLE.finditer(prompt.text):
            yield Finding(
                prompt.address,
                prompt.path,
                f"`{hit[0]}` has three braces",
                f"write `{hit[0][1:-1]}`: a prompt is not HTML, nothing needs to stay unescaped",
                hit.start(),
            )


def broken_tags(scope: Scope) -> Iterator[Finding]:
    """Tags that do not close, and sections that do not match: rendering fails at run time."""
    for prompt in prompts(scope):
        for hit in _OPENED.finditer(_TRIPLE.sub(lambda m: "x" * len(m[0]), prompt.text)):
            yield Finding(
                prompt.address, prompt.path, "`{{` is never closed", "add `}}`", hit.start()
            )
        yield from _unmatched_sections(prompt)


def _unmatched_sections(prompt: Prompt) -> Iterator[Finding]:
    open_tags: list[tuple[str, int]] = []
    for tag in _TAG.finditer(prompt.text):
        name = tag["name"]
        if tag["sigil"] in ("#", "^"):
            open_tags.append((name, tag.start()))
        elif tag["sigil"] == "/":
            if open_tags and open_tags[-1][0] == name:
                open_tags.pop()
            else:
                summary = f"`{{{{/{name}}}}}` closes a section that is not open"
                yield Finding(prompt.address, prompt.path, summary, None, tag.start())
    for name, offset in open_tags:
        summary = f"the section `{{{{#{name}}}}}` is never closed"
        hint = f"add `{{{{/{name}}}}}`"
        yield Finding(prompt.address, prompt.path, summary, hint, offset)


_DOC = """\
aiConfigs:
  greeter:
    name: Greeter
    mode: agent
    variations:
      main:
        name: Main
        modelConfigKey: OpenAI.gpt-4o-mini
        instructions: '{}'
    targeting:
      test: {{fallthrough: main}}
"""


def document(text: str) -> str:
    """Return an example document whose prompt is `text`."""
    return _DOC.format(text)


RULES = (
    Rule(
        "prompt-variable-unfilled",
        Severity.WARNING,
        "A prompt uses a variable that nobody fills",
        "The SDKs replace an unknown variable by nothing, silently. `ldctx` is filled from the "
        "context; everything else the application passes, and `promptVariables` in `ldconf.yaml` "
        "says what that is.",
        unfilled_variables,
        document("Greet {{name}}."),
        document("Greet {{ldctx.name}}."),
    ),
    Rule(
        "prompt-single-brace",
        Severity.WARNING,
        "A variable in single braces",
        "LaunchDarkly's templates are Mustache: `{name}` is ordinary text.",
        single_braces,
        document("Greet {ldctx.name}."),
        document("Greet {{ldctx.name}}."),
    ),
    Rule(
        "prompt-triple-brace",
        Severity.WARNING,
        "A variable in triple braces",
        "Three braces switch HTML escaping off in Mustache. SDKs differ in whether they escape at "
        "all, so three braces at best do nothing.",
        triple_braces,
        document("Greet {{{ldctx.name}}}."),
        document("Greet {{ldctx.name}}."),
    ),
    Rule(
        "prompt-broken-tag",
        Severity.ERROR,
        "A template tag that does not close",
        "Rendering such a prompt fails, or drops text, when the agent asks for it.",
        broken_tags,
        document("Greet {{ldctx.name."),
        document("Greet {{ldctx.name}}."),
    ),
)
