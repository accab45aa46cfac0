-- By which words a book is found. Beside `books`, so that a sale has nothing to do with it.
--
-- `words` are the different words of title and author, folded by the service (no accents, lower case),
-- each with a space before and behind it. They were folded from this `version` of the book. Archived
-- books have no row. Books that are there already are folded by `bookstore migrate`, or by `serve`.
--
-- InnoDB's parser leaves out words of one or two letters, words longer than 84, stop words, and what
-- it does not know for a letter. So each word is spelt in ASCII (`_` and three digits to the base 36
-- for another character) and begins with `qqq`: the parser then leaves out none.
CREATE TABLE book_search (
    book_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    words MEDIUMTEXT NOT NULL,
    FULLTEXT INDEX book_search_words (words),
    CONSTRAINT book_search_book_id_fk FOREIGN KEY (book_id) REFERENCES books (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
