"""From LaunchDarkly to files: importing or pulling what is live leaves nothing to plan."""

from __future__ import annotations

import anyio
from hypothesis import assume, given
from hypothesis import strategies as st
from worlds import (
    ENVIRONMENTS,
    PROFILE,
    PROJECT,
    Sections,
    Texts,
    World,
    all_applied,
    loaded,
    texts_of,
    workspaces,
)

from ldconf.core.change import Plan
from ldconf.core.errors import LdconfError
from ldconf.core.workspace import Workspace
from ldconf.documents.dump import DumpOptions, dump
from ldconf.documents.pull import pull_from


def to_send(plan: Plan) -> list[object]:
    return [*plan.changes, *plan.refused, *plan.conflicts, *plan.drift]


@PROFILE
@given(workspaces(), st.booleans())
def test_import_then_plan_is_empty(sections: Sections, with_members: bool) -> None:
    async def scenario() -> None:
        world = World()
        assert all_applied(await world.apply(loaded(texts_of(sections))))
        live = await world.read()
        options = DumpOptions(environments=ENVIRONMENTS, with_members=with_members)
        dumped = dump(live, options, Texts({"ldconf.yaml": settings_of(PROJECT)}))
        workspace = loaded({"ldconf.yaml": settings_of(PROJECT), **dumped.files})
        assert {str(a) for a in workspace.resources} >= expected(sections)
        assert to_send(await world.plan(workspace)) == []

    anyio.run(scenario)


def settings_of(project: str) -> str:
    return f"project: {project}\nenvironments: [test, production]\n"


def expected(sections: Sections) -> set[str]:
    """Return the addresses that an import must list: all that were applied, but targeting and
    members of segments only if something is left to say of them."""
    found = {f"{s}/{k}" for s, keys in sections.items() for k in keys if s not in ("segments",)}
    for key, one in sections["aiConfigs"].items():
        found |= {f"aiConfigs/{key}/variations/{v}" for v in one.get("variations", {})}
    return found


@PROFILE
@given(workspaces(), workspaces())
def test_pull_then_plan_is_empty(first: Sections, second: Sections) -> None:
    """`second` was applied by somebody; `first` are the files; what both list is pulled."""

    async def scenario() -> None:
        world, files = World(), texts_of(first)
        assert all_applied(await world.apply(loaded(files)))
        after = await world.plan(loaded(texts_of(second)))
        assume(not after.refusals)
        assert all_applied(await world.apply(loaded(texts_of(second))))
        workspace, live = loaded(files), await world.read()
        assume(workspace.resources)
        try:
            changed = pull_from(Texts(files), workspace, live, tuple(workspace.resources), True)
        except LdconfError as err:
            assume("is not defined" not in err.summary)  # pull adds no objects
            raise
        pulled = loaded({**files, **changed})
        assert list(pulled.resources) == list(workspace.resources)
        assert to_send(await world.plan(pulled)) == []
        assert to_send(await world.plan(pulled, base=pulled)) == []

    anyio.run(scenario)


@PROFILE
@given(workspaces())
def test_pull_of_what_is_equal_changes_no_file(sections: Sections) -> None:
    async def scenario() -> None:
        world, files = World(), texts_of(sections)
        workspace: Workspace = loaded(files)
        assert all_applied(await world.apply(workspace))
        live = await world.read()
        if workspace.resources:
            assert pull_from(Texts(files), workspace, live, tuple(workspace.resources)) == {}

    anyio.run(scenario)
