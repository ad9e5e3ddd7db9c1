"""Some days of a queue, in order (first_due.py): the statement of what is due, day by day.

Parameters are those of due_sql.py, and:

since, until due on a day after the one and not after the other, without end where that is NULL
period_floors, period_leads, period_accompanied
             the cut-offs of `since`, where the others are those of `until`; whether a ground of
             that cell can be a record's last to end; whether one of an archive always stands
             beside it, before whose end nobody is due
after_day, after_id
             the row after which it begins
"""

from __future__ import annotations

from typing import Final

from apps.retention import due_sql
from apps.retention.grounds_sql import put

# Some days of DUE. Whoever has several grounds is looked up by the one that ended in these
# days: the last to end is among those.
_WINDOW: Final = put(
    """
WITH RECURSIVE $PERIOD, $HELD,
span AS MATERIALIZED (
    SELECT p.*, coalesce(w.floor, '-infinity') AS floor, w.leads
    FROM period p JOIN unnest(%(period_cells)s::bigint[], %(period_floors)s::date[],
                              %(period_leads)s::boolean[]) AS w (id, floor, leads) USING (id)
),
alone AS (
    SELECT g.record_id, g.version, p.id AS cell, p.rule, p.span, g.anchor
    FROM span p CROSS JOIN LATERAL (
        SELECT g.record_id, g.version, g.anchor FROM retention_ground g
        WHERE g.cell_id = p.id AND g.total = 1
          AND g.anchor > p.floor AND g.anchor <= p.cutoff OFFSET 0) g
),
touched AS (
    SELECT g.record_id
    FROM span p CROSS JOIN LATERAL (
        SELECT g.record_id, g.total, g.other_cell, g.other_anchor FROM retention_ground g
        WHERE p.leads AND g.cell_id = p.id AND g.total > 1
          AND g.anchor > p.floor AND g.anchor <= p.cutoff OFFSET 0) g
    $BOTH
  UNION
    SELECT record_id FROM retention_ground
    WHERE controller_id = %(controller)s AND reason = 10 AND total > 1
),
among AS (
    SELECT g.record_id, g.version, g.total, p.id AS cell, p.rule,
           (g.anchor + p.span)::date + 1 AS due_on
    FROM touched t
    CROSS JOIN LATERAL (
        SELECT * FROM retention_ground g WHERE g.record_id = t.record_id OFFSET 0) g
    JOIN period p ON p.id = g.cell_id AND g.anchor > '-infinity' AND g.anchor <= p.cutoff
  UNION ALL
    $REQUIRED
),
$BACK
""",
    HELD=due_sql.HELD,
    PERIOD=due_sql.PERIOD,
    BOTH=due_sql.BOTH,
    REQUIRED=due_sql.REQUIRED,
    BACK=due_sql.BACK,
)
DUE_BETWEEN: Final = put(
    """
$WINDOW, $DECIDED
  AND d.due_on > %(since)s AND d.due_on <= coalesce(%(until)s::date, 'infinity')
  AND (d.due_on, d.record_id) > (%(after_day)s::date, %(after_id)s::uuid)
ORDER BY d.due_on, d.record_id LIMIT %(limit)s
""",
    WINDOW=_WINDOW,
    DECIDED=due_sql.DECIDED,
)
#: The same while no case holds by a query: half the planning.
DUE_BETWEEN_NAMED: Final = DUE_BETWEEN.replace(due_sql.BY_QUERY, "")
#: How many grounds DUE_BETWEEN would begin with, counted up to `most`.
ENDING_BETWEEN: Final = """
    SELECT count(*) FROM (
        SELECT FROM unnest(%(period_cells)s::bigint[], %(period_floors)s::date[],
                           %(period_cutoffs)s::date[], %(period_leads)s::boolean[])
            AS p (id, floor, cutoff, leads)
        CROSS JOIN LATERAL (
            (SELECT FROM retention_ground g
             WHERE g.cell_id = p.id AND g.total = 1
               AND g.anchor > coalesce(p.floor, '-infinity') AND g.anchor <= p.cutoff)
          UNION ALL
            (SELECT FROM retention_ground g
             WHERE p.leads AND g.cell_id = p.id AND g.total > 1
               AND g.anchor > coalesce(p.floor, '-infinity') AND g.anchor <= p.cutoff)
            LIMIT %(most)s) q
        LIMIT %(most)s) counted
"""
#: The first day on which anything may be due; NULL: never. Nobody is due before the phase has
#: ended that always stands beside another.
FIRST_END: Final = put(
    """
    SELECT min(ends_on) FROM (
        SELECT (first.anchor + p.span)::date + 1 AS ends_on
        FROM ($PERIODS) p
        JOIN unnest(%(period_cells)s::bigint[], %(period_accompanied)s::boolean[])
            AS w (id, accompanied) USING (id)
        CROSS JOIN LATERAL (
            (SELECT g.anchor FROM retention_ground g
             WHERE g.cell_id = p.id AND g.total = 1 AND g.anchor > '-infinity'
             ORDER BY g.anchor LIMIT 1)
          UNION ALL
            (SELECT g.anchor FROM retention_ground g
             WHERE NOT w.accompanied AND g.cell_id = p.id AND g.total > 1
               AND g.anchor > '-infinity'
             ORDER BY g.anchor LIMIT 1)) first
      UNION ALL
        SELECT anchor FROM retention_ground
        WHERE controller_id = %(controller)s AND reason IN (8, 10)) ends
""",
    PERIODS=due_sql.PERIODS,
)
