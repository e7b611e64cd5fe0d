-- What the compiled reader has read of a piece of a log. Reads: slow.
INSERT INTO taken BY NAME
SELECT * REPLACE ($source || '/' || channel AS channel), $source AS source, 'log' AS kind FROM slow
