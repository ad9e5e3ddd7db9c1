"""How many records fare how, over all of them: the figures of the first page.

Most records share their fate with many: whoever has one ground, or two that tell of each other,
with the same cells and anchors. Those are counted first, each kind judged once; only what is
left is looked at record by record. No scan reads a CTE, so that processes share it.

Parameters are those of due_sql.py.
"""

from __future__ import annotations

from typing import Final

from apps.retention import due_sql
from apps.retention.grounds_sql import put

#: The periods as a table `p` of their own: a scan that reads a CTE cannot be shared.
THEN: Final = f"({due_sql.PERIODS}) p"
#: A ground without cell and anchor has no end; the other of a pair cannot say for which reason.
_TOLD: Final = """
    (g.total = 1 OR g.total = 2 AND (g.cell_id IS NOT NULL OR g.anchor IS NOT NULL)
                AND (g.other_cell IS NOT NULL OR g.other_anchor IS NOT NULL))
"""
_KINDS: Final = """
    SELECT g.cell_id, g.reason, g.anchor, g.total, g.other_cell, g.other_anchor, $COUNT AS count
    FROM $GROUNDS WHERE g.controller_id = %(controller)s AND $TOLD GROUP BY 1, 2, 3, 4, 5, 6
"""

#: One row: due, to archive, kept, held, undecided, pending (facts newer than the grounds).
COUNTS: Final = put(
    """
WITH RECURSIVE $HELD, $BUSY,
kind AS (
    SELECT row_number() OVER () AS row, cell_id, reason, anchor, total, other_cell, other_anchor,
           sum(count) AS count
    FROM ($ALL UNION ALL $TAKEN_OFF) counted
    GROUP BY cell_id, reason, anchor, total, other_cell, other_anchor
),
judged AS (
    SELECT g.row, max($WEIGHT) AS weight
    FROM (
        SELECT row, cell_id, reason, anchor FROM kind
      UNION ALL
        SELECT row, other_cell, CASE WHEN other_cell IS NULL THEN 10 ELSE 0 END, other_anchor
        FROM kind WHERE total = 2) g
    LEFT JOIN $THEN ON p.id = g.cell_id GROUP BY g.row
),
gathered AS (
    SELECT g.record_id, max($WEIGHT) AS weight
    FROM retention_ground g LEFT JOIN $THEN ON p.id = g.cell_id
    WHERE g.controller_id = %(controller)s AND NOT $TOLD
    GROUP BY g.record_id
),
weighed AS (
    -- Both grounds of a pair were counted.
    SELECT j.weight, sum(k.count / k.total) AS count FROM kind k JOIN judged j USING (row)
    GROUP BY j.weight
  UNION ALL
    SELECT weight, count(*) FROM gathered WHERE record_id NOT IN (SELECT id FROM busy)
    GROUP BY weight
),
outcome AS (SELECT $OUTCOME AS outcome, r.count FROM weighed r)
SELECT coalesce(sum(count) FILTER (WHERE outcome = 'due'), 0)::bigint,
       coalesce(sum(count) FILTER (WHERE outcome = 'archive'), 0)::bigint,
       coalesce(sum(count) FILTER (WHERE outcome = 'kept'), 0)::bigint,
       (SELECT count(DISTINCT g.record_id) FROM held h JOIN retention_ground g
            ON g.record_id = h.id
        WHERE NOT EXISTS (SELECT FROM subjects_change c WHERE c.record_id = h.id)),
       coalesce(sum(count) FILTER (WHERE outcome = 'undecided'), 0)::bigint,
       (SELECT count(*) FROM subjects_change WHERE controller_id = %(controller)s)
FROM outcome
""",
    HELD=due_sql.HELD,
    BUSY=due_sql.BUSY,
    ALL=put(_KINDS, COUNT="count(*)", GROUNDS="retention_ground g", TOLD=_TOLD),
    TAKEN_OFF=put(
        _KINDS,
        COUNT="-count(*)",
        GROUNDS="busy JOIN retention_ground g ON g.record_id = busy.id",
        TOLD=_TOLD,
    ),
    THEN=THEN,
    TOLD=_TOLD,
    WEIGHT=due_sql.WEIGHT,
    OUTCOME=due_sql.OUTCOME,
)
