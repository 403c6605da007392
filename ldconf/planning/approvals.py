"""Environments that require approvals: what cannot be written there, what is requested instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import (
    ApprovalNeed,
    Change,
    Create,
    Note,
    NoteKind,
    Refusal,
    Update,
)
from ldconf.core.errors import LdconfError
from ldconf.core.live import Live, PendingApproval
from ldconf.core.resource import Json, Observed
from ldconf.kinds import experiment_slots as experiments
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_model import DRAFT
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.kinds.targeting import approval as request_approval
from ldconf.kinds.targeting_patch import same_instructions
from ldconf.kinds.targeting_rules import match_rules
from ldconf.planning.scene import Scene

AI_CONFIG, SEGMENT = "aiconfig", "segment"
_FREE_OF_APPROVAL = frozenset({"name", "description", "tags"})  # of segments (reference 16.1)


def requires(scene: Scene, address: Address, environment: str) -> bool:
    """True if LaunchDarkly refuses a direct write for this object in this environment."""
    found = scene.live.live.environments[environment]
    word = SEGMENT if address.kind == "segments" else AI_CONFIG
    return word in found.approvals or bool(
        found.approval_tags.get(word, frozenset()) & _tags(scene, address)
    )


def _tags(scene: Scene, address: Address) -> frozenset[str]:
    owner = address if address.kind == "segments" else Address(address.parts[:2])
    values = scene.live.values(owner) or scene.desired.values(owner) or {}
    return frozenset(values.get("tags") or ())


def refusals(scene: Scene, change: Change) -> Iterator[Refusal]:
    """Yield what can neither be written nor requested where approvals are required."""
    environment = change.address.environment
    if environment is None or not isinstance(change, Create | Update):
        return
    if not requires(scene, change.address, environment):
        return
    if change.address.kind == "segments":
        if kind_of(change.address).approval is None and _is_gated(change):
            yield Refusal(
                change.address,
                "approval",
                f"{environment} requires approval for segments, and ldconf cannot request one",
                hint="make the change in LaunchDarkly, then `ldconf pull` it",
            )
    elif isinstance(change, Update) and _reorders(change) and _is_drafted(scene, change.address):
        yield Refusal(
            change.address,
            "approval",
            f"{environment} requires approval, and a request that reorders rules would give a new"
            " id to the one that a drafted experiment names",
            hint="start or archive the draft first, or reorder in LaunchDarkly, then `ldconf pull`",
        )
    elif isinstance(change, Update) and _adds_rule(change) and _is_named(scene, change.address):
        yield Refusal(
            change.address,
            "approval",
            f"{environment} requires approval, and a request cannot add a rule with its"
            " description where an experiment names a rule",
            hint="stop the experiment first, or add the rule in LaunchDarkly and `ldconf pull` it",
        )


def _is_gated(change: Create | Update) -> bool:
    values = change.after.managed()
    if isinstance(change, Create):
        return any(value for name, value in values.items() if name not in _FREE_OF_APPROVAL)
    return bool(values.keys() - _FREE_OF_APPROVAL)


def _adds_rule(change: Update) -> bool:
    for diff in change.fields:
        if diff.field == "rules":
            pairs = match_rules(diff.after or (), diff.before or ())
            return any(in_live is None for _, in_live in pairs)
    return False


def _reorders(change: Update) -> bool:
    for diff in change.fields:
        if diff.field == "rules":
            pairs = match_rules(diff.after or (), diff.before or ())
            order = [live for file, live in pairs if file is not None and live is not None]
            return order != sorted(order)
    return False


def _is_drafted(scene: Scene, address: Address) -> bool:
    found = experiments.of_targeting(address, scene.live.live.experiments)
    return any(one.status == DRAFT and one.rule != FALLTHROUGH for one in found)


def _is_named(scene: Scene, address: Address) -> bool:
    found = experiments.of_targeting(address, scene.live.live.experiments)
    return any(experiment.rule != FALLTHROUGH for experiment in found)


@dataclass(frozen=True)
class Approval:
    """What becomes of one targeting change: a request to open, or one that is open already."""

    need: ApprovalNeed | None = None
    note: Note | None = None


def approval(scene: Scene, change: Change) -> Approval:
    """Return how a change waits for approval; both parts are None if it need not."""
    address = change.address
    environment = address.environment
    if address.kind != "targeting" or environment is None:
        return Approval()
    if not requires(scene, address, environment):
        return Approval()
    pending = [
        request
        for request in scene.live.live.approvals
        if (request.ai_config, request.environment) == (address.ai_config, environment)
    ]
    wanted = _instructions(scene.live.live, change) if pending else None
    equal = [r for r in pending if wanted is not None and same_instructions(r.instructions, wanted)]
    if equal:
        return Approval(note=_pending(address, equal[0]))
    return Approval(need=ApprovalNeed(address, blocked_by=pending[0].id if pending else None))


def _pending(address: Address, request: PendingApproval) -> Note:
    return Note(
        NoteKind.PENDING,
        f"approval request {request.id} with the same instructions is pending",
        address,
        hint="approve and apply it in LaunchDarkly",
    )


def _instructions(live: Live, change: Change) -> Sequence[Json] | None:
    """Return what the request would ask for, None if it names what does not exist yet."""
    try:
        body = request_approval(change, LiveFacts(live)).body
    except LdconfError:
        return None
    found: Sequence[Json] = body["instructions"]
    return found


class LiveFacts:
    """`Facts` as of the plan: nothing has been written yet."""

    def __init__(self, state: Live) -> None:
        self.project = state.project
        self.member = state.member
        self.comment = ""
        self.commit = ""
        self._observed = state.observed
        self._environments = tuple(state.environments)

    def version(self, address: Address) -> int | None:
        """Return the live version of a tool or model config."""
        observed = self.live(address)
        return observed.version if observed else None

    def model_name(self, model_config_key: str) -> str | None:
        """Return the provider's name of a model."""
        observed = self.live(Address.of("modelConfigs", model_config_key))
        return observed.resource.managed().get("id") if observed else None

    def live(self, address: Address) -> Observed | None:
        """Return the live object."""
        return self._observed.get(address)

    def targeting(self, ai_config: str) -> Mapping[str, Json]:
        """Return the raw targeting document of an AI Config."""
        for environment in self._environments:
            observed = self.live(targeting_address(ai_config, environment))
            if observed is not None and "document" in observed.meta:
                document: Mapping[str, Json] = observed.meta["document"]
                return document
        raise LdconfError(f"the targeting of AI Config {ai_config!r} was not read")
