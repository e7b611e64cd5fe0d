-- What the files are taken apart into, beside the table `taken`, which the first file's operations make.
CREATE TEMP TABLE counted (lines BIGINT);
CREATE TEMP TABLE excluded (reason VARCHAR, lines BIGINT);
