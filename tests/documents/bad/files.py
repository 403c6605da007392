"""`{file: PATH}` that cannot be read, and files that are not what they should be."""

# ruff: noqa: E501 - a message on one line can be searched for

from __future__ import annotations

from collections.abc import Mapping

from tests.documents.bad.case import SETTINGS, Case, Link, case

SHARED = SETTINGS + "shared: ../shared\n"


def text(
    name: str,
    path: str,
    files: Mapping[str, str | bytes | Link],
    *problems: str,
    schema: bool = False,
) -> Case:
    document = f"tools:\n  t:\n    description: {{file: {path}}}\n"
    return case(name, {"a.yaml": document, **files}, *problems, schema=schema)


def json(name: str, content: str | bytes, *problems: str, file: str = "s.json") -> Case:
    document = f"tools:\n  t:\n    schema: {{file: {file}}}\n"
    return case(name, {"a.yaml": document, file: content}, *problems)


CASES: tuple[Case, ...] = (
    text("missing", "prompts/x.md", {}, "a.yaml:3:25: prompts/x.md does not exist"),
    text("folder", "prompts", {"prompts/x.md": "x"}, "a.yaml:3:25: prompts is a folder"),
    text("file-as-folder", "x.md/y.md", {"x.md": "x"}, "a.yaml:3:25: x.md/y.md does not exist"),
    text(
        "parent",
        "../secret.md",
        {"../secret.md": "x"},
        'a.yaml:3:25: "../secret.md" leads out of the workspace',
    ),
    text(
        "parent-in-between",
        "a/../../secret.md",
        {"../secret.md": "x"},
        'a.yaml:3:25: "a/../../secret.md" leads out of the workspace',
    ),
    text("absolute", "/etc/passwd", {}, 'a.yaml:3:25: "/etc/passwd" is an absolute path'),
    text("drive", '"C:/x.md"', {}, 'a.yaml:3:25: "C:/x.md" is an absolute path'),
    text(
        "backslash",
        "prompts\\x.md",
        {"prompts/x.md": "x"},
        'a.yaml:3:25: "prompts\\\\x.md" cannot be a path',
    ),
    text("null-character", '"a\\0b"', {}, 'a.yaml:3:25: "a\\u0000b" cannot be a path'),
    text(
        "hidden-folder", ".git/config", {".git/config": "x"}, 'a.yaml:3:25: ".git/config" is hidden'
    ),
    text("hidden-file", ".env", {".env": "TOKEN=x"}, 'a.yaml:3:25: ".env" is hidden'),
    text(
        "link",
        "link.md",
        {"link.md": Link("x.md"), "x.md": "x"},
        "a.yaml:3:25: link.md is a symbolic link, which is not followed",
    ),
    text(
        "link-out",
        "link.md",
        {"link.md": Link("../secret.md"), "../secret.md": "x"},
        "a.yaml:3:25: link.md is a symbolic link, which is not followed",
    ),
    text(
        "linked-folder",
        "docs/x.md",
        {"docs": Link("real"), "real/x.md": "x"},
        "a.yaml:3:25: docs/x.md lies behind a symbolic link, which is not followed",
    ),
    text("number", "1", {}, "a.yaml:3:25: `file` takes the path of a file", schema=True),
    text("empty-path", '""', {}, "a.yaml:3:25: `file` takes the path of a file", schema=True),
    text("null-path", "", {}, "a.yaml:3:25: `file` takes the path of a file", schema=True),
    text(
        "not-utf-8",
        "x.md",
        {"x.md": b"one\ntwo \xff\n"},
        "a.yaml:3:25: x.md is not UTF-8 (byte 0xff in line 2)",
    ),
    text("binary", "x.md", {"x.md": b"\x7fELF\x00\x01"}, "a.yaml:3:25: x.md is not a text file"),
    text(
        "large",
        "x.md",
        {"x.md": b"x" * 10_000_000},
        "a.yaml:3:25: x.md is too large: 10,000,000 bytes, the limit is 10,000,000",
    ),
    text(
        "pointer",
        "x.md",
        {"x.md": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"},
        "a.yaml:3:25: x.md is a Git LFS pointer, not the file itself",
    ),
    text(
        "outside-of-shared",
        "../other/x.md",
        {"ldconf.yaml": SHARED, "../other/x.md": "x"},
        'a.yaml:3:25: "../other/x.md" leads out of the workspace',
    ),
    text(
        "shared-is-no-prefix",
        "../shared-too/x.md",
        {"ldconf.yaml": SHARED, "../shared-too/x.md": "x"},
        'a.yaml:3:25: "../shared-too/x.md" leads out of the workspace',
    ),
    text(
        "out-of-shared",
        "../shared/../other/x.md",
        {"ldconf.yaml": SHARED, "../other/x.md": "x"},
        'a.yaml:3:25: "../shared/../other/x.md" leads out of the workspace',
    ),
    case(
        "from-the-root",
        {
            "docs/a.yaml": "tools:\n  t:\n    description: {file: prompts/x.md}\n",
            "prompts/x.md": "x",
        },
        "docs/a.yaml:3:25: docs/prompts/x.md does not exist",
    ),
    case(
        "elsewhere-it-is-data",
        "tools:\n  t:\n    tags: {file: x.md}\n",
        "a.yaml:3:11: `tags` must be a list, not a mapping",
        schema=True,
    ),
    case(
        "second-key",
        "tools:\n  t:\n    description: {file: x.md, encoding: utf-8}\n",
        "a.yaml:3:18: `description` must be text, not a mapping",
        schema=True,
    ),
    case(
        "message",
        "aiConfigs:\n  b:\n    variations:\n      v:\n        messages:\n        - role: system\n          content: {file: gone.md}\n",
        "a.yaml:7:27: gone.md does not exist",
    ),
    json(
        "json-syntax",
        '{"type": "object",\n "x": }\n',
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:2:7: not JSON: expecting value",
    ),
    json(
        "json-duplicate",
        '{"a": 1,\n "a": 2}\n',
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:2:2: the key `a` stands here twice; first at s.json:1:2",
    ),
    json(
        "json-nan",
        '{"a": NaN}\n',
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: JSON has no NaN",
    ),
    json("json-list", "[1]\n", "a.yaml:3:20: s.json does not hold a JSON object"),
    json(
        "json-empty",
        "",
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: not JSON: expecting value",
    ),
    json(
        "json-deep",
        '{"a": ' * 150 + "1" + "}" * 150,
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: nested too deeply; the limit is 100 levels",
    ),
    json(
        "json-very-deep",
        "[" * 100_000,
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: nested too deeply; the limit is 100 levels",
    ),
    json(
        "json-surrogate",
        '{"a": "\\ud800"}',
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: half of a surrogate pair stands in a text",
    ),
    json(
        "json-not-utf-8",
        b'{"a": "\xff"}',
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:8: the file is not UTF-8 (byte 0xff)",
    ),
    json(
        "json-huge-number",
        '{"a": ' + "9" * 5000 + "}",
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: the number 99999999999999999999... is too large",
    ),
    json(
        "yaml-schema-duplicate",
        "type: object\ntype: array\n",
        "a.yaml:3:20: s.yaml cannot be read as YAML",
        "s.yaml:2:1: the key `type` stands here twice; first at s.yaml:1:1",
        file="s.yaml",
    ),
    json(
        "yaml-schema-list",
        "- a\n",
        "a.yaml:3:20: s.yml does not hold a JSON object",
        file="s.yml",
    ),
    json(
        "text-as-schema",
        "just words\n",
        "a.yaml:3:20: s.txt does not hold a JSON object",
        file="s.txt",
    ),
    case(
        "document-is-link",
        {"a.yaml": Link("b.txt"), "b.txt": "tools: {}\n"},
        "a.yaml:1:1: the file is a symbolic link, which is not followed",
    ),
    case(
        "document-is-pointer",
        {"a.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"},
        "a.yaml:1:1: the file is a Git LFS pointer, not the file itself",
    ),
    case(
        "document-is-broken-link",
        {"a.yaml": Link("nowhere.yaml")},
        "a.yaml:1:1: the file is a symbolic link, which is not followed",
    ),
    json(
        "json-duplicate-beside-a-surrogate-pair",
        '{"a": "\\ud83d\\ude00",\n "b": 1, "b": 2}',
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: the key 'b' stands here twice",
    ),
    json(
        "json-float-overflow",
        '{"a": 1e999}',
        "a.yaml:3:20: s.json cannot be read as JSON",
        "s.json:1:1: the number 1e999... is too large",
    ),
    case(
        "from-a-folder-and-nowhere",
        {"docs/a.yaml": "tools:\n  t:\n    description: {file: prompts/x.md}\n"},
        "docs/a.yaml:3:25: docs/prompts/x.md does not exist",
    ),
    case(
        "name-of-a-document",
        {b"\xff.yaml".decode("utf-8", "surrogateescape"): "tools: {}\n"},
        "\\udcff.yaml:1:1: the name of the file is not UTF-8",
    ),
)
