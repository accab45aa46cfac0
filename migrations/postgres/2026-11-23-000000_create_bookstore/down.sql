DROP TABLE stock_movements;
DROP TABLE stock_entries;
DROP TABLE orders;
DROP TABLE books;
DROP TABLE clients;
