-- As 2026-11-24-010000_search made it. The program of that version fills it.
CREATE TABLE book_search (
    book_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    words MEDIUMTEXT NOT NULL,
    FULLTEXT INDEX book_search_words (words),
    CONSTRAINT book_search_book_id_fk FOREIGN KEY (book_id) REFERENCES books (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

DROP TABLE indexed_books;
DROP TABLE book_index;
