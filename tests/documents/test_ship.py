"""Shipping in the files: what is edited, what stays byte for byte, what is refused."""

from __future__ import annotations

import pytest

from ldconf.core.errors import LdconfError, UsageError
from ldconf.documents.overlay import Overlay
from ldconf.documents.ship import Ending, Shipped, ship_in
from tests import build
from tests.properties.worlds import loaded

SETTINGS = "project: shop\nenvironments: [test, production]\n"
METRICS = """\
metrics:
  good: {name: Good, kind: custom, eventKey: good, isNumeric: false, analysisUnits: [user],
    successCriteria: HigherThanBaseline, unitAggregationType: average}
"""
VARIATIONS = """\
aiConfigs:
  bot:
    name: Bot # of the shop
    mode: completion
    variations:
      base: {modelConfigKey: OpenAI.gpt-4o} # the first
      small: {modelConfigKey: OpenAI.gpt-4o-mini}
      large: {modelConfigKey: OpenAI.gpt-4.1}
    targeting:
"""
OWN = """\
      production:
        fallthrough: base # for everybody
      test: {fallthrough: base}
"""
GOLD = "clauses: [{attribute: plan, op: in, values: [gold]}]"
RULES = f"""\
      production:
        rules:
          - description: Gold # who pays
            {GOLD}
            serve: base
          - description: Staff
            {GOLD}
            serve: large
        fallthrough: base
"""
EXPERIMENT = """\
experiments:
  exp: # asked by Ann
    name: Small or base
    environment: production
    aiConfig: bot
    hypothesis: small is as good
    methodology: bayesian
    metrics: [good]
    primary: good
    allocation: {base: 50, small: rest}
    control: base
    status: running # since May
"""
END = """\
    status: stopped # since May
    winner: small
    reason: as good, cheaper
"""
ENDING = Ending("small", "as good, cheaper")
ARCHIVING = Ending("small", "as good, cheaper", archive_losers=True)


def files(targeting: str, experiment: str = EXPERIMENT, **more: str) -> dict[str, str]:
    """Return a workspace; `more` are documents by name."""
    named = {f"{name}.yaml": text for name, text in more.items()}
    return {
        "ldconf.yaml": SETTINGS,
        "metrics.yaml": METRICS,
        "bot.yaml": VARIATIONS + targeting,
        "exp.yaml": experiment,
        **named,
    }


def shipped(before: dict[str, str], ending: Ending = ENDING, key: str = "exp") -> Shipped:
    return ship_in(Overlay(None, before), loaded(before), key, ending)


def after(before: dict[str, str], ending: Ending = ENDING) -> dict[str, str]:
    """Return all files after shipping, checked to load."""
    whole = {**before, **shipped(before, ending).files}
    loaded(whole)
    return whole


def test_only_what_ends_the_experiment_changes() -> None:
    before = files(OWN)
    assert after(before) == {
        **before,
        "bot.yaml": before["bot.yaml"].replace("fallthrough: base #", "fallthrough: small #"),
        "exp.yaml": EXPERIMENT.replace("    status: running # since May\n", END),
    }


def test_one_document_with_everything_and_windows_line_ends() -> None:
    text = (VARIATIONS + OWN + EXPERIMENT).replace("\n", "\r\n")
    before = {"ldconf.yaml": SETTINGS, "metrics.yaml": METRICS, "all.yaml": text}
    ended = EXPERIMENT.replace("    status: running # since May\n", END)
    expected = VARIATIONS + OWN.replace("base # for", "small # for") + ended
    assert after(before)["all.yaml"] == expected.replace("\n", "\r\n")


def test_a_winning_control_leaves_targeting_alone() -> None:
    found = shipped(files(OWN), Ending("base", "no difference"))
    assert list(found.files) == ["exp.yaml"]
    assert "winner: base\n    reason: no difference\n" in found.files["exp.yaml"]


def test_inherited_fallthrough_is_overridden_where_the_experiment_ran() -> None:
    inherited = """\
      test: {fallthrough: base} # shared
      production:
        extends: test # as there
"""
    before = files(inherited)
    found = after(before)["bot.yaml"].removeprefix(VARIATIONS)
    assert found == f"{inherited}        fallthrough: small\n"


