"""Live objects as file values: what can be written of each, and in words what cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from ldconf.core.address import Address
from ldconf.core.live import Live
from ldconf.core.resource import Json, Resource, canonical_json
from ldconf.documents.live_value import document_of
from ldconf.documents.yaml import Path
from ldconf.kinds import kind_of
from ldconf.kinds.agent_graph import AgentGraph
from ldconf.kinds.experiment_model import STOPPED, Experiment
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.variation import Variation, mode_problems
from ldconf.kinds.variation_model import ARCHIVED

# Personal data: written only on request.
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "targeting": ("targets",),
    "segments": ("included", "excluded", "includedContexts", "excludedContexts"),
}
# Kinds of which a part can be written while the rest stays unmanaged.
DIVISIBLE = ("aiConfigs", "variations", "targeting")


@dataclass(frozen=True)
class Written:
    """What a file will say of an object; `notes` say what it will not."""

    address: Address
    value: Mapping[str, Json]
    notes: tuple[str, ...] = ()

    def without(self, names: Collection[str], note: str) -> Written:
        """Return this without some fields, and a note why."""
        kept = {name: inner for name, inner in self.value.items() if name not in names}
        return replace(self, value=kept, notes=(*self.notes, note))


@dataclass
class Objects:
    """Turns live objects into file values. `own` are the addresses that the files (will) list."""

    live: Live
    own: frozenset[Address]
    with_members: bool = False
    needed: set[Address] = field(default_factory=set)  # referenced objects managed elsewhere

    def written(self, address: Address) -> Written | str:
        """Return what a file can say of a live object, or in words why it can say nothing."""
        observed = self.live.observed[address]
        unsupported = observed.meta.get("unsupported")
        if unsupported and address.kind not in DIVISIBLE:
            return _line(str(unsupported))
        found = Written(address, document_of(observed.resource))
        if unsupported:
            found = replace(found, notes=(_line(str(unsupported)),))
        if address.kind == "variations":
            found = self._pins(found)
        if not self.with_members:
            found = _without_members(found)
        if observed.omitted and found.value.get("state") != ARCHIVED:
            names = " and ".join(sorted(observed.omitted))
            note = f"LaunchDarkly did not return {names}: not managed here"
            found = replace(found, notes=(*found.notes, note))
        return self._valid(found)

    def _pins(self, found: Written) -> Written:
        """Leave versions and names out that follow by themselves."""
        value = dict(found.value)
        if tools := value.get("tools"):
            value["tools"] = [self._tool(tool) for tool in tools]
        key = str(value.get("modelConfigKey") or "")
        model_config = Address.of("modelConfigs", key)
        known = self.live.observed.get(model_config)
        is_current = known is not None and known.version == value.get("modelConfigVersion")
        if is_current or model_config not in self.own:
            value.pop("modelConfigVersion", None)
        name = (value.get("model") or {}).get("modelName")
        derived = known.resource.managed().get("id") if known else None
        if name is not None and derived is not None and name != derived:
            note = f"`model`: its model is {name}, that of {key} is {derived}"
            return replace(found, value=value).without(["model"], note)
        if name is not None and name == derived:
            model = {part: inner for part, inner in value["model"].items() if part != "modelName"}
            value["model"] = model
            if not model:
                del value["model"]
        return replace(found, value=value)

    def _tool(self, tool: Json) -> Json:
        """Return a tool without its version, if it is what the files would attach anyway."""
        if isinstance(tool, str):
            return tool
        address = Address.of("tools", tool["key"])
        known = self.live.observed.get(address)
        is_current = known is not None and known.version == tool["version"]
        return tool["key"] if is_current or address not in self.own else tool

    def _valid(self, found: Written) -> Written | str:
        """Drop fields until the value validates and every name in it leads somewhere."""
        model = kind_of(found.address).model
        while (problems := _problems(model, found.value)) is not None:
            fields = [name for name in found.value if any(name == at for at, _ in problems)]
            if not fields or found.address.kind not in DIVISIBLE:
                return problems[0][1]
            for name in fields:
                words = next(words for at, words in problems if at == name)
                found = found.without([name], f"`{name}`: {words}")
        return self._referring(found)

    def _referring(self, found: Written) -> Written | str:
        resource = kind_of(found.address).model.model_validate(found.value)
        needed: dict[Address, str] = {}
        for reference in kind_of(found.address).references(found.address, resource):
            problem = self._reference_problem(resource, reference.target)
            name = str(reference.path[0])
            if problem is None:
                needed[reference.target] = name
            elif found.address.kind not in DIVISIBLE:
                return problem
            elif name in found.value:
                found = found.without([name], f"`{name}`: {problem}")
        mode = self._mode(Address(found.address.parts[:2]))
        if isinstance(resource, Variation) and mode:
            for path, words in mode_problems(mode, resource):
                if path[0] in found.value:
                    found = found.without([path[0]], f"`{path[0]}`: {words}")
        along = ("aiConfigs", "variations", "targeting") if isinstance(resource, Experiment) else ()
        self.needed |= {
            target
            for target, name in needed.items()
            if name in found.value and target.kind not in along
        }
        return found

    def _reference_problem(self, resource: Resource, target: Address) -> str | None:
        if target.kind == "variations" and target.key == DISABLED:
            return None
        live = self.live.observed.get(target)
        if live is None:
            return f"names {target}, which does not exist"
        if target.kind == "variations":
            over = isinstance(resource, Experiment) and resource.status == STOPPED
            archived = live.resource.managed().get("state") == ARCHIVED and not over
            return f"serves {target.key}, which is archived" if archived else None
        if target.kind == "aiConfigs" and not isinstance(resource, Experiment):
            wanted = "agent" if isinstance(resource, AgentGraph) else "judge"
            mode = self._mode(target)
            article = "an" if wanted == "agent" else "a"
            return None if mode == wanted else f"{target} has mode {mode}, not {article} {wanted}"
        return None

    def _mode(self, address: Address) -> str | None:
        found = self.live.observed.get(address)
        return found.resource.managed().get("mode") if found else None


def texts(address: Address, value: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    """Yield (path inside the object, text) of prompts that deserve a file of their own."""
    found: list[tuple[Path, Json]] = []
    if address.kind == "variations":
        found = [(("instructions",), value.get("instructions"))]
        found += [
            (("messages", index, "content"), message["content"])
            for index, message in enumerate(value.get("messages") or ())
        ]
    for path, text in found:
        fits_a_file = isinstance(text, str) and "\0" not in text and not text.startswith("\ufeff")
        if fits_a_file and ("\n" in text or len(text) > 80):
            yield path, text


def _without_members(found: Written) -> Written:
    names = [name for name in MEMBERS.get(found.address.kind, ()) if name in found.value]
    if not names:
        return found
    kept = {name: inner for name, inner in found.value.items() if name not in names}
    return replace(found, value=kept)


def _problems(model: type[Resource], value: Mapping[str, Json]) -> list[tuple[str, str]] | None:
    """Return (field, words) of each reason why a value is not valid, None if it is."""
    try:
        canonical_json(value).encode()
        model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as err:
        return [
            (str(error["loc"][0]) if error["loc"] else "", _line(error["msg"]))
            for error in err.errors(include_url=False)
        ]
    except UnicodeEncodeError:
        return [(name, "half of a surrogate pair") for name in value if not _encodes(value[name])]
    return None


def _encodes(value: Json) -> bool:
    try:
        canonical_json(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _line(words: str) -> str:
    return " ".join(words.removeprefix("Value error, ").split())
