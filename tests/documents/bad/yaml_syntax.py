"""Files that are not (our) YAML."""

from __future__ import annotations

from tests.documents.bad.case import Case, case

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefg", "bcdefgh", strict=True)
)
TEXT_BOMB = f'a: &a "{"x" * 1_000_000}"\nb: [{", ".join(["*a"] * 12)}]\n'

CASES: tuple[Case, ...] = (
    case("tab", "metrics:\n\tclicks: {}\n", "a.yaml:2:1: a tab cannot indent YAML"),
    case(
        "mapping-value-in-text",
        "metrics:\n  a: {name: x}\n  b: c: d\n",
        "a.yaml:3:7: not YAML: mapping values are not allowed in this context",
    ),
    case(
        "unclosed-quote",
        "metrics:\n  a: {name: 'x}\n",
        "a.yaml:2:13: not YAML: found unexpected end of stream",
    ),
    case(
        "unclosed-bracket",
        "metrics:\n  a: {tags: [x, y\n",
        "a.yaml:2:13: not YAML: did not find expected ',' or ']'",
    ),
    case(
        "missing-colon",
        "metrics\n  a: {}\n",
        "a.yaml:2:4: not YAML: mapping values are not allowed in this context",
    ),
    case(
        "bad-indentation",
        "metrics:\n  a:\n    name: x\n   tags: [y]\n",
        "a.yaml:4:4: not YAML: did not find expected key",
    ),
    case(
        "backtick",
        "metrics:\n  a: {name: `x`}\n",
        "a.yaml:2:13: not YAML: found character that cannot start any token",
    ),
    case(
        "at-sign",
        "metrics:\n  a:\n    name: @x\n",
        "a.yaml:3:11: not YAML: found character that cannot start any token",
    ),
    case(
        "percent-sign",
        "metrics:\n  a:\n    name: %x\n",
        "a.yaml:3:11: not YAML: found character that cannot start any token",
    ),
    case(
        "unquoted-template",
        "tools:\n  a:\n    description: {{name}}\n",
        "a.yaml:3:19: a key must be text",
    ),
    case(
        "star-in-text",
        "tools:\n  a:\n    description: *bold* text\n",
        "a.yaml:3:23: not YAML: did not find expected alphabetic or numeric character",
    ),
    case("undefined-alias", "tools:\n  a: *nothing\n", "a.yaml:2:6: alias without an anchor"),
    case(
        "anchor-twice",
        "tools:\n  a: &x {}\n  b: &x {}\n",
        "a.yaml:3:6: the anchor is defined twice",
    ),
    case(
        "two-documents",
        "tools:\n  a: {}\n---\ntools:\n  b: {}\n",
        "a.yaml:3:1: a file holds one YAML document; a second one starts here",
    ),
    case(
        "yaml-version",
        "%YAML 2.0\n---\ntools: {}\n",
        "a.yaml:1:1: not YAML: found incompatible YAML document",
    ),
    case(
        "local-tag",
        "tools:\n  a: !secret {}\n",
        "a.yaml:2:6: the tag `!secret` is not allowed here",
    ),
    case(
        "python-tag",
        "tools:\n  a:\n    description: !!python/object/apply:os.system [ls]\n",
        "a.yaml:3:18: the tag `!!python/object/apply:os.system` is not allowed here",
    ),
    case(
        "binary-tag",
        "tools:\n  a:\n    description: !!binary aGk=\n",
        "a.yaml:3:18: the tag `!!binary` is not allowed here",
    ),
    case(
        "wrong-core-tag",
        "tools:\n  a:\n    description: !!int many\n",
        'a.yaml:3:18: "many" is not of the type its tag says',
    ),
    case(
        "duplicate-key",
        "tools:\n  a: {}\n  b: {}\n  a: {}\n",
        "a.yaml:4:3: the key `a` stands here twice; first at a.yaml:2:3",
    ),
    case(
        "duplicate-section",
        "tools: {}\nmetrics: {}\ntools: {}\n",
        "a.yaml:3:1: the key `tools` stands here twice; first at a.yaml:1:1",
    ),
    case(
        "duplicate-field",
        "tools:\n  a:\n    description: x\n    tags: [b]\n    description: y\n",
        "a.yaml:5:5: the key `description` stands here twice; first at a.yaml:3:5",
    ),
    case("number-key", "tools:\n  1: {}\n", "a.yaml:2:3: a key must be text, not 1"),
    case("null-key", "tools:\n  ~: {}\n", "a.yaml:2:3: a key must be text, not ~"),
    case("list-key", "tools:\n  ? [a, b]\n  : {}\n", "a.yaml:2:5: a key must be text"),
    case(
        "merge-of-text",
        "tools:\n  a:\n    <<: x\n",
        "a.yaml:3:9: `<<` takes a mapping or a list of mappings",
    ),
    case(
        "bomb",
        BOMB,
        "a.yaml:6:4: aliases multiply to more than 500,000 values or 10,000,000 characters",
    ),
    case(
        "text-bomb",
        TEXT_BOMB,
        "a.yaml:2:4: aliases multiply to more than 500,000 values or 10,000,000 characters",
    ),
    case(
        "recursive-anchor",
        "tools:\n  a: &a\n    schema: {x: *a}\n",
        "a.yaml:2:6: an anchor contains an alias of itself",
    ),
    case(
        "deep-flow",
        "tools: " + "[" * 150 + "]" * 150 + "\n",
        "a.yaml:1:108: nested too deeply; the limit is 100 levels",
    ),
    case(
        "very-deep-flow",
        "tools: " + "[" * 20_000 + "\n",
        "a.yaml:1:1007: nested too deeply; the limit is 100 levels",
    ),
    case(
        "deep-by-aliases",
        "".join(
            f"k{n}: &k{n} {'[' * 30}{f'*k{n - 1}' if n else 'x'}{']' * 30}\n" for n in range(5)
        ),
        "a.yaml:3:5: nested too deeply; the limit is 100 levels",
    ),
    case(
        "infinity",
        "tools:\n  a:\n    customParameters: {x: .inf}\n",
        "a.yaml:3:27: JSON has no such number",
    ),
    case(
        "overflow",
        "tools:\n  a:\n    customParameters: {x: 1e999}\n",
        "a.yaml:3:27: JSON has no such number",
    ),
    case(
        "huge-integer",
        "tools:\n  a:\n    customParameters: {x: " + "9" * 5000 + "}\n",
        "a.yaml:3:27: the number is too large",
    ),
    case(
        "not-utf-8",
        b"tools:\n  a:\n    description: caf\xe9\n",
        "a.yaml:3:21: the file is not UTF-8 (byte 0xe9)",
    ),
    case("utf-16", "tools: {}\n".encode("utf-16"), "a.yaml:1:1: the file is not UTF-8 (byte 0xff)"),
    case(
        "control-character",
        "tools:\n  a:\n    description: x\x07\n",
        "a.yaml:3:19: control character U+0007 in the file",
    ),
    case(
        "line-separator",
        "tools:\n  a:\n    description: x\u2028y\n",
        "a.yaml:3:19: control character U+2028 in the file",
    ),
    case(
        "problem-behind-bom",
        b"\xef\xbb\xbftools: {}\ntools: {}\n",
        "a.yaml:2:1: the key `tools` stands here twice; first at a.yaml:1:1",
    ),
    case(
        "ten-megabytes",
        "tools: {}\n" + "#" * 10_000_000 + "\n",
        "a.yaml:1:1: the file is too large: 10,000,011 bytes, the limit is 10,000,000",
    ),
    case(
        "too-many-values",
        "metrics: [" + "1," * 1_100_000 + "]\n",
        "a.yaml:1:1: the file holds too many values or lines; the limit is about 500,000",
    ),
    case(
        "text-only",
        "just text\n",
        "a.yaml:1:1: a document must be a mapping of sections",
        schema=True,
    ),
    case(
        "list-only",
        "- a\n- b\n",
        "a.yaml:1:1: a document must be a mapping of sections",
        schema=True,
    ),
    case("null-byte", b"tools: {}\n\x00\n", "a.yaml:2:1: control character U+0000 in the file"),
    case(
        "integer-beyond-64-bits",
        "tools:\n  a:\n    customParameters: {x: 18446744073709551616}\n",
        "a.yaml:3:27: the number is too large",
    ),
)
