DROP TABLE book_search_index;
DROP TABLE book_search;
