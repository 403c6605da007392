from __future__ import annotations

from pathlib import Path

import pytest

from ldconf.core.errors import LdconfError, UsageError
from ldconf.documents.load import load
from ldconf.documents.overlay import Overlay
from ldconf.documents.promote import promote, promote_in
from ldconf.documents.tree import Folder
from tests import build
from tests.properties.worlds import loaded

SETTINGS = "project: shop\nenvironments: [test, staging, production]\n"
HEAD = """\
aiConfigs:
  agent:
    variations: {base: {}, small: {}}
    targeting:
"""
TEST = """\
      test:
        targets: [{variation: base, values: [qa]}]
        rules:
          - description: Premium # gold
            clauses: [{attribute: plan, op: in, values: [gold]}]
            serve: {rollout: {base: rest, small: 10}}
        fallthrough: small
"""
FIELDS = ("targets", "rules", "fallthrough")


def files(targeting: str, **more: str) -> dict[str, str]:
    named = {f"{name}.yaml": text for name, text in more.items()}
    return {"ldconf.yaml": SETTINGS, "agent.yaml": HEAD + targeting, **named}


def promoted(before: dict[str, str], source: str = "test", target: str = "production") -> str:
    """Return what stands behind the head of the document after a promotion."""
    changed = promote_in(Overlay(None, before), loaded(before), "agent", source, target)
    if not changed:
        return ""
    after = loaded({**before, **changed})
    for environment in ("test", "staging"):
        if environment != target and (address := at(environment)) in after.resources:
            assert after.resources[address] == loaded(before).resources[address]
    return changed["agent.yaml"].removeprefix(HEAD)


def at(environment: str) -> build.Address:
    return build.at(f"aiConfigs/agent/targeting/{environment}")


def test_environment_without_targeting_gets_a_copy() -> None:
    assert promoted(files(TEST)) == TEST + (
        "      production:\n"
        "        targets:\n"
        "          - {variation: base, values: [qa]}\n"
        "        rules:\n"
        "          - description: Premium\n"
        "            clauses:\n"
        "              - {attribute: plan, op: in, values: [gold]}\n"
        "            serve:\n"
        "              rollout: {base: rest, small: 10}\n"
        "        fallthrough: small\n"
    )


def test_only_what_differs_changes() -> None:
    production = TEST.replace("test:", "production:").replace("small: 10", "small: 5")
    before = files(TEST + production)
    assert promoted(before) == TEST + TEST.replace("test:", "production:")


def test_overrides_of_what_is_extended_are_removed() -> None:
    production = "      production: # live\n        extends: test\n        fallthrough: base\n"
    assert promoted(files(TEST + production)) == (
        TEST + "      production: # live\n        extends: test\n"
    )


def test_nothing_to_do_if_the_targeting_is_the_same() -> None:
    assert promoted(files(TEST + "      production: {extends: test}\n")) == ""
    assert promoted(files(TEST + TEST.replace("test:", "production:"))) == ""


def test_others_that_extend_the_target_keep_what_they_had() -> None:
    more = (
        "      production: {rules: [], fallthrough: base}\n      staging: {extends: production}\n"
    )
    text = promoted(files(TEST + more))
    assert text.endswith(
        "      staging: {extends: production, unmanaged: [targets], rules: [], fallthrough: base}\n"
    )


def test_kill_switch_of_the_target_stays() -> None:
    production = "      production: {off: true, targets: [], rules: [], fallthrough: base} # INC\n"
    text = promoted(files(TEST + production))
    assert "off: true" in text.split("production:")[1]
    assert "fallthrough: small" in text.split("production:")[1]


def test_kill_switch_of_the_source_is_not_promoted() -> None:
    test = TEST.replace("        fallthrough", "        off: true\n        fallthrough")
    assert "off" not in promoted(files(test)).split("production:")[1]


def test_fields_that_the_source_does_not_manage_stay() -> None:
    before = files("      test: {fallthrough: small}\n      production: {rules: [], targets: []}\n")
    assert promoted(before).endswith(
        "      production: {rules: [], fallthrough: small, targets: []}\n"
    )


SEGMENT_RULE = """\
      test:
        rules:
          - description: VIP
            clauses: [{op: segmentMatch, values: [vip, new]}]
            serve: base
"""


def test_segments_that_the_target_lacks_are_named() -> None:
    segments = "segments:\n  vip: {test: {name: V}, production: {extends: test}}\n"
    before = files(SEGMENT_RULE, segments=segments + "  new: {test: {name: N}}\n")
    with pytest.raises(LdconfError, match="segments that production does not have: new"):
        promoted(before)
    before["ldconf.yaml"] += "external: {segments: {production: [new]}}\n"
    assert "values: [vip, new]" in promoted(before).split("production:")[1]


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("test", "test", "test cannot be promoted to itself"),
        ("staging", "test", "the files have no targeting of agent in staging"),
        ("test", "nowhere", "nowhere is not an environment of this workspace"),
    ],
)
def test_names_that_are_not_there(source: str, target: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        promoted(files(TEST), source, target)


def test_target_that_extends_the_source_through_others() -> None:
    more = (
        "      staging: {extends: test, fallthrough: base}\n      production: {extends: staging}\n"
    )
    assert promoted(files(TEST + more)).endswith(
        "      production: {extends: staging, fallthrough: small}\n"
    )


def test_promotion_in_a_folder(tmp_path: Path) -> None:
    for path, text in files(TEST).items():
        (tmp_path / path).write_text(text)
    workspace = load(Folder(tmp_path)).workspace
    assert workspace is not None
    assert (
        "production:" in promote(tmp_path, workspace, "agent", "test", "production")["agent.yaml"]
    )
