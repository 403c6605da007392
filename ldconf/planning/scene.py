"""Everything that is compared: files now, at the base, between them, and live."""

from __future__ import annotations

from ldconf.core.address import Address
from ldconf.core.live import Live
from ldconf.core.workspace import Workspace
from ldconf.planning.consents import Consents
from ldconf.planning.options import PlanOptions
from ldconf.planning.sides import FileSide, LiveSide, Values


class Scene:
    """The sides of a comparison, and what consents and options say of it."""

    def __init__(
        self, desired: Workspace, live: Live, base: Workspace | None, options: PlanOptions
    ) -> None:
        self.options = options
        self.live = LiveSide(live)
        self.desired = FileSide(desired, self.live)
        self.base = FileSide(base, self.live) if base is not None else None
        self.history = tuple(FileSide(said, self.live) for said in options.history)
        self.merged = FileSide(options.merged, self.live) if options.merged is not None else None
        self.consents = Consents.of(desired, base, options)

    def said(self, address: Address) -> Values | None:
        """Return what the base says of an object, None if it does not list it (or is unknown)."""
        return self.base.values(address) if self.base else None

    def direction_unknown(self, address: Address) -> bool:
        """True if there is no base to ask about this object."""
        return self.base is None or address in self.base.workspace.unloadable
