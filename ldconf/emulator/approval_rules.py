"""When a direct change is refused because an approval is required (reference 16.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ldconf.core.resource import Json
from ldconf.emulator.http import Call, Refusal


def requires_approval(environment: Mapping[str, Json], kind: str, tags: Iterable[str]) -> bool:
    """True if changes of this kind (`aiconfig`, `segment`) need an approval in an environment:
    always, or for resources with one of the required tags."""
    settings = environment["resourceApprovalSettings"].get(kind) or {}
    return bool(settings.get("required")) or bool(
        set(settings.get("requiredApprovalTags") or ()) & set(tags)
    )


def refuse_unapproved(
    call: Call, project: str, environments: Iterable[str], kind: str, tags: Iterable[str]
) -> None:
    """Answer 403 if one of the environments requires an approval. The text is the segments' one
    (Q26); for AI Configs it is not documented. [INF]"""
    for key in environments:
        if requires_approval(call.environment(project, key), kind, tags):
            raise Refusal(403, "forbidden", f"approval is required for changes in {key}")
