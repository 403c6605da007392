"""Reading variations: versions, answers that leave things out, answers that lag behind."""

from __future__ import annotations

from collections.abc import Iterable

from ldconf.core.address import Address
from ldconf.core.address import variation as variation_address
from ldconf.core.resource import Json, Observed
from ldconf.kinds.variation import VARIATION, Variation
from ldconf.kinds.variation_live import wanted_fields
from tests.kinds.ai_fakes import Reader

PROJECT = "/projects/pets"
CONFIGS, TOOLS = f"{PROJECT}/ai-configs", f"{PROJECT}/ai-tools"
BOT = f"{CONFIGS}/bot"
BASE = variation_address("bot", "base")
ONE = f"{BOT}/variations/base"


def row(version: int = 1, **fields: Json) -> dict[str, Json]:
    return {"key": "base", "name": "Base", "version": version, "model": {}, **fields}


def config(*rows: Json, mode: str = "agent", key: str = "bot") -> dict[str, Json]:
    return {"key": key, "mode": mode, "variations": list(rows)}


def versions(*rows: Json) -> dict[str, Json]:
    return {"items": list(rows), "totalCount": len(rows)}


def reader(answers: dict[str, Json], *wanted: str, address: Address = BASE) -> Reader:
    return Reader(answers, wanted=frozenset((address, name) for name in wanted))


async def fetched(found: Reader) -> dict[Address, Observed]:
    return dict(await VARIATION.fetch(found))


def gets(found: Reader) -> list[str]:
    return [path for path, _ in found.seen]


TEXTS = ("instructions", "description")


async def test_one_list_is_enough_when_it_holds_all():
    found = reader({CONFIGS: [config(row(instructions="a", description=""))]}, *TEXTS)
    observed = (await fetched(found))[BASE]
    assert observed.resource.managed()["instructions"] == "a"
    assert observed.omitted == frozenset()
    assert gets(found) == [CONFIGS]


async def test_highest_version_wins_whatever_the_order():
    rows = (row(2, name="two"), row(3, name="three", comment="c3"), row(1, name="one"))
    observed = (await fetched(reader({CONFIGS: [config(*rows)]})))[BASE]
    assert (observed.version, observed.comment) == (3, "c3")
    assert observed.resource.managed()["name"] == "three"


async def test_texts_that_the_list_omits_are_read_singly_if_wanted():
    answers = {
        CONFIGS: [config(row(2))],
        ONE: versions(row(1, instructions="old"), row(2, instructions="new", description="d")),
    }
    observed = (await fetched(reader(answers, *TEXTS)))[BASE]
    assert observed.resource.managed()["instructions"] == "new"
    assert observed.omitted == frozenset()


async def test_texts_that_nobody_wants_are_not_read_and_count_as_omitted():
    found = reader({CONFIGS: [config(row())]})
    observed = (await fetched(found))[BASE]
    assert observed.omitted == {"instructions", "description"}
    assert gets(found) == [CONFIGS]


async def test_texts_that_no_answer_holds_are_omitted():
    answers = {CONFIGS: [config(row(2))], ONE: versions(row(2, description="d"))}
    observed = (await fetched(reader(answers, *TEXTS)))[BASE]
    assert observed.omitted == {"instructions"}


async def test_text_of_an_older_version_is_not_taken_for_the_newest():
    answers = {CONFIGS: [config(row(2))], ONE: versions(row(1, instructions="old"))}
    observed = (await fetched(reader(answers, *TEXTS)))[BASE]
    assert observed.version == 2
    assert "instructions" in observed.omitted


async def test_variation_that_vanished_in_between_keeps_what_the_list_said():
    observed = (await fetched(reader({CONFIGS: [config(row())]}, *TEXTS)))[BASE]
    assert observed.omitted == {"instructions", "description"}


async def test_completion_has_no_texts_to_omit():
    messages = [{"role": "user", "content": "x"}]
    found = reader({CONFIGS: [config(row(messages=messages), mode="completion")]}, *TEXTS)
    assert (await fetched(found))[BASE].omitted == frozenset()
    assert gets(found) == [CONFIGS]


async def test_messages_that_the_list_omits_are_read_singly_if_wanted():
    messages = [{"role": "user", "content": "x"}]
    answers = {
        CONFIGS: [config(row(), mode="completion")],
        ONE: versions(row(messages=messages)),
    }
    observed = (await fetched(reader(answers, "messages")))[BASE]
    assert observed.resource.managed()["messages"] == messages


async def test_messages_that_no_answer_holds_are_none():
    answers = {CONFIGS: [config(row(), mode="completion")], ONE: versions(row())}
    observed = (await fetched(reader(answers, "messages")))[BASE]
    assert observed.resource.managed()["messages"] is None
    assert observed.omitted == frozenset()


