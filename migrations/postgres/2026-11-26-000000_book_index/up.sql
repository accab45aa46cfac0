-- An index of our own in place of the full-text index: which books a word has, as bitmaps.
--
-- Each row is a part of one entry: the ids of its books as a Roaring bitmap (the portable 64-bit
-- format of RoaringFormatSpec). What an entry is, its first byte tells:
--   w  a folded word, which follows. `block` is the id divided by 65,536.
--   b  a beginning of words, of at most three letters, which follows. `block` as for words.
--   t  a run of neighbours in the order of titles. Their least place in that order follows: the title,
--      a zero byte, the id in 8 bytes. The run ends where the next one begins. `block` is 0.
--   p  the same in the order of prices: the price in 4 bytes, the id in 8 bytes.
-- The empty entry has no books: its bytes are others after each transaction that wrote here. Whoever
-- writes here changes it first, and so waits for who did before.
CREATE TABLE book_index (
    entry BYTEA NOT NULL,
    block BIGINT NOT NULL,
    books BYTEA NOT NULL,
    PRIMARY KEY (entry, block)
);

-- Bitmaps are compressed already.
ALTER TABLE book_index ALTER COLUMN books SET STORAGE EXTERNAL;

INSERT INTO book_index (entry, block, books) VALUES ('', 0, '');

-- Of each book what the index has of it: what has to be taken out when it changes. Archived books have
-- no row. No foreign key: a row outlives its book until the index has forgotten it too. Books that are
-- there already are indexed by `bookstore migrate`, or by `serve`.
CREATE TABLE indexed_books (
    book_id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    title TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    words TEXT NOT NULL
);

DROP TABLE book_search;
