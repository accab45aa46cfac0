-- By which words a book is found. Beside `books`, not in it: a sale then neither copies the words nor
-- touches their index, and stock updates stay heap-only (HOT).
--
-- `words` are the different words of title and author, folded by the service (no accents, lower case),
-- each with a space before and behind it. They were folded from this `version` of the book. Archived
-- books have no row. Books that are there already are folded by `bookstore migrate`, or by `serve`.
CREATE TABLE book_search (
    book_id BIGINT PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    words TEXT COLLATE "C" NOT NULL
);

-- The words are lexemes as they are: no parser, no stop words, no dictionary may see them. Without
-- fastupdate, so that no search has to read a list of what is not in the index yet.
CREATE INDEX book_search_words ON book_search
    USING gin (array_to_tsvector(string_to_array(btrim(words), ' '))) WITH (fastupdate = off);
