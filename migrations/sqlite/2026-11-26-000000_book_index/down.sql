-- As 2026-11-24-010000_search made it. The program of that version fills it.
CREATE TABLE book_search (
    book_id INTEGER NOT NULL PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    words TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE book_search_index USING fts5 (
    words, content = 'book_search', content_rowid = 'book_id',
    tokenize = 'ascii', detail = 'none', columnsize = 0, prefix = '1 2 3'
);

CREATE TRIGGER book_search_insert AFTER INSERT ON book_search BEGIN
    INSERT INTO book_search_index (rowid, words) VALUES (new.book_id, new.words);
END;

CREATE TRIGGER book_search_delete AFTER DELETE ON book_search BEGIN
    INSERT INTO book_search_index (book_search_index, rowid, words)
        VALUES ('delete', old.book_id, old.words);
END;

CREATE TRIGGER book_search_update AFTER UPDATE OF words ON book_search
WHEN old.words <> new.words BEGIN
    INSERT INTO book_search_index (book_search_index, rowid, words)
        VALUES ('delete', old.book_id, old.words);
    INSERT INTO book_search_index (rowid, words) VALUES (new.book_id, new.words);
END;

DROP TABLE indexed_books;
DROP TABLE book_index;
