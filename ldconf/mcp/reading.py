"""Tools that only look at the files."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

from ldconf.core.errors import UsageError
from ldconf.mcp.answers import Checked, Evaluated, Listed, Objects, Shown, Tested
from ldconf.mcp.desk import Desk, explained, problems
from ldconf.render.evaluation import failure_words
from ldconf.render.json import data
from ldconf.workflow import evaluate as asking
from ldconf.workflow.show import parsed
from ldconf.workflow.site import check, load_workspace

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def add_reading(server: MCPServer, desk: Desk) -> None:
    """Add list_objects, show_object, validate, evaluate and test."""

    @server.tool(annotations=LOOKS)
    @explained()
    def list_objects(kind: str | None = None) -> Objects:
        """List the objects of the files with their addresses.

        kind: only these, for instance aiConfigs, variations, targeting, metrics, tools.
        """
        workspace, _ = load_workspace(desk.root)
        wanted = [at for at in workspace.resources if kind in (None, at.kind)]
        listed = [Listed(address=str(at), place=str(workspace.position(at))) for at in wanted]
        settings = workspace.settings
        return Objects(
            project=settings.project, environments=list(settings.environments), objects=listed
        )

    @server.tool(annotations=LOOKS)
    @explained()
    def show_object(address: str) -> Shown:
        """Show what the files say of one object, inherited fields and texts included."""
        workspace, _ = load_workspace(desk.root)
        found = parsed(address)
        resource = workspace.resources.get(found)
        if resource is None:
            raise UsageError(f"{found} is not in the files", "list_objects tells what is")
        place = str(workspace.position(found))
        return Shown(address=str(found), place=place, fields=resource.document())

    @server.tool(annotations=LOOKS)
    @explained()
    def validate() -> Checked:
        """Check the files: schema, references, prompts, targeting. Offline."""
        found = check(desk.root)
        return Checked(
            ok=not found.has_errors, objects=found.objects, problems=problems(found.diagnostics)
        )

    @server.tool(annotations=LOOKS)
    @explained()
    def evaluate(
        ai_config: str,
        environment: str,
        context: dict[str, Any],
        variables: dict[str, Any] | None = None,
    ) -> Evaluated:
        """Tell which variation a context gets by the files, and why. Offline, with LaunchDarkly's
        own SDK.

        context: for instance {"kind": "user", "key": "u1", "subscription_status": "premium"}.
        """
        source = asking.files_source(desk.root, ai_config, environment)
        question = asking.Question(ai_config, environment, context, variables or {})
        found = asking.evaluate(source, question)
        return Evaluated(
            variation=found.variation,
            enabled=found.enabled,
            reason=found.reason.words,
            value=data(found),
        )

    @server.tool(annotations=LOOKS)
    @explained()
    def test() -> Tested:
        """Run the tests that the files hold. Offline."""
        results = asking.config_tests(desk.root)
        failed = [one for one in results if not one.passed]
        return Tested(
            passed=len(results) - len(failed),
            failed=len(failed),
            failures=[f"{one.test.name}\n{failure_words(one)}" for one in failed],
        )
