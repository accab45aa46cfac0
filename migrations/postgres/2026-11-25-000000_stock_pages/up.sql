-- Pages of books are filled to the end again. PostgreSQL tidies a page up on the next look at it whenever
-- less of it is free than the fill factor leaves free: at 70 that was after each and every stock update of a
-- page, and in a large store nearly every title that sells has a page of its own. At 100 it is after
-- several. A row that finds no room moves once, and then shares pages with others that sell.
-- Measured: docs/decisions/0003-the-till.md.
ALTER TABLE books SET (fillfactor = 100);
