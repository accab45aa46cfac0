-- As 2026-11-24-010000_search made it. The program of that version fills it.
CREATE TABLE book_search (
    book_id BIGINT PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    words TEXT COLLATE "C" NOT NULL
);

CREATE INDEX book_search_words ON book_search
    USING gin (array_to_tsvector(string_to_array(btrim(words), ' '))) WITH (fastupdate = off);

DROP TABLE indexed_books;
DROP TABLE book_index;
