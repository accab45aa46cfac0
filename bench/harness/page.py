"""index.html: the figures as charts and tables, in one file that needs no other."""

import html
from string import Template

from . import charts, method, tables
from .results import Results
from .surroundings import BENCH


def render(results: Results, about: dict) -> str:
    """The whole page."""
    failures = results.all_failures()
    return Template((BENCH / "page" / "index.html").read_text()).substitute(
        measured=f"{about['date']}, {method.length(about)}, {html.escape(about['machine']['CPU'])}",
        failures=_list(failures, "failures") if failures else "",
        bars=_bars(results),
        charts="\n".join(
            f"<figure>{_own_ids(chart, number)}</figure>"
            for number, chart in enumerate(charts.all_of(results))
        ),
        figures="\n".join(
            f"<h3>{html.escape(tables.heading(scenario))}</h3>"
            + _table(tables.FIGURE_HEAD, tables.figure_rows(results, scenario))
            for scenario in results.scenarios()
        ),
        notes=_list(tables.peer_notes(results)),
        columns=html.escape(method.COLUMNS),
        machine=_table(("", ""), list(about["machine"].items())),
        settings=_list(
            f"{database}: " + ", ".join(f"{name} = {value}" for name, value in settings.items())
            for database, settings in about["settings"].items()
        ),
        method=_list(method.POINTS),
    )


def _bars(results: Results) -> str:
    rows = tables.bar_rows(results)
    return _table(tables.BAR_HEAD, rows, [row[-1].replace(" ", "-") for row in rows])


def _table(head, rows, kinds: list[str] | None = None) -> str:
    def line(row, cell: str) -> str:
        return "".join(f"<{cell}>{html.escape(text)}</{cell}>" for text in row)

    body = "".join(
        f'<tr class="{kind}">{line(row, "td")}</tr>'
        for row, kind in zip(rows, kinds or [""] * len(rows))
    )
    return f'<div class="wide"><table><tr>{line(head, "th")}</tr>{body}</table></div>'


def _list(points, kind: str = "") -> str:
    return (
        f'<ul class="{kind}">' + "".join(f"<li>{html.escape(one)}</li>" for one in points) + "</ul>"
    )


def _own_ids(chart: str, number: int) -> str:
    """Charts of one page must not share the ids that matplotlib gives to their parts."""
    for mark in ('id="', '"#', "(#"):
        chart = chart.replace(mark, f"{mark}chart{number}-")
    return chart
