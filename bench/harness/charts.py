"""The figures as SVG. Needs matplotlib, which scripts/bench puts into its venv."""

import io
import math
from collections.abc import Callable

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.ticker import NullFormatter

from .results import Result, Results
from .tables import short

COLOURS = {
    "till": "#1b6ca8",
    "single": "#8fbcdb",
    "plain": "#b9cfdd",
    "ceiling": "#c8c8c8",
    "django": "#3f7d5a",
    "pgbench": "#d08c3f",
}
# Inches.
_WIDTH, _NAMES, _ROW, _ABOVE, _BELOW = 9.6, 3.0, 0.36, 0.45, 0.6
_CPU = {"server_cpu": "#1b6ca8", "database_cpu": "#d08c3f", "load_cpu": "#c8c8c8"}
_CPU_NAMES = {"server_cpu": "server", "database_cpu": "database", "load_cpu": "load generator"}

matplotlib.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.fonttype": "none",
    }
)


def all_of(results: Results) -> list[str]:
    """Every chart for which something was measured."""
    charts = [
        _rates("One title sells", results.of("hot")),
        _rates("1,000 titles sell, each as likely", results.of("spread")),
        _rates("1,000 titles sell, the k-th with weight 1/k", results.of("zipf")),
        _rates("Orders of five lines", results.of("baskets"), unit="orders a second"),
        _rates("MariaDB", results.of("mariadb")),
        _rates("SQLite", results.of("sqlite")),
        _rates("Growth: with and without 5,000,000 orders", results.of("growth")),
        _rates("Single books are read", results.of("reads"), unit="books a second"),
        _rates("More buyers than can wait", results.of("overload")),
        _latencies("How long a buyer waits, one title, 256 connections", _busy(results.of("hot"))),
        _latencies("How long one buyer alone waits", results.of("idle")),
        _latencies("How long a page of 1,000,000 titles takes", results.of("search")),
        _cpu("Who works for a sale of one title", _busy(results.of("hot"))),
        _cpu("Who works for a sale of 1,000 titles", results.of("spread")),
    ]
    return [chart for chart in charts if chart]


def _busy(results: list[Result]) -> list[Result]:
    """Ours with many connections; peers as they were at their best."""
    peers = "pgbench", "django"
    return [one for one in results if one.cell.connections > 16 or one.cell.contestant in peers]


def _rates(title: str, results: list[Result], unit: str = "sales a second") -> str | None:
    """A bar for each contestant, with a line from the lowest round to the highest."""

    def draw(axes, position: int, result: Result) -> None:
        values, middle = result.values("per_second"), result.median("per_second")
        axes.barh(position, middle, color=COLOURS[result.cell.contestant], height=0.66)
        axes.plot([min(values), max(values)], [position] * 2, color="#222222", linewidth=1.2)
        _label(axes, max(values), position, f"{middle:,.0f}")

    return _bars(title, unit, results, "per_second", draw)


def _latencies(title: str, results: list[Result]) -> str | None:
    """From the median to the 99th percentile; a logarithmic scale, for they differ by far."""

    def draw(axes, position: int, result: Result) -> None:
        colour = COLOURS[result.cell.contestant]
        p50, p99 = result.median("p50"), result.median("p99")
        if p99 is None:
            axes.plot(p50, position, "D", color=colour, markersize=8)
            _label(axes, p50, position, f"mean {short(p50)}")
            return
        axes.plot([p50, p99], [position] * 2, color=colour, linewidth=3, alpha=0.5)
        axes.plot(p50, position, "o", color=colour, markersize=9)
        axes.plot(p99, position, "|", color=colour, markersize=16, markeredgewidth=3)
        _label(axes, p99, position, f"{short(p50)} to {short(p99)}")

    def scale(axes) -> None:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        low, high = axes.get_xlim()
        # Whole decades, so that at least two of them are named; and room for the last label.
        axes.set_xlim(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high * 2)))

    unit = "milliseconds, from p50 (dot) to p99 (line); logarithmic"
    return _bars(title, unit, results, "p50", draw, scale)


def _cpu(title: str, results: list[Result]) -> str | None:
    """Who works for a sale: server, database and load generator, one after the other."""

    def draw(axes, position: int, result: Result) -> None:
        left = 0.0
        for figure, colour in _CPU.items():
            width = result.median(figure)
            axes.barh(position, width, left=left, color=colour, height=0.66)
            left += width
        _label(axes, left, position, f"{left:.2f}")

    def legend(axes) -> None:
        handles = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in _CPU.values()]
        names = [_CPU_NAMES[figure] for figure in _CPU]
        above = {"loc": "lower right", "bbox_to_anchor": (1, 1)}
        axes.legend(handles, names, frameon=False, ncols=3, columnspacing=1.2, **above)

    return _bars(title, "CPU seconds for 1,000 sales", results, "server_cpu", draw, legend)


def _bars(
    title: str,
    unit: str,
    results: list[Result],
    figure: str,
    draw: Callable,
    finish: Callable = lambda axes: None,
) -> str | None:
    """Horizontal bars, one for each result that has the figure, the first one on top."""
    shown = [result for result in results if result.median(figure) is not None]
    if not shown:
        return None
    height = _ABOVE + _BELOW + _ROW * len(shown)
    drawing, axes = pyplot.subplots(figsize=(_WIDTH, height))
    # The same edges in every chart, so that the page shows all of them at one scale.
    edges = {"top": 1 - _ABOVE / height, "bottom": _BELOW / height}
    drawing.subplots_adjust(left=_NAMES / _WIDTH, right=0.97, **edges)
    for position, result in enumerate(shown):
        draw(axes, position, result)
    axes.set_yticks(range(len(shown)), [result.cell.name for result in shown])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    drawing.text(0.005, 1 - 0.1 / height, title, weight="bold", size=12, va="top")
    axes.set_xlabel(unit)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    finish(axes)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    if axes.get_xscale() == "linear":
        # Room for the label beyond the longest bar.
        axes.set_xlim(0, axes.get_xlim()[1] * 1.12)
    text = io.StringIO()
    drawing.savefig(text, format="svg")
    pyplot.close(drawing)
    return text.getvalue()[text.getvalue().index("<svg") :]


def _label(axes, value: float, position: int, text: str) -> None:
    axes.annotate(text, (value, position), xytext=(6, 0), textcoords="offset points", va="center")
