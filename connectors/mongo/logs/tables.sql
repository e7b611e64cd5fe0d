-- What the files are taken apart into, beside the table `taken`, which the first file's operations make.
CREATE TEMP TABLE counted (total BIGINT, others BIGINT, build VARCHAR);
CREATE TEMP TABLE excluded (reason VARCHAR, lines BIGINT);