def test_environments_that_extend_keep_what_they_served() -> None:
    above = """\
      production:
        fallthrough: base
      test:
        extends: production
"""
    found = after(files(above))
    assert found["bot.yaml"].removeprefix(VARIATIONS) == (
        "      production:\n        fallthrough: small\n"
        "      test:\n        extends: production\n        fallthrough: base\n"
    )
    assert loaded(found).resources[build.at("aiConfigs/bot/targeting/test")].managed() == {
        "fallthrough": "base"
    }


def of_rule(experiment: str = EXPERIMENT) -> str:
    line = "    aiConfig: bot\n"
    return experiment.replace(line, f"{line}    rule: {{description: Gold}}\n")


def test_an_experiment_on_a_rule_changes_what_that_rule_serves() -> None:
    before = files(RULES, of_rule())
    bot = before["bot.yaml"]
    assert after(before)["bot.yaml"] == bot.replace("serve: base", "serve: small", 1)


def test_an_inherited_rule_is_written_out_with_the_others() -> None:
    inherited = RULES.replace("production:", "test:") + "      production: {extends: test}\n"
    before = files(inherited, of_rule())
    found = loaded(after(before)).resources
    rules = found[build.at("aiConfigs/bot/targeting/production")].managed()["rules"]
    assert [(rule["description"], rule["serve"]) for rule in rules] == [
        ("Gold", "small"),
        ("Staff", "large"),
    ]
    test = build.at("aiConfigs/bot/targeting/test")
    assert found[test] == loaded(before).resources[test]


def test_losers_are_kept_unless_asked() -> None:
    found = shipped(files("      production: {fallthrough: base}\n"))
    assert (found.archived, found.remarks) == ((), ())
    assert "archived" not in "".join(found.files.values())


def test_losers_that_nobody_needs_are_archived() -> None:
    before = files("      production: {fallthrough: base}\n")
    found = shipped(before, ARCHIVING)
    assert (found.archived, found.remarks) == (("base",), ())
    whole = loaded({**before, **found.files})
    base = whole.resources[build.at("aiConfigs/bot/variations/base")]
    assert base.managed() == {"state": "archived"}
    assert (
        "base: {state: archived, modelConfigKey: OpenAI.gpt-4o} # the first"
        in (found.files["bot.yaml"])
        or "base: {modelConfigKey: OpenAI.gpt-4o, state: archived} # the first"
        in (found.files["bot.yaml"])
    )


THREE = EXPERIMENT.replace("{base: 50, small: rest}", "{base: 30, small: 30, large: rest}")
OTHER = EXPERIMENT.replace("exp:", "other:").replace("production", "test")


@pytest.mark.parametrize(
    ("targeting", "more", "reason"),
    [
        (OWN, {}, "aiConfigs/bot/targeting/test serves it"),
        (
            "      production: {fallthrough: base, targets: [{variation: base, values: [qa]}]}\n",
            {},
            "aiConfigs/bot/targeting/production serves it",
        ),
        (
            "      production: {fallthrough: base}\n      test: {targets: [], rules: [], "
            "fallthrough: base, off: true}\n",
            {},
            "aiConfigs/bot/targeting/test serves it",
        ),
        (
            "      production: {fallthrough: base}\n",
            {"child": "aiConfigs: {bot: {variations: {child: {extends: base}}}}"},
            "child extends it",
        ),
    ],
    ids=["served elsewhere", "a target", "switched off", "extended"],
)
def test_a_loser_that_is_needed_is_kept_and_says_why(
    targeting: str, more: dict[str, str], reason: str
) -> None:
    before = files(targeting)
    for text in more.values():
        assert text.startswith("aiConfigs")
        child = "      child: {extends: base}\n    targeting:\n"
        before["bot.yaml"] = before["bot.yaml"].replace("    targeting:\n", child)
    found = shipped(before, ARCHIVING)
    assert found.archived == ()
    assert found.remarks == (f"base is not archived: {reason}",)


