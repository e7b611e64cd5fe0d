"""The verdicts of ``verdict.sql`` in words: which are patterns to report, and why the others are none."""

from __future__ import annotations

PATTERNS = ("n-plus-one", "parentless-loop", "repeated-identical-query", "row-by-row-write")

REASONS = {
    "retry": "the same values again after a serialization failure or deadlock (SQLSTATE 40...): a retry.",
    "pipelined": "the statements were sent without waiting for answers (executemany): no round trip to save.",
    "locking": "rows are locked one after another (FOR UPDATE): a job worker takes its items one by one on purpose.",
    "batched": "each execution takes a list of keys or rows (IN, ANY, several rows inserted): it is batched already.",
    "pagination": "it reads on page by page (OFFSET, or a range with ORDER BY and LIMIT): not a parent's rows.",
    "check-then-insert": "each execution is followed by an INSERT into the same table: a uniqueness check; a unique "
    "constraint with INSERT ... ON CONFLICT saves the round trip.",
    "write-loop": "each execution alternates with a write: the loop is one over writes, eager loading does not end it.",
    "traffic": "requests of their own that share a connection (one execution each, nothing binds them to one parent).",
    "polling": "the same statement at intervals: polling, a health check or a heartbeat.",
    "no-key": "no column is compared with one value for equality: one statement cannot answer for all executions.",
    "job-worker": "one COMMIT per item: a worker that takes one piece of work at a time.",
}
