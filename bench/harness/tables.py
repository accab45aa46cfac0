"""The tables that terminal, RESULTS.md and page have in common, as rows of text."""

from functools import partial

from . import bars
from .plan import SCENARIOS
from .results import Result, Results

NO_FIGURE = "-"

BAR_HEAD = ("ratio", "measured", "floor", "aim", "")
FIGURE_HEAD = (
    "contestant",
    "per second",
    "lowest to highest",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU: server",
    "database",
    "generator",
    "server MiB",
    "at most",
    "log bytes",
)


def short(value: float) -> str:
    """Three digits that matter."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def bar_rows(results: Results) -> list[tuple[str, ...]]:
    """The bars: what, measured, floor, aim, verdict."""
    return [
        (
            bar.title,
            NO_FIGURE if bar.value is None else f"{short(bar.value)}{bar.unit}",
            f"{'<= ' if bar.is_lower_better else '>= '}{bar.floor:g}",
            f"{bar.aim:g}",
            bar.verdict,
        )
        for bar in bars.of(results)
    ]


def figure_rows(results: Results, scenario: str) -> list[tuple[str, ...]]:
    """The figures of a scenario's cells."""
    return [_figures(result) for result in results.of(scenario)]


def heading(scenario: str) -> str:
    """A scenario's name and what it is."""
    return f"{scenario}: {SCENARIOS[scenario]}"


def peer_notes(results: Results) -> list[str]:
    """The shapes in which peers competed, and what was refused or failed."""
    notes = []
    for result in results.all:
        cell = result.cell
        figure = partial(_figure, result)
        if any(cell.shape) and cell.load != "reads":
            workers, threads = cell.shape
            notes.append(
                f"{cell.scenario}: Django was best with {workers} workers of {threads} threads "
                f"and {cell.connections} connections"
            )
        if cell.contestant == "pgbench":
            notes.append(f"{cell.scenario}: pgbench was best with {cell.connections} clients")
        if result.median("swept_per_second"):
            notes.append(
                f"{cell.scenario}: {result.median('swept_per_second'):,.0f} holds a second were "
                "taken back, from the first to the last"
            )
        if result.median("refused_share"):
            notes.append(
                f"{cell.scenario}: {cell.name}: {result.median('refused_share'):.1%} of the "
                f"answers were refusals, 99% of the others took at most {figure('accepted_p99')} ms"
            )
        if result.median("errors"):
            notes.append(
                f"{cell.scenario}: {cell.name}: {figure('errors')} connections failed or had no "
                "answer in time"
            )
    return notes


def _figures(result: Result) -> tuple[str, ...]:
    rates = result.values("per_second")
    if not rates:
        return (result.cell.name, "no figure") + (NO_FIGURE,) * (len(FIGURE_HEAD) - 2)

    figure = partial(_figure, result)
    return (
        result.cell.name,
        f"{result.median('per_second'):,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        figure("p50"),
        figure("p95"),
        figure("p99"),
        figure("server_cpu"),
        figure("database_cpu"),
        figure("load_cpu"),
        figure("memory"),
        figure("peak_memory"),
        figure("log_bytes"),
    )


def _figure(result: Result, name: str) -> str:
    value = result.median(name)
    return NO_FIGURE if value is None else short(value)
