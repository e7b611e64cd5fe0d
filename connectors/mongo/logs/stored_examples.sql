-- What the first operation of each question in a piece asked. Reads: slow.
INSERT INTO example BY NAME SELECT * EXCLUDE (place), $before + place AS position FROM slow