def test_a_loser_in_another_experiment_is_kept_unless_that_is_over() -> None:
    targeting = "      production: {fallthrough: base}\n      test: {fallthrough: small}\n"
    draft = OTHER.replace("status: running", "status: draft")
    kept = shipped(files(targeting, other=draft), ARCHIVING)
    assert kept.remarks == ("base is not archived: experiments/other names it",)
    over = OTHER.replace("status: running # since May", "status: stopped\n    winner: small\n"
                         "    reason: over")  # fmt: skip
    assert shipped(files(targeting, other=over), ARCHIVING).archived == ("base",)


def test_parent_and_child_that_lost_are_archived_together() -> None:
    before = files("      production: {fallthrough: base}\n", THREE)
    before["bot.yaml"] = before["bot.yaml"].replace("large: {", "large: {extends: base, ")
    assert shipped(before, ARCHIVING).archived == ("base", "large")
    before["bot.yaml"] += "      test: {fallthrough: large}\n"
    found = shipped(before, ARCHIVING)
    assert found.archived == ()
    assert found.remarks == (
        "base is not archived: large extends it",
        "large is not archived: aiConfigs/bot/targeting/test serves it",
    )


def test_tests_that_expect_the_loser_are_named() -> None:
    tests = """\
tests:
  - given: {aiConfig: bot, environment: production, context: {kind: user, key: u1}}
    expect: {variation: base}
  - given: {aiConfig: bot, environment: test, context: {kind: user, key: u1}}
    expect: {variation: base}
"""
    (remark,) = shipped(files(OWN, tests=tests)).remarks
    assert remark == "tests.yaml:2:5: a test expects base; `ldconf test` tells if it holds"


def test_shipping_again_changes_nothing() -> None:
    before = after(files(OWN), ARCHIVING)
    assert shipped(before, ARCHIVING).files == {}
    assert shipped(before, Ending("small", "another reason")).files == {}


def test_a_stopped_experiment_whose_winner_is_not_served_yet() -> None:
    stopped = EXPERIMENT.replace("    status: running # since May\n", END)
    found = shipped(files(OWN, stopped))
    assert list(found.files) == ["bot.yaml"]
    assert "fallthrough: small # for everybody" in found.files["bot.yaml"]


@pytest.mark.parametrize(
    ("experiment", "key", "ending", "words"),
    [
        (EXPERIMENT, "nope", ENDING, "the files have no experiment nope"),
        (EXPERIMENT.replace("running", "draft"), "exp", ENDING, "it never ran"),
        (EXPERIMENT, "exp", Ending("large", "x"), "large is no variation of experiment exp"),
        (
            EXPERIMENT.replace("    status: running # since May\n", END),
            "exp",
            Ending("base", "x"),
            "stopped already, and its winner is small",
        ),
        (
            EXPERIMENT.replace("{base: 50, small: rest}", "{base: 50, small: 50, large: 0}"),
            "exp",
            Ending("large", "x"),
            "no variation",
        ),
    ],
    ids=["unknown", "draft", "no arm", "stopped otherwise", "arm without traffic"],
)
def test_what_cannot_be_shipped_is_a_usage_error(
    experiment: str, key: str, ending: Ending, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        shipped(files(OWN, experiment), ending, key)


def test_what_cannot_be_edited_is_told_to_be_written_by_hand() -> None:
    # The fallthrough is the key of an allocation, so it cannot change without changing that.
    text = VARIATIONS + OWN.replace("fallthrough: base #", "fallthrough: &c base #", 1)
    text += EXPERIMENT.replace("{base: 50", "{*c : 50")
    before = {"ldconf.yaml": SETTINGS, "metrics.yaml": METRICS, "all.yaml": text}
    with pytest.raises(LdconfError, match="the files were not changed") as caught:
        shipped(before)
    hint = (caught.value.hint or "").splitlines()
    assert hint == [
        "change it by hand:",
        "  all.yaml:14:3: experiments/exp: "
        "status: stopped, winner: small, reason: as good, cheaper",
        "  all.yaml:10:7: aiConfigs/bot/targeting/production: fallthrough: small",
    ]


def test_a_shared_anchor_elsewhere_keeps_its_value() -> None:
    text = OWN.replace("base # for", "&served base # for")
    text = text.replace("{fallthrough: base}", "{fallthrough: *served}")
    found = loaded(after(files(text))).resources
    test = found[build.at("aiConfigs/bot/targeting/test")]
    assert test.managed() == {"fallthrough": "base"}
