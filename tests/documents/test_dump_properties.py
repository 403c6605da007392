from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldconf.core.workspace import Workspace
from ldconf.documents.dump import DumpOptions, dump
from ldconf.documents.format import format_text
from ldconf.planning.planner import plan
from tests import build
from tests.properties.worlds import GLOBAL_MODELS, Sections, Texts, loaded, texts_of, workspaces

generated = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def live_of(sections: Sections) -> tuple[Workspace, build.Live]:
    workspace = loaded(texts_of(sections))
    return workspace, build.as_live(workspace, catalogue=GLOBAL_MODELS)


@generated
@given(workspaces(), st.booleans())
def test_plan_after_import_is_empty(sections: Sections, with_members: bool) -> None:
    _, live = live_of(sections)
    dumped = dump(live, DumpOptions(with_members=with_members))
    found = plan(loaded(dumped.files), live, None)
    assert found.changes == ()
    assert found.is_empty


@generated
@given(workspaces())
def test_import_writes_everything_that_is_not_empty(sections: Sections) -> None:
    _, live = live_of(sections)
    dumped = dump(live, DumpOptions(with_members=True))
    assert dumped.diagnostics == ()
    resources = loaded(dumped.files).resources
    for address, observed in live.observed.items():
        if observed.meta.get("global") or address.key == "disabled":
            continue
        there = {name for name, value in observed.resource.managed().items() if value is not None}
        assert there - {"modelConfigVersion", "model"} <= resources[address].managed_names


@generated
@given(workspaces())
def test_imported_documents_are_in_canonical_form(sections: Sections) -> None:
    _, live = live_of(sections)
    for path, text in dump(live, DumpOptions()).files.items():
        if path.endswith(".yaml"):
            assert format_text(text, path) == text


@generated
@given(workspaces())
def test_importing_again_finds_nothing_new(sections: Sections) -> None:
    _, live = live_of(sections)
    files = dump(live, DumpOptions()).files
    assert dump(live, DumpOptions(), Texts(files)).files == {}
