"""Takes the pictures of docs/races.md from the pages of a race, and writes its tables anew."""

import io
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).resolve().parent
DOCUMENT = PICTURES.parent / "races.md"

# What is shown of each database: the picture's name, and the part of the page.
SHOWN = {
    "postgres": {
        "naive": "naive at read-committed",
        "naive-repeatable-read": "naive at repeatable-read",
        "select-for-update": "select-for-update at read-committed",
        "damage": "#damage .panels",
        "throughput": "#throughput .multiples",
    },
    "mariadb": {
        "naive": "naive at repeatable-read",
        "throughput": "#throughput .multiples",
    },
    "sqlite": {
        "naive": "naive",
        "immediate": "immediate",
        "throughput": "#throughput .multiples",
    },
}

# A browser that talks to nobody, on its own account neither.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Sharp on a screen with small pixels, and 64 colours: a fifth of the size, and nobody sees it.
SCALE, COLOURS = 2, 64
# Pixels around what is shown.
MARGIN = 16


@dataclass(frozen=True)
class Figures:
    """The tables of a page, as text."""

    facts: dict[str, str]
    plenty: list[dict[str, str]]
    scarce: list[dict[str, str]]
    sweep: list[dict[str, str]]


def main(folder: Path) -> None:
    text = DOCUMENT.read_text()
    versions = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, shown in SHOWN.items():
            path = folder / f"{name}.html"
            for scheme in ("light", "dark"):
                page = open_page(browser, path, scheme)
                for picture, part in shown.items():
                    take(page, part, PICTURES / f"{name}-{picture}-{scheme}.png")
            figures = read(page)
            versions.append(figures.facts["Database"].split(" (")[0])
            text = replace(text, f"figures of {name}", of_the_run(figures))
            text = replace(text, f"sweep of {name}", table(figures.sweep))
        browser.close()
    text = replace(text, "about the figures", about(figures.facts, versions))
    DOCUMENT.write_text(text)


def open_page(browser: Browser, path: Path, scheme: str) -> Page:
    """The page, which must say nothing on the console and ask for nothing."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": 1080, "height": 900}, device_scale_factor=SCALE
    )
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri(), wait_until="networkidle")
    if said or asked != [path.as_uri()]:
        sys.exit(f"{path.name} said {said} and asked for {asked}")
    return page


def take(page: Page, part: str, path: Path) -> None:
    if part.startswith("#"):
        shown = page.locator(part)
    else:
        heading = page.get_by_role("heading", name=part, exact=True)
        shown = page.locator("article.race", has=heading)
    box = shown.bounding_box()
    around = {"x": box["x"] - MARGIN, "y": box["y"] - MARGIN}
    around |= {side: box[side] + 2 * MARGIN for side in ("width", "height")}
    picture = Image.open(io.BytesIO(page.screenshot(clip=around, full_page=True)))
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def read(page: Page) -> Figures:
    tables = page.locator("#figures .wide table").all()
    plenty, scarce, sweep = (rows(table.evaluate(CELLS)) for table in tables)
    names, values = (page.locator(f"#again dl {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return Figures(dict(zip(names, values)), plenty, scarce, sweep)


CELLS = "table => [...table.rows].map(row => [...row.cells].map(cell => cell.innerText))"


def rows(cells: list[list[str]]) -> list[dict[str, str]]:
    head, *body = cells
    return [dict(zip(head, row)) for row in body]


def of_the_run(figures: Figures) -> str:
    def line(plenty: dict[str, str], scarce: dict[str, str]) -> dict[str, str]:
        name = plenty["strategy"]
        if "lost" not in plenty:
            # One cell says why.
            return {"strategy": name, "lost": "not here"}
        return {
            "strategy": name,
            "lost": bold(plenty["lost"]),
            "refused": plenty["refused"],
            "retries": plenty["retries"],
            "sales/s": plenty["sales/s"],
            "p99 ms": plenty["p99 ms"],
            "50 copies: lost": bold(scarce["lost"]),
            "oversold": bold(scarce["oversold"]),
        }

    return table([line(*pair) for pair in zip(figures.plenty, figures.scarce)])


def bold(figure: str) -> str:
    return figure if figure == "0" else f"**{figure}**"


def table(lines: list[dict[str, str]]) -> str:
    head = max(lines, key=len)
    body = [
        [f"`{line['strategy']}`", *(line.get(column, "") for column in list(head)[1:])]
        for line in lines
    ]
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(head), marks, *body])


def about(facts: dict[str, str], versions: list[str]) -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", cpuinfo)
    cpu = f" ({model[1].strip()})" if model else ""
    return (
        f"{facts['When'][:10]}; {', '.join(versions)}, each with full durability; {os.cpu_count()} cores"
        f"{cpu} for database and buyers together; {facts['Program']}."
    )


def replace(text: str, name: str, content: str) -> str:
    """Puts `content` between the marks of `name`."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    text, count = re.subn(pattern, lambda found: f"{found[1]}{content}\n\n{found[2]}", text, flags=re.S)
    if count != 1:
        sys.exit(f"{DOCUMENT.name} has {count} places for: {name}")
    return text


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