def tool_answers(rows: Iterable[Json], *users: Json) -> dict[str, Json]:
    return {
        CONFIGS: [config(*rows, mode="completion")],
        TOOLS: [{"key": "t1"}, {"key": "t2"}],
        f"{TOOLS}/t1/references": {"items": list(users), "totalCount": len(users)},
    }


def user(key: str = "base", version: int = 2) -> dict[str, Json]:
    return {"aiConfigKey": "bot", "variationKey": key, "toolVersion": version}


async def test_declared_tool_that_the_list_omits_is_found_by_its_references():
    found = reader(tool_answers([row()], user(version=1), user()), "tools", "tools/t1")
    observed = (await fetched(found))[BASE]
    assert observed.resource.managed()["tools"] == [{"key": "t1", "version": 2}]
    assert gets(found) == [CONFIGS, TOOLS, f"{TOOLS}/t1/references"]


async def test_tools_are_none_if_the_references_agree():
    found = reader(tool_answers([row()], user("other")), "tools", "tools/t1")
    assert (await fetched(found))[BASE].resource.managed()["tools"] is None


async def test_tools_are_not_looked_up_if_the_list_shows_some():
    found = reader(tool_answers([row(tools=[{"key": "t1", "version": 1}])]), "tools", "tools/t1")
    await fetched(found)
    assert gets(found) == [CONFIGS]


async def test_tools_are_not_looked_up_if_nobody_declares_any():
    found = reader(tool_answers([row()], user()))
    await fetched(found)
    assert gets(found) == [CONFIGS]


async def test_references_beyond_the_first_page_are_read():
    class Paged(Reader):
        async def gather(self, paths: Iterable[str], *, beta: bool = False):
            return [{"items": [user("other")], "totalCount": 2} for _ in paths]

    answers = tool_answers([row()])
    answers[f"{TOOLS}/t1/references"] = [user("other"), user()]
    wanted = frozenset({(BASE, "tools"), (BASE, "tools/t1")})
    observed = (await fetched(Paged(answers, wanted=wanted)))[BASE]
    assert observed.resource.managed()["tools"] == [{"key": "t1", "version": 2}]


async def test_read_takes_the_newer_of_variation_and_ai_config():
    answers = {ONE: versions(row(1, name="old")), BOT: config(row(2, name="new"))}
    observed = await VARIATION.read(reader(answers), BASE)
    assert observed is not None
    assert (observed.version, observed.resource.managed()["name"]) == (2, "new")


async def test_read_fills_in_texts_from_the_ai_config():
    answers = {ONE: versions(row(2)), BOT: config(row(2, instructions="a", description="b"))}
    observed = await VARIATION.read(reader(answers), BASE)
    assert observed is not None
    assert observed.omitted == frozenset()


async def test_read_returns_none_for_an_absent_variation():
    assert await VARIATION.read(reader({BOT: config()}), BASE) is None


async def test_read_returns_none_if_no_version_is_left():
    assert await VARIATION.read(reader({ONE: versions(), BOT: config()}), BASE) is None


async def test_read_confirms_missing_tools_by_their_references():
    answers = {**tool_answers([], user()), ONE: versions(row()), BOT: config(row())}
    observed = await VARIATION.read(reader(answers, "tools", "tools/t1"), BASE)
    assert observed is not None
    assert observed.resource.managed()["tools"] == [{"key": "t1", "version": 2}]


async def test_what_files_cannot_say_is_named():
    strange = row(skills=[{"key": "s", "version": 1}], classifiers=[{}], model={"region": "eu"})
    observed = (await fetched(reader({CONFIGS: [config(strange)]})))[BASE]
    assert observed.meta["unsupported"] == "agent skills, classifiers, `model.region`"


async def test_what_no_file_could_hold_is_named():
    strange = row(messages=[{"role": "tool", "content": "x"}])
    observed = (await fetched(reader({CONFIGS: [config(strange, mode="completion")]})))[BASE]
    assert observed.meta["unsupported"].startswith("messages.0.role: ")


async def test_ordinary_variation_is_supported():
    observed = (await fetched(reader({CONFIGS: [config(row())]})))[BASE]
    assert "unsupported" not in observed.meta
    assert observed.meta["raw"]["name"] == "Base"


def test_wanted_fields_name_each_declared_tool():
    variation = Variation.model_validate({"name": "x", "tools": ["t1", {"key": "t2"}]})
    assert wanted_fields(variation) == {"name", "state", "tools", "tools/t1", "tools/t2"}
