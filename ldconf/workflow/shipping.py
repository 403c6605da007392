"""`ldconf experiment ship`: from a decision to the edit of the files that ends an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ldconf.core.analysis import Decision, Verdict
from ldconf.core.errors import RefusedError, UsageError
from ldconf.documents import ship as shipping
from ldconf.documents.ship import Ending
from ldconf.workflow.site import load_workspace
from ldconf.workflow.written import write

SHIPS = (Verdict.SHIP_TREATMENT, Verdict.SHIP_CONTROL, Verdict.STOP_INCONCLUSIVE)
_WHY: Mapping[Verdict, str] = {
    Verdict.KEEP_RUNNING: "it should keep running",
    Verdict.BLOCKED_BY_GUARDRAIL: "a guardrail blocks it",
    Verdict.INVALID: "its data is not valid",
}


@dataclass(frozen=True)
class ShipWish:
    """What a person asks: `winner` None takes that of the decision, and so does `reason`."""

    winner: str | None = None
    reason: str | None = None
    archive_losers: bool = False

    @property
    def needs_decision(self) -> bool:
        """True if the results have to say what won."""
        return self.winner is None


@dataclass(frozen=True)
class ShipEdit:
    """The files that change, with their new texts: none if they say so already."""

    ending: Ending
    texts: dict[Path, str]
    archived: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def check_wish(wish: ShipWish) -> None:
    """Refuse a winner without a reason: it goes into the files, for whoever asks later."""
    if wish.winner is not None and not (wish.reason or "").strip():
        raise UsageError("--winner needs --reason TEXT: it is written beside the winner")


def ending_of(key: str, wish: ShipWish, decision: Decision | None) -> Ending:
    """Return how the experiment ends: as wished, else as decided.

    Raises RefusedError with the reasons if the decision is not to end it.
    """
    check_wish(wish)
    if wish.winner is not None:
        return Ending(wish.winner, one_line(wish.reason or ""), wish.archive_losers)
    if decision is None:
        raise UsageError("without results there is no winner", "name one: --winner and --reason")
    if decision.verdict not in SHIPS or decision.winner is None:
        reasons = "".join(f"\n  {reason}" for reason in decision.reasons)
        why = _WHY.get(decision.verdict, "it has no winner")
        raise RefusedError(
            f"experiment {key} is not to be shipped: {why}{reasons}",
            "to end it all the same: --winner VARIATION --reason TEXT",
        )
    reason = wish.reason or "; ".join(decision.reasons)
    return Ending(decision.winner, one_line(reason), wish.archive_losers)


def edited(root: Path, key: str, ending: Ending) -> ShipEdit:
    """Return the edit that ends an experiment; nothing is written.

    Raises UsageError and LdconfError as `documents.ship` does.
    """
    workspace, _ = load_workspace(root)
    found = shipping.ship(root, workspace, key, ending)
    texts = {root / path: text for path, text in found.files.items()}
    return ShipEdit(ending, texts, found.archived, found.remarks)


def ship(root: Path, key: str, ending: Ending) -> ShipEdit:
    """Write the end of an experiment into the files. LaunchDarkly is not touched."""
    found = edited(root, key, ending)
    write(root, {path.relative_to(root).as_posix(): text for path, text in found.texts.items()})
    return found


def check_key(root: Path, key: str) -> None:
    """Raise UsageError if the files have no such experiment."""
    workspace, _ = load_workspace(root)
    shipping.experiment_of(workspace, key)


def one_line(text: str) -> str:
    """Return a text for one line of YAML."""
    return " ".join(text.split())
