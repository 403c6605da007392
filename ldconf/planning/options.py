"""What a caller may ask of a plan, and the base of a first adoption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ldconf.core.address import Address
from ldconf.core.workspace import Consent, Workspace


@dataclass(frozen=True)
class PlanOptions:
    """Everything besides files, live state and base that decides a plan.

    `targets` are address patterns (`--target`), `environments` keys (`--environment`); with
    either, other changes are left out and counted. `resend` are address patterns of objects whose
    unverifiable texts are sent. `history` holds the files at the first-parent commits between
    base and HEAD, newest first (only needed if `needs_history`). `merged` holds the files at the
    merge base of a pull request, if the base is older: what it contains is marked as merged.
    `offline`: live is what files of another commit say, so a step that is not possible at once is
    refused instead of being an error of the files. `extra_consents` come from the terminal;
    consents in the files count if `file_consents`.
    """

    targets: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    resend: Sequence[str | Address] = ()
    history: Sequence[Workspace] = ()
    merged: Workspace | None = None
    extra_consents: tuple[Consent, ...] = ()
    file_consents: bool = True
    workspace_name: str = "_root"
    dirty: bool = False
    offline: bool = False
    base_ref: str | None = None
    head_ref: str | None = None

    def resends(self, address: Address) -> bool:
        """True if `--resend` names this address or something above it."""
        return any(address.matches(str(pattern)) for pattern in self.resend)


DEFAULTS = PlanOptions()


def empty_base(desired: Workspace, ref: str | None = None) -> Workspace:
    """Return the base of a first adoption: no such workspace there, so guards from the files."""
    return replace(Workspace(desired.settings, {}), ref=ref)
