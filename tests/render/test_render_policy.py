"""What `ldconf policy` found, drawn."""

from __future__ import annotations

import pytest

from ldconf.core.diagnostic import Position
from ldconf.core.policy import PolicyReport, Violation
from ldconf.render import policy
from ldconf.render.canvas import Look

PLACE = Position("bot.yaml", 3, 5)


def violation(number: int = 1, severity: str = "error", because: str | None = None) -> Violation:
    address = f"aiConfigs/bot-{number}/variations/a"
    consent = f"{{address: {address}, allow: [policy], because: ...}}"
    words = "temperature *2* is above 1"
    return Violation("heat", "maxTemperature", severity, address, words, consent, because, PLACE)


def report(*found: Violation) -> PolicyReport:
    return PolicyReport("shop", "_root", "d", ("heat", "models"), found)


def test_each_violation_says_its_place_and_the_way_out() -> None:
    assert policy.text(report(violation()), Look()) == (
        "error heat: temperature *2* is above 1\n"
        "  aiConfigs/bot-1/variations/a (bot.yaml:3:5)\n"
        "  to allow it, write under `consents:` "
        "{address: aiConfigs/bot-1/variations/a, allow: [policy], because: ...}\n"
        "2 policy rules checked: 1 violation.\n"
    )


def test_counts_tell_violations_from_remarks_and_consents() -> None:
    found = report(violation(), violation(2, "warning"), violation(3, because="INC-1"))
    assert policy.verdict(found) == (
        "2 policy rules checked: 1 violation, 1 remark, 1 allowed by consent."
    )
    assert "allowed by a consent, because: INC-1" in policy.text(found, Look())
    assert len(policy.diagnostics(found)) == 2


def test_what_nothing_lifts_names_no_consent() -> None:
    broken = Violation("heat", "maxTemperature", "error", "*", "cannot be checked", None)
    for text in (policy.text(report(broken), Look()), policy.markdown(report(broken))):
        assert "cannot be checked" in text
        assert "consents" not in text


def test_markdown_is_escaped_and_found_again_by_its_first_line() -> None:
    lines = policy.markdown(report(violation(because="a <b>"))).splitlines()
    assert lines[0] == "<!-- ldconf policy shop _root -->"
    assert lines[-1].endswith(
        r"temperature \*2\* is above 1<br>Allowed by a consent, because: a \<b\>"
    )


@pytest.mark.parametrize(
    ("many", "has_ways_out", "is_cut"),
    [(200, True, False), (400, False, False), (5000, False, True)],
)
def test_markdown_stays_below_the_limit(many: int, has_ways_out: bool, is_cut: bool) -> None:
    text = policy.markdown(report(*(violation(number) for number in range(many))))
    assert len(text) <= 65_536
    assert ("To allow it" in text) == has_ways_out
    assert ("more, in the output of" in text) == is_cut
    assert f"{many} violations" in text
