-- By which words a book is found. Beside `books`, so that a sale has nothing to do with it.
--
-- `words` are the different words of title and author, folded by the service (no accents, lower case),
-- each with a space before and behind it. They were folded from this `version` of the book. Archived
-- books have no row. Books that are there already are folded by `bookstore migrate`, or by `serve`.
CREATE TABLE book_search (
    book_id INTEGER NOT NULL PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    words TEXT NOT NULL
) STRICT;

-- The words are tokens as they are: to this tokenizer everything beyond ASCII is part of a word. It
-- keeps which book has a word, not where in it.
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
