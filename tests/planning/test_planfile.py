from __future__ import annotations

import json
from typing import Any

import pytest

from ldconf.core.change import Archive, Delete, Plan, Restore, Step, Transition
from ldconf.core.errors import LdconfError, StalePlanError
from ldconf.core.resource import canonical_json, sha256
from ldconf.planning import planfile, reviewed
from ldconf.planning.digest import change_hash, digest, fields
from ldconf.planning.planner import plan
from tests import build
from tests.planning.scenes import BOT, SEARCH, TEST, A, B, edited, files, live_with, planned

EDIT = edited({A: {"name": "New"}, TEST: {"fallthrough": "a"}})


def hashes(found: Plan) -> set[str]:
    """Return the hashes of a plan's changes."""
    return set(found.change_hashes.values())


# digest


def test_hash_is_that_of_address_kind_and_fields() -> None:
    found = planned(edited({A: {"name": "New"}}))
    text = canonical_json([A, "update", {"name": ["A", "New"]}])
    assert found.change_hashes == {Step(build.at(A), "update"): sha256(text)}
    assert found.digest == sha256(sha256(text))


def test_digest_is_that_of_the_sorted_hashes() -> None:
    found = planned(EDIT)
    assert found.digest == digest(sorted(hashes(found), reverse=True))


def test_unrelated_drift_does_not_disturb_the_digest() -> None:
    live = live_with({B: {"name": "By hand"}})
    assert planned(EDIT, live).digest == planned(EDIT).digest


def test_moved_live_value_changes_the_hash() -> None:
    before = plan(EDIT, build.as_live(files()), None)
    after = plan(EDIT, live_with({A: {"name": "By hand"}}), None)
    edit = Step(build.at(A), "update")
    assert before.change_hashes[edit] != after.change_hashes[edit]


def test_new_version_is_written_new_in_creates_and_updates() -> None:
    desired = edited(
        {SEARCH: {"description": "More"}, f"{BOT}/variations/c": {"tools": ["search"]}}
    )
    found = planned(desired)
    tools = {str(c.address): fields(c).get("tools") for c in found.changes}
    new = [{"key": "search", "version": "new"}]
    assert tools[A] == [[{"key": "search", "version": 1}], new]
    assert tools[f"{BOT}/variations/c"] == [None, new]


def test_every_kind_of_change_has_a_hash_of_its_own() -> None:
    tool = build.resource(SEARCH, description="d")
    place = build.at(SEARCH)
    found = {
        change_hash(change)
        for change in (
            Archive(place),
            Restore(place, tool),
            Delete(place, tool),
            Transition(place, "start", tool),
            Transition(place, "stop", tool),
        )
    }
    assert len(found) == 5


# plan files


def test_plan_file_says_what_was_reviewed() -> None:
    consent = build.consent(A, "protected")
    base = files(guards=build.Guards(protect=(A,)))
    found = planned(
        edited({A: {"name": "New"}}, consents=[consent]), base=base, head_ref="abc", dirty=True
    )
    read = planfile.loads(planfile.dumps(found))
    assert read.digest == found.digest
    assert read.hashes == frozenset(found.change_hashes.values())
    assert read.consents == {(A, "protected", "INC-1")}
    assert (read.project, read.workspace, read.head_ref) == ("shop", "_root", "abc")


def test_plan_file_holds_every_field_of_a_new_object() -> None:
    whole = json.loads(planfile.dumps(plan(files(), build.live(), None)))
    by_address = {change["address"]: change for change in whole["changes"]}
    assert by_address[BOT]["fields"] == {
        "mode": {"before": None, "after": "agent"},
        "name": {"before": None, "after": "Bot"},
    }


def test_same_plan_gives_the_same_bytes() -> None:
    assert planfile.dumps(planned(EDIT)) == planfile.dumps(planned(EDIT))


def test_plan_file_tells_why_a_field_changes() -> None:
    parent = build.Inherited(build.at(A))
    desired = edited({SEARCH: {"description": "More"}, B: {"name": "Bee"}})
    desired = build.replace(desired, inherited={(build.at(B), "name"): parent})
    whole = json.loads(planfile.dumps(planned(desired)))
    by_address = {change["address"]: change for change in whole["changes"]}
    assert by_address[A]["fields"]["tools"]["because"] == "re-pin"
    assert by_address[B]["fields"]["name"]["inherited"] == A
    assert by_address[SEARCH]["phase"] == "objects"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not JSON"),
        ("[]", "it has no `formatVersion`"),
        ("{}", "it has no `formatVersion`"),
        ('{"formatVersion": 99}', "format 99"),
        ('{"formatVersion": 1}', "not a whole plan file"),
        ('{"formatVersion": 1, "changes": 1}', "not a whole plan file"),
    ],
)
def test_what_is_no_plan_file_says_so(text: str, words: str) -> None:
    with pytest.raises(LdconfError, match=words):
        planfile.loads(text)


def test_edited_plan_file_is_refused() -> None:
    whole = json.loads(planfile.dumps(planned(EDIT)))
    del whole["changes"][0]
    with pytest.raises(LdconfError, match="was edited"):
        planfile.loads(json.dumps(whole))


# reviewed


def file_of(found: Plan) -> planfile.ReviewedPlan:
    """Return the review of a plan's file."""
    return planfile.loads(planfile.dumps(found))


def test_reviewed_digest_stands_for_exactly_its_changes() -> None:
    found = planned(EDIT)
    reviewed.check(found, [found.digest])
    with pytest.raises(StalePlanError, match=A):
        reviewed.check(planned(edited({A: {"name": "New"}})), [found.digest])


def test_reviewed_file_allows_less() -> None:
    reviewed.check(planned(edited({A: {"name": "New"}})), [file_of(planned(EDIT))])


def test_reviewed_files_are_a_union() -> None:
    first, second = edited({A: {"name": "New"}}), edited({TEST: {"fallthrough": "a"}})
    reviewed.check(planned(EDIT), [file_of(planned(first)), file_of(planned(second))])


def test_change_in_no_file_is_named() -> None:
    one = file_of(planned(edited({A: {"name": "New"}})))
    with pytest.raises(StalePlanError) as caught:
        reviewed.check(planned(EDIT), [one])
    assert caught.value.summary == f"not in the reviewed plan: {TEST}"
    assert caught.value.exit_code == 3


def test_change_with_another_value_was_not_reviewed() -> None:
    one = file_of(planned(edited({A: {"name": "Other"}, TEST: {"fallthrough": "a"}})))
    with pytest.raises(StalePlanError, match=A):
        reviewed.check(planned(EDIT), [one])


def test_digest_beside_files_may_fit_as_well() -> None:
    found = planned(EDIT)
    reviewed.check(found, [found.digest, file_of(planned(files()))])


def test_nothing_to_send_is_always_reviewed() -> None:
    reviewed.check(planned(files()), ["another digest"])


def test_consent_must_be_in_the_reviewed_file() -> None:
    base = files(guards=build.Guards(protect=(A,)))

    def consenting(because: str) -> Any:
        consents = [build.consent(A, "protected", because)]
        return planned(edited({A: {"name": "New"}}, consents=consents), base=base)

    reviewed.check(consenting("INC-1"), [file_of(consenting("INC-1"))])
    with pytest.raises(StalePlanError, match="consent `protected`"):
        reviewed.check(consenting("INC-2"), [file_of(consenting("INC-1"))])
