"""Texts that the API does not return: fingerprints in the comment, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import Unverifiable, Update
from ldconf.core.live import Live
from ldconf.kinds.variation_comment import fingerprint, write_comment
from ldconf.planning.planner import needs_history, plan
from tests import build
from tests.planning.scenes import SEARCH, A, changes, edited, files, live_with, planned, verbs


def unseen(comment: str | None, **changes: Any) -> Live:
    """Return the live state where the API leaves out A's instructions; the comment stays."""
    live = live_with({A: changes} if changes else {})
    place = build.at(A)
    found = live.observed[place]
    resource = found.resource.model_copy(update={"instructions": None})
    hidden = build.replace(
        found, resource=resource, comment=comment, omitted=frozenset({"instructions"})
    )
    return build.replace(live, observed={**live.observed, place: hidden})


def stating(text: str) -> str:
    """Return the comment of a version that holds this text."""
    return write_comment("abc123", {"instructions": fingerprint(text)})


def text_diff(found: Any) -> Any:
    """Return the diff of A's instructions."""
    update = changes(found)[A]
    assert isinstance(update, Update)
    return next(diff for diff in update.fields if diff.field == "instructions")


def test_equal_fingerprint_is_unchanged() -> None:
    assert planned(files(), unseen(stating("Be kind."))).is_empty


def test_edit_shows_the_fingerprint_as_before() -> None:
    found = planned(edited({A: {"instructions": "Be kinder."}}), unseen(stating("Be kind.")))
    diff = text_diff(found)
    assert (diff.before, diff.after) == (fingerprint("Be kind."), "Be kinder.")
    assert diff.unverifiable


def test_other_fingerprint_is_drift() -> None:
    found = planned(files(), unseen(stating("Be rude.")))
    assert found.changes == ()
    assert [(d.field, d.live) for d in found.drift] == [("instructions", fingerprint("Be rude."))]


def test_other_fingerprint_beside_an_edit_is_a_conflict() -> None:
    found = planned(edited({A: {"instructions": "Be kinder."}}), unseen(stating("Be rude.")))
    assert [conflict.live for conflict in found.conflicts] == [fingerprint("Be rude.")]


def test_fingerprint_of_a_text_that_the_files_said_meanwhile_is_ours() -> None:
    between = edited({A: {"instructions": "Be kinder."}})
    desired = edited({A: {"instructions": "Be kindest."}})
    live = unseen(stating("Be kinder."))
    assert needs_history(desired, live, files())
    assert verbs(planned(desired, live, history=[between])) == {A: "update"}


@pytest.mark.parametrize("comment", [None, "fixed in a hurry", "ldconf abc123"])
def test_text_without_fingerprint_is_unverifiable_and_not_sent(comment: str | None) -> None:
    found = planned(files(), unseen(comment))
    assert found.changes == ()
    assert found.unverifiable == (Unverifiable(build.at(A), "instructions"),)


def test_unverifiable_text_is_sent_if_the_files_changed_it() -> None:
    found = planned(edited({A: {"instructions": "Be kinder."}}), unseen(None))
    diff = text_diff(found)
    assert (diff.before, diff.unverifiable) == (None, True)
    assert found.unverifiable == ()


def test_unverifiable_text_is_sent_on_request() -> None:
    assert verbs(planned(files(), unseen(None), resend=(build.at(A),))) == {A: "update"}
    assert verbs(planned(files(), unseen(None), resend=("aiConfigs/*",))) == {A: "update"}
    assert verbs(planned(files(), unseen(None), resend=(SEARCH,))) == {}


def test_unverifiable_text_is_sent_when_it_is_claimed() -> None:
    bare = edited({A: {"instructions": "Be kind."}})
    base = build.replace(bare, resources={a: r for a, r in bare.resources.items() if str(a) != A})
    assert verbs(planned(files(), unseen(None), base)) == {A: "update"}


def test_unverifiable_text_is_not_sent_without_a_base() -> None:
    found = plan(files(), unseen(None), None)
    assert found.changes == ()
    assert len(found.unverifiable) == 1


def test_text_that_nobody_manages_is_not_verified() -> None:
    bare = {"name": "A", "tools": ["search"]}
    desired = build.workspace({**_others(), A: bare})
    found = planned(desired, unseen(None), desired)
    assert found.unverifiable == ()


def _others() -> dict[str, Any]:
    return {str(a): r.managed() for a, r in files().resources.items() if str(a) != A}
