DROP TABLE book_search;
