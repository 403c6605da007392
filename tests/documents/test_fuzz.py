"""Nothing that a file can hold makes the loader raise: it returns diagnostics.

And what the loader accepts, the JSON Schema accepts.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ldconf.documents.load import load, load_base
from ldconf.documents.load_sections import ALLOWED
from ldconf.documents.schema import schema
from ldconf.documents.yaml import parse
from ldconf.kinds import KINDS
from tests.documents.trees import SETTINGS, Memory

ROOT = Path(__file__).parents[2]
SEEDS = [
    *(kind.example for kind in KINDS),
    *(path.read_text() for path in sorted((ROOT / "configs").rglob("*.yaml"))),
    *(path.read_text() for path in sorted((ROOT / "examples").rglob("*.yaml"))),
]
FIELDS = sorted(
    {field.alias or name for kind in KINDS for name, field in kind.model.model_fields.items()}
    | {"variations", "targeting", "extends", "unmanaged", "file", "rollout", "clauses", "test"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([*FIELDS, "rest", "disabled", "a", "A.b", "segmentMatch", "in", "archived"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from([*ALLOWED, "project"]),
    st.dictionaries(st.sampled_from(["a", "A.b", "test"]), VALUES, max_size=3) | VALUES,
    max_size=4,
)
VALIDATOR = Draft202012Validator(schema())
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_sound(files: dict[str, str | bytes]) -> None:
    """Loading ends with a workspace or with errors that can be shown, never in between."""
    loaded = load(Memory(files))

    assert (loaded.workspace is None) == any(found.is_error for found in loaded.diagnostics)
    for found in loaded.diagnostics:
        assert found.position is not None
        assert found.position.line >= 1
        assert found.position.column >= 1
        assert found.summary
        assert found.summary.isprintable()
        assert len(found.summary) <= 500
        f"{found.position}: {found.summary} {found.hint}".encode()
    if loaded.workspace is not None:
        documents = [parse(content, file) for file, content in files.items() if "yaml" in file]
        assert [d.text for d in documents if not VALIDATOR.is_valid(d.value)] == []
        for resource in loaded.workspace.resources.values():
            again = type(resource).model_validate(resource.managed())
            assert again.managed() == resource.managed()
    if "ldconf.yaml" not in files:
        load_base(Memory(files), "ref")


@given(st.binary(max_size=200))
@PATIENT
def test_random_bytes(content: bytes) -> None:
    assert_sound({"a.yaml": content})
    assert_sound({"a.yaml": "tools: {t: {schema: {file: s.json}}}\n", "s.json": content})
    assert_sound({"a.yaml": "tools: {t: {description: {file: d.md}}}\n", "d.md": content})
    assert_sound({"ldconf.yaml": content})


@given(
    st.text(alphabet=st.sampled_from("ab:-?#&*!|>'\"%@`{}[], \n\t\r0.~<=é\U0001f600"), max_size=80)
)
@PATIENT
def test_random_yaml_characters(content: str) -> None:
    assert_sound({"a.yaml": content})
    assert_sound({"a.yaml": f"tools:\n  t:\n    description: {content}\n"})


@given(DOCUMENTS)
@PATIENT
def test_random_values_in_documents(value: dict[str, object]) -> None:
    assert_sound({"a.yaml": json.dumps(value, ensure_ascii=True).replace("Infinity", ".inf")})


@given(VALUES | DOCUMENTS)
@PATIENT
def test_random_values_in_settings(value: object) -> None:
    text = json.dumps(
        {"project": "p", "environments": ["test"], "external": value, "guards": value}
    )
    assert_sound({"ldconf.yaml": text})
    assert_sound({"ldconf.yaml": json.dumps(value)})


@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False), st.integers(1, 4))
@PATIENT
def test_mutated_documents(seed: str, rng: random.Random, count: int) -> None:
    text = seed
    for _ in range(count):
        at = rng.randrange(len(text) + 1)
        size = rng.choice([0, 1, 1, 3, 20])
        other = rng.choice(SEEDS)
        start = rng.randrange(len(other))
        insert = rng.choice(
            [
                "",
                ":",
                "- ",
                "\n",
                "  ",
                "{",
                "]",
                "'",
                "&a ",
                "*a",
                "null",
                "1.0",
                "\t",
                "\x00",
                "!!x ",
                "<<: ",
                "extends: a\n",
                other[start : start + 30],
            ]
        )
        text = text[:at] + insert + text[at + size :]
    assert_sound({"a.yaml": text})
    assert_sound({"ldconf.yaml": SETTINGS, "a.yaml": text, "b.yaml": seed})
