"""A catalogue of a million titles as people write them, and what they are looked for by.

It grows out of goodbooks-10k: each of its titles comes a hundred times, every time with some of its
words changed for words of other titles, and often with another author. So words are as common, and
as often together, as in real titles. The same in every run.
"""

import csv
import random
import re
import unicodedata
from pathlib import Path
from urllib.parse import urlencode

from .surroundings import ROOT
from .trouble import Trouble

# Beside the repository, as for the tests: it is too large to be in it.
GOODBOOKS = ROOT.parent / "shared" / "data" / "goodbooks-10k.csv"
BOOKS = 1_000_000
REQUESTS = 2_000

# Half of the pages are in the order that nobody asks for.
_SORTS = (None, None, None, "title", "price", "-price")


def write_catalogue(file: Path, isbn) -> None:
    """A file for `bookstore import`; `isbn` gives the n-th number."""
    prices = random.Random(3)
    with file.open("w", newline="") as output:
        rows = csv.writer(output)
        rows.writerow(("isbn", "title", "author", "price", "quantity"))
        for number, (title, author) in enumerate(_books(), start=1):
            price = f"{prices.randrange(5, 60)}.{prices.choice((49, 95, 99))}"
            rows.writerow((isbn(number), title, author, price, 0))


def write_requests(folder: Path) -> None:
    """Paths of first pages, in `pages` without a search and in `search` with one, one on a line. Line
    for line they are in the same order."""
    dice = random.Random(2)
    books = list(_sample(dice))
    pages, searches = [], []
    for _ in range(REQUESTS):
        sort = dice.choice(_SORTS)
        order = {"sort": sort} if sort else {}
        pages.append(_path(order))
        searches.append(_path({"q": _query(dice, *dice.choice(books)), **order}))
    (folder / "pages").write_text("\n".join(pages) + "\n")
    (folder / "search").write_text("\n".join(searches) + "\n")


def _query(dice: random.Random, title: str, author: str) -> str:
    """What somebody types who looks for this book."""
    words, name = _words(title), _words(author)[-1:]
    kind = dice.random()
    if kind < 0.4:
        # Two or three words of the title, the last one not to its end.
        *whole, last = dice.sample(words, min(len(words), dice.choice((2, 2, 3))))
        return " ".join([*whole, _beginning(dice, last, 3)])
    if kind < 0.65:
        return " ".join([dice.choice(words), *(_beginning(dice, one, 3) for one in name)])
    if kind < 0.85:
        # As common as words are in titles: often "the".
        return dice.choice(words)
    if kind < 0.95:
        return dice.choice(words)[: dice.choice((1, 2, 3))]
    return f"{dice.choice(words)} qzx{dice.randrange(1000)}"


def _beginning(dice: random.Random, word: str, least: int) -> str:
    return word[: dice.randint(min(least, len(word)), len(word))]


def _books():
    dice = random.Random(1)
    real = _real_books()
    words = [word for title, _ in real for word in title.split()]
    for number in range(BOOKS):
        title, author = real[number % len(real)]
        changed = (dice.choice(words) if dice.random() < 0.5 else one for one in title.split())
        other = author if dice.random() < 0.5 else dice.choice(real)[1]
        yield " ".join(changed)[:500].strip(), other


def _sample(dice: random.Random):
    """Some of the books that are in the catalogue."""
    chosen = set(dice.sample(range(BOOKS), 4 * REQUESTS))
    for number, book in enumerate(_books()):
        if number in chosen and _words(book[0]) and _words(book[1]):
            yield book


def _real_books() -> list[tuple[str, str]]:
    if not GOODBOOKS.exists():
        raise Trouble(f"the titles to search through are made from {GOODBOOKS}, which is not there")
    with GOODBOOKS.open(newline="") as file:
        rows = [(row["title"].strip(), row["authors"].strip()) for row in csv.DictReader(file)]
    return [(title, author[:1000]) for title, author in rows if title and author]


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    return re.findall(r"[^\W_]+", plain.lower())


def _path(query: dict[str, str]) -> str:
    return "/v1/books" + (f"?{urlencode(query)}" if query else "")
