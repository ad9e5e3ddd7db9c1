"""What another mapping would make of records: the pure rule over many at once, twice.

Parameters are those of grounds_sql.py and due_sql.py, and `standings`: those that would mean
something else.
"""

from __future__ import annotations

from typing import Final

from apps.retention import due_sql
from apps.retention.grounds_sql import FRESH, put

_TOUCHED: Final = """
SELECT DISTINCT r.id FROM subjects_application a JOIN subjects_record r ON r.id = a.record_id
WHERE r.controller_id = %(controller)s AND r.state <> 'erased'
  AND a.standing_id = ANY(%(standings)s::bigint[])
"""
#: The records with an application of one of the standings.
TOUCHED: Final = f"{_TOUCHED} ORDER BY r.id LIMIT %(limit)s"

#: Outcome now, outcome then, how many records, and some of them. A record whose facts are newer
#: than its grounds is taken by its old ones for now.
PREVIEW: Final = put(
    """
$FRESH, $PERIOD, $HELD,
touched AS MATERIALIZED ($TOUCHED),
later AS (
    SELECT g.record_id, max($WEIGHT) AS weight
    FROM fresh g LEFT JOIN period p ON p.id = g.cell_id
    WHERE g.record_id IN (SELECT id FROM touched) GROUP BY g.record_id
),
before AS (
    SELECT g.record_id, max($WEIGHT) AS weight
    FROM retention_ground g LEFT JOIN period p ON p.id = g.cell_id
    WHERE g.controller_id = %(controller)s AND g.record_id IN (SELECT id FROM touched)
    GROUP BY g.record_id
),
told AS (
    SELECT t.id, h.id IS NOT NULL AS held, $WAS AS was, $THEN AS becomes
    FROM touched t LEFT JOIN held h ON h.id = t.id
    LEFT JOIN before b ON b.record_id = t.id LEFT JOIN later l ON l.record_id = t.id
)
SELECT CASE WHEN held THEN 'held' ELSE coalesce(was, 'undecided') END,
       CASE WHEN held THEN 'held' ELSE coalesce(becomes, 'undecided') END,
       count(*), (array_agg(id ORDER BY id))[1:5]
FROM told GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
""",
    FRESH=FRESH,
    PERIOD=due_sql.PERIOD,
    HELD=due_sql.HELD,
    TOUCHED=_TOUCHED,
    WEIGHT=due_sql.WEIGHT,
    WAS=due_sql.OUTCOME.replace("r.weight", "b.weight"),
    THEN=due_sql.OUTCOME.replace("r.weight", "l.weight"),
)
