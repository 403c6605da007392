"""Events in files, as SDKs send them or as LaunchDarkly exports them -> counts.

The files are read once; what the experiment needs is put into a database in a temporary folder,
narrow, so that memory stays bounded however large they are. Nothing but counts leaves it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ldconf.core.aggregates import Aggregates
from ldconf.core.errors import LdconfError, MissingPackage
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.resource import Json
from ldconf.experiments import event_files_sql as sql
from ldconf.experiments.aggregation import aggregate
from ldconf.experiments.aggregation_questions import Row
from ldconf.experiments.event_file_forms import EventFile, broken_lines, find, missing_columns

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "1GB"


def count_files(
    path: Path, design: ExperimentDesign, looks: Sequence[int]
) -> tuple[Aggregates, ...]:
    """Return what was counted up to each look (epoch ms), oldest first, from a file or a folder.

    Events have no environment: the files are taken to be of the design's. `notes` of the last one
    say what was left out. Raises LdconfError naming every file, line or column that is wrong, or
    the package that is missing.
    """
    if find_spec("duckdb") is None:
        raise MissingPackage("events in files need", "duckdb", "dev")
    files = find(path)
    with tempfile.TemporaryDirectory(prefix="ldconf-events-") as folder, _opened(folder) as opened:
        reading = _Reading(opened, design, folder_of(path))
        for group in groups(files):
            reading.stage(group)
        notes = reading.settle()

        def ask(statement: str, parameters: Mapping[str, Json]) -> Sequence[Row]:
            return opened.execute(statement, parameters).fetchall()

        *earlier, last = aggregate(ask, design, looks, words(path, files))
    return (*earlier, replace(last, notes=notes))


def folder_of(path: Path) -> Path:
    """Return the folder that names of files are told relative to."""
    return path if path.is_dir() else path.parent


def words(path: Path, files: Sequence[EventFile]) -> str:
    """Return in words where the events are from."""
    if path.is_dir():
        return f"{len(files)} file{'' if len(files) == 1 else 's'} in {path}"
    return str(path)


def groups(files: Sequence[EventFile]) -> Iterator[Sequence[EventFile]]:
    """Yield files that are read by the same statement."""
    by_form: dict[tuple[str, bool], list[EventFile]] = {}
    for file in files:
        if file.form == "parquet":
            yield [file]  # each has columns of its own
        else:
            by_form.setdefault((file.form, file.upper), []).append(file)
    yield from by_form.values()


@contextmanager
def _opened(folder: str) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    database = duckdb.connect(
        f"{folder}/events.duckdb",
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": f"{folder}/spilled",
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        database.execute("SET TimeZone = 'UTC'")
        for statement in (*sql.MACROS, sql.STAGED):
            database.execute(statement)
        yield database
    finally:
        database.close()


@dataclass(frozen=True)
class _Reading:
    """Files on their way into the database."""

    database: duckdb.DuckDBPyConnection
    design: ExperimentDesign
    folder: Path

    def stage(self, group: Sequence[EventFile]) -> None:
        """Take what the experiment needs from files of one form."""
        import duckdb

        columns = self._columns(group[0]) if group[0].form == "parquet" else None
        rows = self._rows(group[0], columns)
        ids = self.design.variation_ids
        cases = " ".join(
            f"WHEN {sql.quoted(one)} THEN {sql.quoted(key)}" for key, one in ids.items()
        )
        variation = (
            f"CASE e.variation_id {cases} ELSE e.variation_id END" if ids else "e.variation_id"
        )
        statement = sql.STAGE.format(rows=rows, variation=variation)
        values: dict[str, Json] = {
            "files": [file.pattern for file in group],
            "flag": self.design.ai_config,
            "unit": self.design.unit,
            "events": list(self.design.event_keys),
            "contexts": bool(self.design.attributes),
        }
        try:
            self.database.execute(statement, values)
        except duckdb.Error as err:
            problems = [line for file in group for line in broken_lines(file, self.folder)]
            if problems:
                raise LdconfError(
                    "the events cannot be read:\n" + "\n".join(f"  {line}" for line in problems),
                    hint="each line must be one event, or one row, as a JSON object",
                ) from None
            names = ", ".join(file.name(self.folder) for file in group[:3])
            first = str(err).partition("\n")[0]
            raise LdconfError(f"the events in {names} cannot be read: {first}") from None

    def _columns(self, file: EventFile) -> dict[str, tuple[str, str]]:
        """Return lower-case name -> (name, type) of a Parquet file's columns."""
        import duckdb

        try:
            described = self.database.execute(
                "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet($file))",
                {"file": file.pattern},
            ).fetchall()
        except duckdb.Error as err:
            first = str(err).partition("\n")[0]
            raise LdconfError(f"{file.name(self.folder)} is no Parquet file: {first}") from None
        found = {name.lower(): (name, type_) for name, type_ in described}
        problem = missing_columns(set(found))
        if problem:
            names = ", ".join(name for name, _ in found.values())
            raise LdconfError(
                f"{file.name(self.folder)}: {problem}", hint=f"its columns are {names}"
            )
        return found

    def _rows(self, file: EventFile, columns: Mapping[str, tuple[str, str]] | None) -> str:
        """Return SQL for the rows of a form."""
        if columns is not None:
            chosen = (
                f"'{name}': {_column(columns.get(name.lower()), type_)}"
                for name, type_ in sql.FIELDS.items()
            )
            return sql.COLUMN_ROWS.format(columns=", ".join(chosen))
        structure = json.dumps(
            {name.upper() if file.upper else name: type_ for name, type_ in sql.FIELDS.items()}
        )
        form = "array" if file.form == "array" else "newline_delimited"
        return sql.JSON_ROWS.format(structure=sql.quoted(structure), format=sql.quoted(form))

    def settle(self) -> tuple[str, ...]:
        """Make the relations that are counted; return what was left out, in words.

        Raises LdconfError if nothing is usable, or if the rows are of several iterations or
        environments and it is not known which to take.
        """
        self._one_iteration()
        self._one_environment()
        for shape in (sql.EXPOSURE, sql.OUTCOME):
            self.database.execute(sql.WITHOUT_OTHER_KINDS.format(shape=shape))
        notes = tuple(self._notes())
        design = self.design
        literals = {
            "project": design.project,
            "environment": design.environment,
            "flag": design.ai_config,
            "unit": design.unit,
        }
        rule = "NULL" if design.rule == "fallthrough" else sql.quoted(design.rule or "unknown")
        for view in sql.VIEWS:
            given = {name: sql.quoted(value) for name, value in literals.items()}
            self.database.execute(view.format(**given, rule=rule))
        return notes

    def _one_iteration(self) -> None:
        if self.design.iteration_id is not None:
            self.database.execute(sql.KEEP_ITERATION, {"iteration": self.design.iteration_id})
            return
        found = self.database.execute(sql.ITERATIONS).fetchall()
        if len(found) > 1 and self.design.started is None:
            names = ", ".join(iteration for iteration, _ in found)
            raise LdconfError(
                f"the rows are of {len(found)} iterations of the experiment: {names}",
                hint="export one of them, or say where LaunchDarkly is, so that it tells which "
                f"one iteration {self.design.iteration} is",
            )

    def _one_environment(self) -> None:
        found = [one for (one,) in self.database.execute(sql.ENVIRONMENTS).fetchall()]
        if len(found) > 1:
            raise LdconfError(
                f"the rows are of {len(found)} environments: {', '.join(found)}",
                hint=f"export the rows of {self.design.environment} only",
            )

    def _notes(self) -> Iterator[str]:
        for file, unknown, timeless in self.database.execute(sql.LEFT_OUT).fetchall():
            name = EventFile(Path(file)).name(self.folder)
            if unknown:
                yield f"{name}: {unknown} rows that are neither events nor exported rows"
            if timeless:
                yield f"{name}: {timeless} rows without a time"
        ((assumed,),) = self.database.execute(sql.ASSUMED).fetchall()
        if assumed:
            yield (
                f"{assumed} `$ld:ai:` rows do not say which AI Config they are about (`configKey` "
                "in `event_data`): all of them count, a judge's as well"
            )
        shapes = dict(self.database.execute(sql.SHAPES).fetchall())
        useful = shapes.get(sql.EXPOSURE, 0) + shapes.get(sql.OUTCOME, 0)
        if not useful and shapes.get(sql.UNKNOWN):
            raise LdconfError(
                "the files hold neither events as SDKs send them nor rows of Data Export",
                hint="events have `kind`, `creationDate` and `context`; rows have `flag_key` or "
                "`event_key`, `context_kind`, `context_key` and `received_time`",
            )
        if not shapes.get(sql.EXPOSURE):
            yield (
                f"the files hold no exposures of AI Config {self.design.ai_config}: `feature` "
                "events with `reason.inExperiment`, or rows with `experiment_iteration_id`"
            )


def _column(found: tuple[str, str] | None, wanted: str) -> str:
    """Return SQL for a column as the wanted type; NULL if the file does not have it."""
    if found is None:
        return f"NULL::{wanted}"
    name, type_ = found
    column = '"' + name.replace('"', '""') + '"'
    if wanted == "JSON":
        return (
            f"try_cast({column} AS JSON)" if type_ in ("VARCHAR", "JSON") else f"to_json({column})"
        )
    return f"try_cast({column} AS {wanted})"
