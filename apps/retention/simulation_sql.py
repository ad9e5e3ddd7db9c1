"""What other periods would do, over all records in one statement; nothing is written.

Two judgments of each ground stand side by side: under the periods in question (`period`) and under
those in force (`now`). Where a version has the cells that are there already, stored grounds are
judged twice; otherwise grounds are worked out from the facts as if its cells were there.

Parameters are those of due_sql.py, with `now_cells` … beside `period_cells` …, and:

until        the first day that is too far ahead to be shown
change       which records to list: due, archive, joining, leaving
limit        how many
"""

from __future__ import annotations

from typing import Final

from apps.retention import due_sql
from apps.retention.counting_sql import THEN
from apps.retention.grounds_sql import FRESH, put

_NOW: Final = f"({due_sql.PERIODS.replace('%(period_', '%(now_')}) n"
# `place` of a ground: where its cell stands in the periods in question, which come in the order
# of their rules, so that ties are decided as rules.py decides them. 0: an erasure was granted;
# -1: came back after it; none: nothing of the kind.
_WEIGHED: Final = """
    $WEIGHT AS weight,
    CASE WHEN g.cell_id IS NOT NULL THEN p.place WHEN g.reason = 10 THEN 0
         WHEN g.reason = 8 THEN -1 END AS place,
    CASE WHEN g.cell_id IS NULL THEN g.anchor
         WHEN g.anchor <= %(ahead)s THEN (g.anchor + p.span)::date END AS ends_on
"""
_JUDGED: Final = f"g.record_id, g.application_id, g.anchor, g.total, {_WEIGHED}"
# Whoever's facts are newer than their grounds is left out, as `due` leaves them out.
_STORED: Final = put(
    """
judged AS NOT MATERIALIZED (
    SELECT $JUDGED, $WAS AS was
    FROM retention_ground g
    LEFT JOIN $THEN ON p.id = g.cell_id LEFT JOIN $NOW ON n.id = g.cell_id
    WHERE g.controller_id = %(controller)s
      AND NOT EXISTS (SELECT FROM subjects_change c WHERE c.record_id = g.record_id)
      $ONLY
)
""",
    THEN=THEN,
    NOW=_NOW,
    JUDGED=put(_JUDGED, WEIGHT=due_sql.WEIGHT),
    WAS=due_sql.WEIGHT.replace("p.", "n."),
    ONLY="$ONLY",
)
_FROM_FACTS: Final = put(
    """
$FRESH, $HELD,
was AS (
    SELECT g.record_id, max($WAS) AS was
    FROM retention_ground g LEFT JOIN $NOW ON n.id = g.cell_id
    WHERE g.controller_id = %(controller)s
      AND NOT EXISTS (SELECT FROM subjects_change c WHERE c.record_id = g.record_id)
    GROUP BY g.record_id
),
judged AS NOT MATERIALIZED (
    SELECT $JUDGED, w.was
    FROM fresh g LEFT JOIN $THEN ON p.id = g.cell_id
    LEFT JOIN was w ON w.record_id = g.record_id
)
""",
    FRESH=FRESH,
    THEN=THEN,
    NOW=_NOW,
    HELD=due_sql.HELD,
    JUDGED=put(_JUDGED, WEIGHT=due_sql.WEIGHT),
    WAS=due_sql.WEIGHT.replace("p.", "n."),
)
# As rules.Decision: the greatest weight decides, of several the last to end, of those the first
# rule; what goes to the archive goes on the day after the last of the others ended. Of records
# with several grounds the greatest of one number tells: 1 digit of weight, 7 of days, 5 of place,
# then the application; no sort is needed.
_GATHERED: Final = """
gathered AS (
    SELECT record_id, max(was) AS was,
           max(((10000000000000 + weight * 1000000000000
                 + CASE WHEN weight IN (1, 2, 3) THEN (ends_on - '0001-01-01'::date
                            + CASE WHEN place <= 0 THEN 0 ELSE 1 END)::bigint
                        ELSE 0 END * 100000 + 99999 - coalesce(place, 99999))::text
                || coalesce(application_id::text, '')) COLLATE "C") AS best,
           max(ends_on + CASE WHEN place <= 0 THEN 0 ELSE 1 END) FILTER (WHERE weight = 1)
               AS left_on,
           max(anchor) FILTER (WHERE weight = 2) AS begun_on,
           max(ends_on) FILTER (WHERE weight = 2) AS archived_until
    FROM judged WHERE total > 1 GROUP BY record_id
)
"""
_OF_SEVERAL: Final = """
    SELECT g.record_id, nullif(substr(g.best, 15), '')::uuid AS application_id,
           nullif(99999 - (k.key %% 100000), 99999) AS place,
           (k.key / 1000000000000)::int AS weight, g.was,
           '0001-01-01'::date + ((k.key / 100000) %% 10000000)::int
               - CASE WHEN k.key %% 100000 = 99999 THEN 0 ELSE 1 END AS ends_on,
           g.left_on, g.begun_on, g.archived_until
    FROM gathered g
    CROSS JOIN LATERAL (
        SELECT substr(g.best, 1, 14)::bigint - 10000000000000 AS key OFFSET 0) k
"""
_TOLD: Final = """
told AS (
    SELECT v.record_id, v.place, v.application_id, v.was = 1 AS was_due,
           (ARRAY['', 'due', 'archive', 'later', '', ''])[v.weight + 1] AS outcome,
           CASE v.weight WHEN 2 THEN coalesce(v.left_on, v.begun_on)
                         WHEN 1 THEN v.ends_on + CASE WHEN v.place <= 0 THEN 0 ELSE 1 END
                         WHEN 3 THEN v.ends_on + 1 END AS due_on,
           v.weight = 2 OR v.weight = 3 AND coalesce(v.archived_until > v.ends_on, false)
               AS to_archive
    FROM verdict v WHERE v.record_id NOT IN (SELECT id FROM held)
    OFFSET 0
)
"""
# One row for each case: where the deciding cell stands, the job, the month in which the record
# leaves the active base (none: now, or not within sight), and how many.
_CASE: Final = """
    CASE WHEN t.outcome = 'later' AND t.due_on < %(until)s
         THEN date_trunc('month', t.due_on)::date END AS month,
    CASE WHEN t.outcome = 'later' AND t.due_on >= %(until)s THEN ''
         ELSE t.outcome END AS outcome,
    t.to_archive, coalesce(t.was_due, false) AS was_due
"""
_SHOWN: Final = """
    (t.was_due OR t.outcome IN ('due', 'archive') OR t.outcome = 'later' AND t.due_on < %(until)s)
"""
_TABLE: Final = f"""
SELECT t.place, coalesce(a.job, '') AS job, {_CASE}, count(*)
FROM told t LEFT JOIN subjects_application a ON a.id = t.application_id
WHERE {_SHOWN} GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608 - constants only; values are parameters
# Most records share their fate with many: whoever has one ground, or two that tell of each other,
# with the same cells and anchors. Those are counted first and each kind judged once. What never
# ends under any period is not even counted. The scan reads no CTE, so that processes share it;
# whoever is held or changed is taken off afterwards.
_ALIKE: Final = """
    SELECT g.cell_id, g.reason, g.anchor, g.other_cell, g.other_anchor, a.job, $COUNT AS count
    FROM $GROUNDS LEFT JOIN subjects_application a ON a.id = g.application_id
    WHERE g.controller_id = %(controller)s
      AND (g.cell_id IS NOT NULL OR g.anchor IS NOT NULL)
      AND (g.total = 1 OR g.total = 2 AND NOT ($TWINS)
           AND (g.other_cell IS NOT NULL OR g.other_anchor IS NOT NULL))
    GROUP BY 1, 2, 3, 4, 5, 6
