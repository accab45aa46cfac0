-- Only PostgreSQL keeps old versions of rows on their pages. The version is here because every backend
-- has the same ones.
SELECT 1;
