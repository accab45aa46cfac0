"""The bars: ratios that must be reached (floor) and that are wanted (aim)."""

from dataclasses import dataclass

from .plan import BACKEND_NAMES
from .results import Result, Results


@dataclass(frozen=True)
class Bar:
    """One ratio beside its bars."""

    title: str
    value: float | None
    floor: float
    aim: float
    unit: str = "x"

    @property
    def is_lower_better(self) -> bool:
        """Whether the bar is a ceiling."""
        return self.aim < self.floor

    @property
    def verdict(self) -> str:
        """`aim met`, `floor met`, `missed` or `not measured`."""
        if self.value is None:
            return "not measured"
        for bar, verdict in ((self.aim, "aim met"), (self.floor, "floor met")):
            if self.value <= bar if self.is_lower_better else self.value >= bar:
                return verdict
        return "missed"


def of(results: Results) -> list[Bar]:
    """All bars whose scenarios were asked for."""
    find = results.find
    hot = find("hot", "till", "hot", connections=256)
    spread = find("spread", "till", "even")
    reads = [find("reads", who, "reads", has_flash_sale=False) for who in ("till", "django")]
    overload = [find("overload", "till", "hot", connections=n, settings=()) for n in (1024, 256)]
    patient = [find("overload", "till", "patient", connections=n) for n in (1024, 256)]
    grown = [find("growth", "till", "even", store=store) for store in ("large", "small")]
    rate = "per_second"
    measured = set(results.scenarios())
    bars = {
        "hot title / pgbench at its best": (
            "hot",
            _ratio(hot, find("hot", "pgbench", "hot"), rate),
            8,
            20,
        ),
        "1,000 titles / pgbench at its best": (
            "spread",
            _ratio(spread, find("spread", "pgbench", "even"), rate),
            3,
            6,
        ),
        "hot title / Django at its best": (
            "hot",
            _ratio(hot, find("hot", "django", "hot"), rate),
            40,
            80,
        ),
        "hot title / HTTP without a database": (
            "hot",
            _ratio(hot, find("hot", "ceiling", "hot"), rate),
            0.25,
            0.5,
        ),
        "one buyer alone, p50 / without till": (
            "idle",
            _ratio(find("idle", "till", "hot"), find("idle", "plain", "hot"), "p50"),
            1.2,
            1.0,
        ),
        "1,000 titles after 5,000,000 orders / none": ("growth", _ratio(*grown, rate), 0.8, 1.0),
        "MariaDB, hot title / batches of one": ("mariadb", _over_single(results, "mariadb"), 5, 10),
        "SQLite, hot title / batches of one": ("sqlite", _over_single(results, "sqlite"), 5, 10),
        "single books read / Django": ("reads", _ratio(*reads, rate), 10, 20),
        "1,024 buyers, room for 256 / 256 buyers": ("overload", _ratio(*patient, rate), 0.8, 1.0),
        "1,024 buyers, room for all / 256 buyers": ("overload", _ratio(*overload, rate), 0.8, 1.0),
    }
    bars["a copy held and confirmed / pgbench at its best"] = (
        "holds",
        _ratio(find("holds", "till", "holds"), find("holds", "pgbench", "holds"), rate),
        5,
        10,
    )
    sweeps = [find("sweep", "till", "hot", has_sweep=has_sweep) for has_sweep in (True, False)]
    bars["p99 while 100,000 holds run out / calm"] = ("sweep", _ratio(*sweeps, "p99"), 3, 1.5)
    for backend, name in BACKEND_NAMES.items():
        pages = [find("search", "till", load, backend=backend) for load in ("search", "pages")]
        bars[f"{name}, p95 of a search / of any page"] = ("search", _ratio(*pages, "p95"), 3, 2)
    shown = [
        Bar(title, value, floor, aim)
        for title, (scenario, value, floor, aim) in bars.items()
        if scenario in measured
    ]
    if "hot" in measured:
        peak = hot.median("peak_memory") if hot else None
        shown.append(Bar("server's memory at 256 connections", peak, 64, 32, " MiB"))
    return shown


def _over_single(results: Results, scenario: str) -> float | None:
    till, single = (results.find(scenario, who, "hot") for who in ("till", "single"))
    return _ratio(till, single, "per_second")


def _ratio(ours: Result | None, theirs: Result | None, figure: str) -> float | None:
    """The ratio of two medians; None if one of them has no figure."""
    if ours is None or theirs is None:
        return None
    value, base = ours.median(figure), theirs.median(figure)
    return value / base if value is not None and base else None
