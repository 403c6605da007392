"""Events in files: every form that SDKs and exports have, and every way to get one wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ldconf.core.aggregates import Aggregates
from ldconf.core.errors import LdconfError
from ldconf.core.experiment import ExperimentDesign
from ldconf.emulator.events.counts import counts
from ldconf.experiments.event_files import count_files
from tests.experiments.events import (
    CONTROL,
    TREATMENT,
    design,
    exposure,
    index,
    metric,
    outcome,
    store_of,
    user,
)

TOKENS = "$ld:ai:tokens:total"
WANTED = design(
    metric("vote"),
    metric("tokens", TOKENS, per_unit="average", missing=None, percentile=95.0),
    attributes=("country",),
)
TEAM = {"kind": "multi", "user": {"key": "cy", "country": "fr"}, "org": {"key": "o1"}}
START = 1_729_616_400_000
EVENTS: list[dict[str, Any]] = [
    index({"kind": "user", "key": "ann", "country": "de"}, START),
    index(TEAM, START),
    exposure(user("ann"), CONTROL, START + 1, version=2),
    exposure(user("bob"), TREATMENT, START + 1),
    exposure(TEAM, TREATMENT, START + 2),
    exposure({"kind": "org", "key": "o2"}, CONTROL, START + 2),
    exposure(user("dee"), CONTROL, START + 2, flag="other"),
    exposure(user("eve"), CONTROL, START + 2, in_experiment=False),
    outcome(user("ann"), "vote", START + 3),
    outcome(TEAM, "vote", START + 3),
    outcome(user("ann"), TOKENS, START + 4, 12.5, "agent"),
    outcome(user("ann"), TOKENS, START + 4, 900, "judge"),
    outcome(user("bob"), TOKENS, START + 4, 7, "agent"),
    outcome(user("bob"), "unused", START + 4, 7),
    {"kind": "summary", "startDate": START, "endDate": START + 9, "features": {}},
]


def expected(events: Sequence[dict[str, Any]] = EVENTS) -> Aggregates:
    with store_of(list(events)) as store:
        (found,) = counts(store, WANTED, (START + 100,))
    return found


def read(path: Path, wanted: ExperimentDesign = WANTED) -> Aggregates:
    (found,) = count_files(path, wanted, (START + 100,))
    return found


def lines(path: Path, rows: Sequence[Any]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def bodies(path: Path, rows: Sequence[Any]) -> None:
    lines(path, [rows[:5], [], rows[5:]])


def zipped(path: Path, rows: Sequence[Any]) -> None:
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))


def listed(path: Path, rows: Sequence[Any]) -> None:
    path.write_text(json.dumps(rows, indent=2))


def parquet(path: Path, rows: Sequence[Any]) -> None:
    source = path.with_suffix(".made")
    lines(source, rows)
    options = "format = 'newline_delimited', sample_size = -1"
    duckdb.sql(f"COPY (FROM read_json('{source}', {options})) TO '{path}' (FORMAT parquet)")
    source.unlink()


def exported(path: Path, rows: Sequence[Any]) -> None:
    """Streaming Data Export: wrapped, with `contextKeys`, without the context of some events."""
    made = []
    for row in rows:
        context = row.get("context", {})
        keys = {kind: part["key"] for kind, part in context.items() if isinstance(part, dict)}
        if context.get("kind") != "multi" and context:
            keys = {context["kind"]: context["key"]}
        kept = {k: v for k, v in row.items() if k != "context" or row["kind"] == "index"}
        made.append({"project": "1", "environment": "2", "event": {**kept, "contextKeys": keys}})
    lines(path, made)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lines, "events.jsonl"),
        (lines, "events.ndjson"),
        (bodies, "bodies.jsonl"),
        (zipped, "events.jsonl.gz"),
        (listed, "body.json"),
        (parquet, "events.parquet"),
        (exported, "stream.jsonl"),
        (lines, "it's [a] *weird* name.jsonl"),
        (parquet, "why?.parquet"),
    ],
)
def test_events_as_sdks_send_them(
    tmp_path: Path, write: Callable[[Path, Sequence[Any]], None], name: str
) -> None:
    write(tmp_path / name, EVENTS)
    for beside in ("it's a weirder name.jsonl", "it's a weird name.jsonl", "why1.parquet"):
        (tmp_path / beside).write_text("not read")
    found = read(tmp_path / name)
    assert found.exposed == 3
    assert found == replace(expected(), source=str(tmp_path / name))


def test_a_folder_of_files_in_several_forms(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    lines(tmp_path / "a" / "1.jsonl", EVENTS[:4])
    parquet(tmp_path / "a" / "b" / "2.parquet", EVENTS[4:8])
    zipped(tmp_path / "3.jsonl.gz", EVENTS[8:])
    (tmp_path / "readme.txt").write_text("not events")
    (tmp_path / ".hidden" / "4.jsonl").write_text("{broken")
    assert read(tmp_path) == replace(expected(), source=f"3 files in {tmp_path}")


def iso(ts: int) -> str:
    (row,) = duckdb.sql(
        f"SELECT strftime(make_timestamp({ts} * 1000), '%Y-%m-%dT%H:%M:%S.%gZ')"
    ).fetchall()
    return str(row[0])


def evaluations(iteration: str = "it-1") -> list[dict[str, Any]]:
    """Rows as warehouse Data Export has them: one per context kind."""
    rows = []
    for number, event in enumerate(EVENTS):
        if event["kind"] != "feature":
            continue
        context = event["context"]
        parts = (
            [(k, v) for k, v in context.items() if k != "kind"]
            if context["kind"] == "multi"
            else [(context["kind"], context)]
        )
        rows += [
            {
                "event_id": f"e{number}",
                "flag_key": event["key"],
                "context_kind": kind,
                "context_key": part["key"],
                "context_attributes": {"country": "de"} if part["key"] == "ann" else {},
                "variation_id": "id-" + event["value"]["_ldMeta"]["variationKey"],
                "variation_value": event["value"],
                "reason_kind": "FALLTHROUGH",
                "reason_detail": {"in_experiment": event["reason"].get("inExperiment", False)},
                "experiment_iteration_id": (
                    iteration if event["reason"].get("inExperiment") else None
                ),
                "received_time": iso(event["creationDate"]),
                "environment_id": "env-1",
            }
            for kind, part in parts
        ]
    return rows


def metric_events(**extra: Any) -> list[dict[str, Any]]:
    rows = []
    for number, event in enumerate(EVENTS):
        if event["kind"] != "custom":
            continue
        context = event["context"]
        kind, part = ("user", context.get("user", context))
        row = {
            "event_id": f"m{number}",
            "event_key": event["key"],
            "context_kind": kind,
            "context_key": part["key"],
            "event_value": event.get("metricValue"),
            "received_time": iso(event["creationDate"]),
            "environment_id": "env-1",
            "event_data": event.get("data", {}),
            **extra,
        }
        rows.append({name: value for name, value in row.items() if value != "absent"})
    return rows


def exposed(found: Aggregates) -> dict[str, int]:
    return {arm: counts_.exposed for arm, counts_ in found.arms.items()}


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("capitals", [False, True])
def test_rows_of_warehouse_data_export(tmp_path: Path, suffix: str, capitals: bool) -> None:
    write = lines if suffix == "jsonl" else parquet
    tables = {"evaluation_events": evaluations(), "metric_events": metric_events()}
    for name, rows in tables.items():
        made = [{k.upper(): v for k, v in row.items()} for row in rows] if capitals else rows
        write(tmp_path / f"{name}.{suffix}", made)
    found = read(tmp_path)
    assert found.notes == ()
    plain = expected()
    assert exposed(found) == exposed(plain)
    assert found.arms[CONTROL].metrics == plain.arms[CONTROL].metrics
    assert found.arms[TREATMENT].metrics == plain.arms[TREATMENT].metrics
    assert {s.value: exposed_of(s.arms) for s in found.slices} == {
        "(not set)": {CONTROL: 0, TREATMENT: 2},
        "de": {CONTROL: 1, TREATMENT: 0},
    }


def exposed_of(arms: Any) -> dict[str, int]:
    return {arm: counts_.exposed for arm, counts_ in arms.items()}


def test_prompts_may_be_left_out_if_variation_ids_are_known(tmp_path: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "variation_value"} for row in evaluations()]
    lines(tmp_path / "rows.jsonl", rows)
    known = replace(WANTED, variation_ids={CONTROL: f"id-{CONTROL}", TREATMENT: f"id-{TREATMENT}"})
    assert exposed(read(tmp_path, known)) == {CONTROL: 1, TREATMENT: 2}
    unknown = read(tmp_path)
    assert exposed(unknown) == {CONTROL: 0, TREATMENT: 0}
    assert unknown.unexpected == {f"id-{CONTROL}": 1, f"id-{TREATMENT}": 2}


def test_rows_of_another_iteration_do_not_count(tmp_path: Path) -> None:
    lines(tmp_path / "rows.jsonl", [*evaluations("it-1"), *evaluations("it-0")[:1]])
    assert exposed(read(tmp_path, replace(WANTED, iteration_id="it-1", rule="r"))) == {
        CONTROL: 1,
        TREATMENT: 2,
    }
    with pytest.raises(LdconfError, match="of 2 iterations of the experiment: it-0, it-1") as found:
        read(tmp_path, replace(WANTED, started=None))
    assert "export one of them" in (found.value.hint or "")


def test_rows_of_several_environments_are_refused(tmp_path: Path) -> None:
    lines(tmp_path / "rows.jsonl", [*evaluations(), *metric_events(environment_id="env-2")])
    with pytest.raises(LdconfError, match="of 2 environments: env-1, env-2"):
        read(tmp_path)


def test_metric_rows_that_cannot_name_an_ai_config_count(tmp_path: Path) -> None:
    lines(tmp_path / "e.jsonl", evaluations())
    lines(tmp_path / "m.jsonl", metric_events(event_data="absent"))
    tokens = read(tmp_path).arms[CONTROL].metrics["tokens"]
    assert tokens.events == 2  # also the judge's: nothing tells them apart
    assert any("configKey" in note for note in read(tmp_path).notes)


@pytest.mark.parametrize(
    "time",
    [
        "2024-10-22T17:00:00.003Z",
        "2024-10-22 19:00:00.003+02:00",
        "2024-10-22 17:00:00.003",
        str(START + 3),
        str((START + 3) * 1000),
    ],
)
def test_times_in_several_forms(tmp_path: Path, time: str) -> None:
    lines(tmp_path / "rows.jsonl", [*evaluations(), *metric_events(received_time=time)])
    assert read(tmp_path).last_event == START + 3


def problem(path: Path, wanted: ExperimentDesign = WANTED) -> LdconfError:
    with pytest.raises(LdconfError) as found:
        read(path, wanted)
    return found.value


def test_broken_lines_are_named_all_at_once(tmp_path: Path) -> None:
    good = json.dumps(EVENTS[2])
    (tmp_path / "events.jsonl").write_text(f'{good}\n\n{{"kind": \n{good}\n12\n"x"\n{good[:40]}')
    words = problem(tmp_path).summary
    assert "events.jsonl:3: not valid JSON" in words
    assert "events.jsonl:7: not valid JSON" in words
    assert ":1:" not in words
    assert ":4:" not in words


def test_many_broken_lines_are_not_all_told(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("{\n" * 500)
    words = problem(tmp_path / "events.jsonl").summary
    assert words.count("\n") == 11
    assert words.endswith("events.jsonl: and more")


def test_a_broken_list_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('[\n {"kind": "custom"},\n {"kind" \n]')
    assert "body.json:4:" in problem(tmp_path / "body.json").summary


def test_a_file_cut_short(tmp_path: Path) -> None:
    zipped(tmp_path / "events.jsonl.gz", EVENTS * 200)
    whole = (tmp_path / "events.jsonl.gz").read_bytes()
    (tmp_path / "events.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    assert "events.jsonl.gz" in problem(tmp_path / "events.jsonl.gz").summary


def test_what_is_no_event_is_told(tmp_path: Path) -> None:
    lines(tmp_path / "events.jsonl", [*EVENTS, {"foo": 1}, {"kind": "custom", "key": "vote"}, 7])
    assert read(tmp_path / "events.jsonl").notes == (
        "events.jsonl: 2 rows that are neither events nor exported rows",
        "events.jsonl: 1 rows without a time",
    )


def test_files_without_events(tmp_path: Path) -> None:
    lines(tmp_path / "other.jsonl", [{"foo": 1}])
    assert "neither events as SDKs send them" in problem(tmp_path / "other.jsonl").summary
    (tmp_path / "empty.jsonl").write_text("")
    found = read(tmp_path / "empty.jsonl")
    assert found.exposed == 0
    assert "hold no exposures of AI Config agent" in found.notes[0]


def test_wrong_columns_are_named(tmp_path: Path) -> None:
    rows = [{"flag_key": "agent", "context_key": "ann", "variation_id": "1"}]
    parquet(tmp_path / "rows.parquet", rows)
    found = problem(tmp_path / "rows.parquet")
    assert found.summary == (
        "rows.parquet: rows with `flag_key` also need `context_kind`, "
        "`received_time` or `event_timestamp` or `creation_time`"
    )
    assert found.hint == "its columns are flag_key, context_key, variation_id"
    parquet(tmp_path / "rows.parquet", [{"user_id": "1"}])
    assert "no column tells what its rows are" in problem(tmp_path / "rows.parquet").summary


def test_wrong_paths(tmp_path: Path) -> None:
    assert "does not exist" in problem(tmp_path / "nothing.jsonl").summary
    assert "has no files of events" in problem(tmp_path).summary
    (tmp_path / "events.csv").write_text("a,b")
    assert "no file of events by its name" in problem(tmp_path / "events.csv").summary
    (tmp_path / "events.parquet").write_text("no parquet")
    assert "events.parquet is no Parquet file" in problem(tmp_path / "events.parquet").summary


def test_several_looks(tmp_path: Path) -> None:
    lines(tmp_path / "events.jsonl", EVENTS)
    early, late = count_files(tmp_path, WANTED, (START + 1, START + 100))
    assert (early.exposed, late.exposed) == (2, 3)
    assert early.arms[CONTROL].metrics["vote"].total == 0