"""
# A pair that cannot tell which of its rows is which: gathered, as more than two are.
_TWINS: Final = """
    g.other_cell IS NOT DISTINCT FROM g.cell_id AND g.other_anchor IS NOT DISTINCT FROM g.anchor
"""
# The ground that decides speaks for its pair: as the greatest of `gathered`.
_KINDS: Final = put(
    """
$BUSY,
kind AS (
    SELECT row_number() OVER () AS row, cell_id, reason, anchor, other_cell, other_anchor, job,
           sum(count)::bigint AS count
    FROM ($ALL UNION ALL $TAKEN_OFF) counted
    GROUP BY cell_id, reason, anchor, other_cell, other_anchor, job HAVING sum(count) > 0
),
weighed AS (
    SELECT g.row, g.own, $WEIGHED, $WAS AS was,
           coalesce(g.cell_id, 0) AS cell, coalesce(g.anchor, 'infinity') AS anchor
    FROM (
        SELECT row, true AS own, cell_id, reason, anchor FROM kind
      UNION ALL
        SELECT row, false, other_cell, CASE WHEN other_cell IS NULL THEN 10 ELSE 0 END,
               other_anchor
        FROM kind WHERE other_cell IS NOT NULL OR other_anchor IS NOT NULL) g
    LEFT JOIN $THEN ON p.id = g.cell_id LEFT JOIN $NOW ON n.id = g.cell_id
),
ranked AS (
    SELECT w.*, CASE WHEN w.weight IN (1, 2, 3) THEN w.ends_on - '0001-01-01'::date
                         + CASE WHEN w.place <= 0 THEN 0 ELSE 1 END
                     ELSE 0 END AS days
    FROM weighed w
),
alike AS (
    SELECT own.place, k.job, greatest(own.was, other.was) = 1 AS was_due,
           (ARRAY['', 'due', 'archive', 'later', '', ''])[own.weight + 1] AS outcome,
           own.ends_on + 1 AS due_on,
           own.weight = 2 OR own.weight = 3 AND coalesce(
               other.weight = 2 AND other.ends_on > own.ends_on, false) AS to_archive,
           k.count
    FROM kind k JOIN ranked own ON own.row = k.row AND own.own
    LEFT JOIN ranked other ON other.row = k.row AND NOT other.own
    WHERE other.row IS NULL
       OR (own.weight, own.days, -coalesce(own.place, 99999), own.cell, own.anchor)
        > (other.weight, other.days, -coalesce(other.place, 99999), other.cell, other.anchor)
)
""",
    ALL=put(_ALIKE, COUNT="count(*)", GROUNDS="retention_ground g", TWINS=_TWINS),
    BUSY=due_sql.BUSY,
    TAKEN_OFF=put(
        _ALIKE,
        COUNT="-count(*)",
        GROUNDS="busy JOIN retention_ground g ON g.record_id = busy.id",
        TWINS=_TWINS,
    ),
    WEIGHED=put(_WEIGHED, WEIGHT=due_sql.WEIGHT),
    WAS=due_sql.WEIGHT.replace("p.", "n."),
    THEN=THEN,
    NOW=_NOW,
)
_LIST: Final = """
SELECT t.record_id, t.place, t.outcome, t.due_on FROM told t
WHERE CASE %(change)s
      WHEN 'due' THEN t.outcome = 'due'
      WHEN 'archive' THEN t.outcome = 'archive'
      WHEN 'joining' THEN t.outcome = 'due' AND t.was_due IS NOT TRUE
      WHEN 'leaving' THEN t.outcome <> 'due' AND t.was_due END
