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
    -- A title has at most 500 characters of at most 4 bytes.
    entry VARBINARY(2048) NOT NULL,
    block BIGINT NOT NULL,
    books MEDIUMBLOB NOT NULL,
    PRIMARY KEY (entry, block)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

INSERT INTO book_index (entry, block, books) VALUES ('', 0, '');

-- Of each book what the index has of it: what has to be taken out when it changes. Archived books have
-- no row. No foreign key: a row outlives its book until the index has forgotten it too. Books that are
-- there already are indexed by `bookstore migrate`, or by `serve`.
CREATE TABLE indexed_books (
    book_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    title VARCHAR(500) NOT NULL,
    price_minor INT NOT NULL,
    words MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

DROP TABLE book_search;
