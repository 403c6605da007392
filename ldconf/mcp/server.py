"""The server, made of its tools."""

from __future__ import annotations

from mcp.server import MCPServer

from ldconf import __version__
from ldconf.mcp.desk import Desk
from ldconf.mcp.experiments import add_experiments
from ldconf.mcp.planning import add_planning
from ldconf.mcp.reading import add_reading
from ldconf.mcp.writing import add_writing

INSTRUCTIONS = """\
LaunchDarkly AI Configs as files. Change the files with the set_ tools, then validate, test and
plan, and show the person the report of plan. Nothing reaches LaunchDarkly before it is applied:
by a pull request, by `ldconf apply`, or by the tool apply where there is one. Addresses are YAML
paths, for instance aiConfigs/KEY/variations/KEY or aiConfigs/KEY/targeting/ENVIRONMENT.
Experiments: declare one with set_experiment, look with results and decide, end it with ship.
"""


def create(desk: Desk) -> MCPServer:
    """Return the server of a workspace. It has the tool apply only if the desk allows it."""
    server = MCPServer("ldconf", instructions=INSTRUCTIONS, version=__version__)
    add_reading(server, desk)
    add_writing(server, desk)
    add_experiments(server, desk)
    add_planning(server, desk)
    return server