ORDER BY t.due_on, t.record_id LIMIT %(limit)s
"""

_VERDICT: Final = f"""
verdict AS (
    SELECT record_id, application_id, place, weight, was, ends_on, NULL::date AS left_on,
           anchor AS begun_on, NULL::date AS archived_until
    FROM judged WHERE total = 1
  UNION ALL {_OF_SEVERAL}
)
"""  # noqa: S608 - constants only
_EACH: Final = f"{_GATHERED}, {_VERDICT}, {_TOLD}"
_HELD: Final = f"WITH RECURSIVE {due_sql.HELD}"

TABLE: Final = f"""
{_HELD}, {_KINDS}, {put(_STORED, ONLY=f"AND (g.total > 2 OR g.total = 2 AND {_TWINS})")},
{_GATHERED}, verdict AS ({_OF_SEVERAL}), {_TOLD}
SELECT place, coalesce(job, ''), month, outcome, to_archive, was_due, sum(count)::bigint FROM (
    SELECT t.place, t.job, {_CASE}, t.count FROM alike t WHERE {_SHOWN}
  UNION ALL
    {_TABLE}
) counted GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608 - constants only; values are parameters
TABLE_FROM_FACTS: Final = f"{_FROM_FACTS}, {_EACH} {_TABLE}"
LIST: Final = f"{_HELD}, {put(_STORED, ONLY='')}, {_EACH} {_LIST}"
LIST_FROM_FACTS: Final = f"{_FROM_FACTS}, {_EACH} {_LIST}"
#: How many would be due: ranges of the same indexes that `due` reads.
COUNT: Final = due_sql.COUNT_DUE
COUNT_BY_RULE: Final = f"SELECT rule, count(*) FROM ({due_sql.DUE}) counted GROUP BY rule"  # noqa: S608 - constants only
