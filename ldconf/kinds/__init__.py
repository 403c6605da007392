"""One file per resource kind. `KINDS` is the dependency order inside a phase."""

from __future__ import annotations

from ldconf.core.address import Address
from ldconf.core.kind import Kind
from ldconf.kinds.agent_graph import AGENT_GRAPH
from ldconf.kinds.ai_config import AI_CONFIG
from ldconf.kinds.experiment import EXPERIMENT
from ldconf.kinds.metric import METRIC
from ldconf.kinds.metric_group import METRIC_GROUP
from ldconf.kinds.model_config import MODEL_CONFIG
from ldconf.kinds.segment import SEGMENT
from ldconf.kinds.targeting import TARGETING
from ldconf.kinds.tool import TOOL
from ldconf.kinds.variation import VARIATION

# Creates and updates walk forward, deletes backward. A new kind is one file and one line here.
KINDS: tuple[Kind, ...] = (
    METRIC,
    METRIC_GROUP,
    MODEL_CONFIG,
    TOOL,
    SEGMENT,
    AI_CONFIG,
    VARIATION,
    TARGETING,
    AGENT_GRAPH,
    EXPERIMENT,
)

KIND_BY_NAME = {kind.name: kind for kind in KINDS}


def kind_of(address: Address) -> Kind:
    """Return the kind of an address. Raises KeyError for a kind that does not exist."""
    return KIND_BY_NAME[address.kind]
