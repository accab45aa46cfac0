"""The end of a run, for the person who waited."""

from . import tables
from .results import Results


def show(results: Results) -> str:
    """All tables as text."""
    parts = []
    for scenario in results.scenarios():
        rows = tables.figure_rows(results, scenario)
        parts.append(f"{tables.heading(scenario)}\n{_table(tables.FIGURE_HEAD, rows)}")
    parts.append("\n".join(tables.peer_notes(results)))
    parts.append(_table(tables.BAR_HEAD, tables.bar_rows(results)))
    failures = results.all_failures()
    if failures:
        parts.append("Failed, and therefore without a figure:\n" + "\n".join(failures))
    return "\n\n".join(part for part in parts if part)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    columns = list(zip(head, *rows))
    widths = [max(map(len, column)) for column in columns]

    def line(row: tuple[str, ...]) -> str:
        # Words to the left, figures to the right.
        first = row[0].ljust(widths[0])
        rest = (text.rjust(width) for text, width in zip(row[1:], widths[1:]))
        return "  ".join((first, *rest)).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(head), rule, *map(line, rows)])
