ALTER TABLE books SET (fillfactor = 70);
