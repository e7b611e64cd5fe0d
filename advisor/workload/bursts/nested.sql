-- One level deeper: a child of a child may run once for each of its parent's executions (1 + N + N·M, and 1 + N + N).
INSERT INTO burst_accepted
SELECT p.unit, p.child, p.parent, p.rank, p.within, p.n, p.anchors, p.recency, p.first_anchor, p.anchor_seq,
       bool_or(a.exact), max(a.level) + 1
FROM burst_pair AS p
JOIN burst_accepted AS a ON a.unit = p.unit AND a.child = p.parent
WHERE p.n >= (SELECT min_executions FROM burst_option)
  AND (p.rank < 4 OR p.exact)
  AND NOT EXISTS (
      FROM burst_accepted AS known
      WHERE known.unit = p.unit AND known.child = p.child AND known.parent = p.parent)
  -- Not in a circle.
  AND NOT EXISTS (
      FROM burst_accepted AS back
      WHERE back.unit = p.unit AND back.child = p.parent AND back.parent = p.child)
GROUP BY ALL;
