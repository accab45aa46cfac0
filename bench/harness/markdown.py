"""bench/RESULTS.md: the last full run, kept with the code that it measured."""

from . import method, tables
from .results import Results


def page(results: Results, about: dict) -> str:
    """The whole file."""
    parts = [
        "# Measured",
        f"Written by `scripts/bench` on {about['date']}: {method.length(about)}. Every figure is "
        "a median over the rounds. Do not edit.",
        "## The bars",
        _table(tables.BAR_HEAD, tables.bar_rows(results)),
        "## On what",
        _table(("", ""), list(about["machine"].items())),
        *(
            f"{database}: " + ", ".join(f"`{name} = {value}`" for name, value in settings.items())
            for database, settings in about["settings"].items()
        ),
        "## Figures",
        method.COLUMNS,
    ]
    for scenario in results.scenarios():
        parts.append(f"### {tables.heading(scenario)}")
        rows = tables.figure_rows(results, scenario)
        parts.append(_table(tables.FIGURE_HEAD, rows))
    parts.append("\n".join(f"- {note}" for note in tables.peer_notes(results)))
    failures = results.all_failures()
    if failures:
        parts += ["## Without a figure", "\n".join(f"- {failure}" for failure in failures)]
    parts.append("## How")
    parts.append("\n".join(f"- {point}" for point in method.POINTS))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    def line(row) -> str:
        return "| " + " | ".join(row) + " |"

    rule = "| --- |" + " ---: |" * (len(head) - 1)
    return "\n".join([line(head), rule, *map(line, rows)])
