"""Use of variations as tables: one per AI Config and environment."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ldconf.core import figures
from ldconf.core.usage import Monitoring, Use
from ldconf.render.canvas import Look, drawn
from ldconf.render.escape import visible_line

_WIDE = 160  # columns where nobody wraps
_SHORT = 12  # digits of a commit
_ALARM = 0.05  # an error rate from here on is shown in red


def tables(found: Monitoring) -> Group:
    """Return the tables; without any use one line that says so."""
    groups: dict[tuple[str, str], list[Use]] = {}
    for use in found.uses:
        groups.setdefault((use.ai_config, use.environment), []).append(use)
    since = f"{figures.moment(found.start_ms)} to {figures.moment(found.end_ms)}"
    if not groups:
        return Group(Text(f"no requests from {since}"))
    return Group(
        *(
            _table(found, key, environment, uses)
            for (key, environment), uses in sorted(groups.items())
        ),
        Text(since, "dim"),
    )


def text(found: Monitoring, look: Look) -> str:
    """Return the tables as one string that ends with a newline."""
    return drawn(tables(found), look, _WIDE)


def _table(found: Monitoring, key: str, environment: str, uses: list[Use]) -> Table:
    total = sum(use.requests for use in uses)
    title = Text(visible_line(f"{key} in {environment}"), "bold")
    title.append(f": {figures.count(total)} requests", "not bold")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variation", overflow="fold")
    tells_commits = any(use.commit for use in uses)
    if tells_commits:
        table.add_column("commit", no_wrap=True)
    times = ("p50", "p95") if found.has_percentiles else ("mean",)
    for name in (
        "requests",
        "share",
        *times,
        "first token",
        "tokens in",
        "out",
        "errors",
        "satisfied",
        "cost",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for use in uses:
        name, *figures_of = _cells(found, use, total)
        commit = [visible_line(use.commit[:_SHORT]) if use.commit else figures.NOTHING]
        table.add_row(name, *(commit if tells_commits else ()), *figures_of)
    return table


def _cells(found: Monitoring, use: Use, total: int) -> Iterator[Text | str]:
    name = Text(visible_line(use.variation or "the app's own default"))
    if use.version is not None:
        name.append(f" v{use.version}", "dim")
    yield name
    yield figures.count(use.requests)
    yield figures.share(use.requests / total if total else None)
    times = (use.p50_ms, use.p95_ms) if found.has_percentiles else (use.mean_ms,)
    yield from (figures.duration(ms) for ms in (*times, use.first_token_ms))
    yield figures.count(use.input_tokens)
    yield figures.count(use.output_tokens)
    bad = use.error_rate is not None and use.error_rate >= _ALARM
    yield Text(figures.share(use.error_rate), "red" if bad else "")
    yield figures.share(use.satisfaction)
    yield figures.dollars(use.cost)
