"""The pure rule (rules.py) over all records at once: what is due, how many of each outcome.

Nothing here decides anything that rules.py does not say; a property test compares the two on
generated facts. Values come in as parameters, so the text never changes:

controller   the scope
period_cells, period_rules, period_cutoffs, period_durations
             the periods in force, as parallel arrays, each with the cut-off of the pure rule
any_off      whether one of them is switched off
meant_standings, meant_states, meant_prospects
             what a mapping says of applications (mapped.arrays)
ahead        the last day that is not in the future anywhere (rules.AHEAD)
"""

from __future__ import annotations

from typing import Final

from apps.retention.grounds_sql import MEANT, put
from apps.retention.rules import WEIGHTS

#: hold_rules.matches: the records that the query of a case `h` holds. What is not known may be
#: meant. OFFSET 0: never read before there is a case.
MATCHED: Final = put(
    """
    SELECT r.id, r.subject_id, r.sending_step
    FROM subjects_record r JOIN connectors_connection c ON c.id = r.connection_id
    LEFT JOIN $MEANT a ON a.record_id = r.id
    WHERE r.controller_id = %(controller)s AND r.state <> 'erased'
      AND (h.connection_id IS NULL OR r.connection_id = h.connection_id)
      AND (a.id IS NOT NULL OR h.jobs = '{}' AND h.states = '{}'
           AND h.applied_from IS NULL AND h.applied_until IS NULL)
      AND (h.jobs = '{}' OR a.job = ANY(h.jobs))
      AND (h.states = '{}' OR a.state = ANY(h.states) OR a.state = 'unknown')
      AND (h.countries = '{}'
           OR coalesce(nullif(a.country, ''), c.country) = ''
           OR coalesce(nullif(a.country, ''), c.country) = ANY(h.countries))
      AND (a.applied_on IS NULL OR a.applied_quality = 'missing'
           OR a.applied_on BETWEEN coalesce(h.applied_from, '-infinity')
                           AND coalesce(h.applied_until, 'infinity'))
    OFFSET 0
""",
    MEANT=MEANT,
)
BY_QUERY: Final = put(
    """
  UNION
    SELECT q.subject_id FROM retention_holdcase h CROSS JOIN LATERAL ($MATCHED) q
    WHERE h.controller_id = %(controller)s AND h.by_query AND h.released_at IS NULL
""",
    MATCHED=MATCHED,
)
# Holds count for the whole family: up to where it was merged, then down to all of it.
HELD: Final = put(
    """
above (id) AS (
    SELECT subject_id FROM retention_hold
    WHERE controller_id = %(controller)s AND released_at IS NULL
    $BY_QUERY
  UNION
    SELECT s.merged_into_id FROM above a JOIN subjects_subject s ON s.id = a.id
    WHERE s.merged_into_id IS NOT NULL
),
kin (id) AS (
    SELECT id FROM above
  UNION
    SELECT s.id FROM kin k JOIN subjects_subject s ON s.merged_into_id = k.id
),
held AS MATERIALIZED (
    SELECT r.id FROM kin k JOIN subjects_record r ON r.subject_id = k.id
)
""",
    BY_QUERY=BY_QUERY,
)
#: Who is not free to go: taken off what was counted for everybody.
BUSY: Final = """
busy AS (
    SELECT id FROM held
  UNION
    SELECT record_id FROM subjects_change WHERE controller_id = %(controller)s
)
"""
PERIODS: Final = """
    SELECT id, rule, place, coalesce(cutoff, '-infinity') AS cutoff, duration = '' AS off,
           right(rule, 8) = '.archive' AS archived, nullif(duration, '')::interval AS span
    FROM unnest(%(period_cells)s::bigint[], %(period_rules)s::text[],
                %(period_cutoffs)s::date[], %(period_durations)s::text[])
        WITH ORDINALITY AS period (id, rule, cutoff, duration, place)
"""
PERIOD: Final = put("period AS MATERIALIZED ($PERIODS)", PERIODS=PERIODS)
# As rules.Judged.weight: the greatest of a record's grounds decides.
WEIGHT: Final = """
    CASE WHEN g.reason IN (8, 10) THEN 1
         WHEN g.cell_id IS NULL THEN CASE WHEN g.reason IN (1, 2, 9) THEN 5 ELSE 4 END
         WHEN p.id IS NULL THEN 4
         WHEN p.off THEN 0
         WHEN g.anchor IS NULL OR g.anchor > %(ahead)s THEN 4
         WHEN g.anchor <= p.cutoff THEN 1
         WHEN p.archived THEN 2
         ELSE 3 END
"""

#: What follows for a record that is not held, from the greatest weight `r.weight`.
OUTCOME: Final = f"(ARRAY{[one.outcome for one in WEIGHTS]})[r.weight + 1]"

REQUIRED: Final = """
    SELECT record_id, version, total, NULL, 'erasure', anchor FROM retention_ground
    WHERE controller_id = %(controller)s AND reason = 10 AND total > 1
"""
# Due at once, by no period: came back after the erasure, or it was granted to the person.
BACK: Final = """
back AS (
    SELECT record_id, version, anchor,
           CASE reason WHEN 8 THEN 'resurrected' ELSE 'erasure' END AS rule
    FROM retention_ground
    WHERE controller_id = %(controller)s AND reason IN (8, 10) AND total = 1
)
"""
# Ranges of two partial indexes, cell by cell; the table itself is not read. A record with one
# ground is due when that has ended. With several, all of those not switched off must have
# ended: how many it has stands in each of them, so that no living ground is ever looked for.
# A record whose facts are newer than its grounds waits for them.
# The planner cannot know how early the cut-offs are and would guess a third of all rows, read
# whole indexes and compile: a range with two ends makes it guess 1 in 200; OFFSET 0 keeps the
# scans cell by cell.
_ENDED: Final = put(
    """
WITH RECURSIVE $PERIOD, $HELD,
alone AS (
    SELECT g.record_id, g.version, p.id AS cell, p.rule, p.span, g.anchor
    FROM period p CROSS JOIN LATERAL (
        SELECT g.record_id, g.version, g.anchor FROM retention_ground g
        WHERE g.cell_id = p.id AND g.total = 1
          AND g.anchor > '-infinity' AND g.anchor <= p.cutoff OFFSET 0) g
),
among AS (
    SELECT g.record_id, g.version, g.total, p.id AS cell, p.rule,
           (g.anchor + p.span)::date + 1 AS due_on
    FROM period p CROSS JOIN LATERAL (
        SELECT g.record_id, g.version, g.anchor, g.total, g.other_cell, g.other_anchor
        FROM retention_ground g
        WHERE g.cell_id = p.id AND g.total > 1
          AND g.anchor > '-infinity' AND g.anchor <= p.cutoff OFFSET 0) g
    $BOTH
  UNION ALL
    $REQUIRED
),
$BACK
""",
    HELD=HELD,
    PERIOD=PERIOD,
    REQUIRED=REQUIRED,
    BACK=BACK,
    BOTH="$BOTH",
)
# Each of two grounds says what the other is: where one lives, the pair is left at once.
BOTH: Final = """
    LEFT JOIN period o ON o.id = g.other_cell
    WHERE (g.total > 2 OR o.off OR g.other_cell IS NULL AND g.other_anchor IS NOT NULL
           OR g.other_anchor > '-infinity' AND g.other_anchor <= o.cutoff)
"""
_DUE: Final = put(_ENDED, BOTH=BOTH)
_ALL_ENDED: Final = """
    count(*) = min(a.total) OR %(any_off)s AND min(a.total) = count(*) + (
        SELECT count(*) FROM retention_ground o JOIN period p ON p.id = o.cell_id
        WHERE o.record_id = a.record_id AND p.off)
"""
# `held` always looks small to the planner, so NOT IN is hashed; the marks it sees as they are.
_FREE: Final = """
    d.record_id NOT IN (SELECT id FROM held)
    AND NOT EXISTS (SELECT FROM subjects_change c WHERE c.record_id = d.record_id)
"""
_CHOSEN: Final = """
    (%(connection)s::uuid IS NULL OR EXISTS (
        SELECT FROM subjects_record r
        WHERE r.id = d.record_id AND r.connection_id = %(connection)s::uuid))
"""
DECIDED: Final = put(
    """
due AS (
    SELECT record_id, version, rule, (anchor + span)::date + 1 AS due_on, cell FROM alone
  UNION ALL
    SELECT a.record_id, a.version,
           (array_agg(a.rule ORDER BY a.due_on DESC, a.rule COLLATE "C"))[1], max(a.due_on),
           (array_agg(a.cell ORDER BY a.due_on DESC, a.rule COLLATE "C"))[1]
    FROM among a GROUP BY a.record_id, a.version HAVING $ALL_ENDED
  UNION ALL
    SELECT record_id, version, rule, anchor, NULL FROM back
)
SELECT d.record_id, d.version, d.rule, d.due_on, d.cell FROM due d
WHERE $FREE AND $CHOSEN
""",
    FREE=_FREE,
    CHOSEN=_CHOSEN,
    ALL_ENDED=_ALL_ENDED,
)
#: In no order.
ALL_DUE: Final = f"{_DUE}, {DECIDED}"
DUE: Final = f"{ALL_DUE} ORDER BY d.due_on, d.record_id LIMIT %(limit)s"

_IDS_AMONG: Final = put(
    """
    SELECT a.record_id FROM among a GROUP BY a.record_id HAVING $ALL_ENDED
  UNION ALL
    SELECT record_id FROM back
""",
    ALL_ENDED=_ALL_ENDED,
)
DUE_IDS: Final = f"""
{_DUE},
due AS (SELECT record_id FROM alone UNION ALL {_IDS_AMONG})
SELECT d.record_id FROM due d WHERE {_FREE}
"""  # noqa: S608 - constants only; values are parameters
#: How many. Those with one ground are counted in the index, and whoever is not free taken off.
COUNT_DUE: Final = f"""
{_DUE},
others AS (SELECT d.record_id FROM ({_IDS_AMONG}) d WHERE {_FREE}),
{BUSY}
SELECT (SELECT count(*) FROM others) + (
    SELECT coalesce(sum(ended.count), 0) FROM period p CROSS JOIN LATERAL (
        SELECT count(*) FROM retention_ground g
        WHERE g.cell_id = p.id AND g.total = 1
          AND g.anchor > '-infinity' AND g.anchor <= p.cutoff OFFSET 0) ended
) - (
    SELECT count(*) FROM busy b CROSS JOIN LATERAL (
        SELECT g.cell_id, g.anchor FROM retention_ground g
        WHERE g.record_id = b.id AND g.total = 1 OFFSET 0) g
    JOIN period p ON p.id = g.cell_id AND g.anchor > '-infinity' AND g.anchor <= p.cutoff
)
"""  # noqa: S608 - constants only; values are parameters

# To be archived: nothing keeps the active base, and at least one ground keeps the archive. A
# ground there lives in a range of the same indexes, above the cut-off.
ARCHIVE: Final = put(
    """
$DUE,
archive AS (
    SELECT g.record_id, g.version, g.total, p.id AS cell, p.rule, g.anchor,
           (g.anchor + p.span)::date AS ends_on
    FROM period p CROSS JOIN LATERAL (
        SELECT g.record_id, g.version, g.anchor, g.total FROM retention_ground g
        WHERE g.cell_id = p.id AND g.total > 1
          AND g.anchor > p.cutoff AND g.anchor <= %(ahead)s OFFSET 0) g
    WHERE p.archived AND NOT p.off
),
gathered AS (
    SELECT record_id, version, total, cell, rule, NULL::date AS ends_on,
           NULL::date AS begun_on, due_on
    FROM among
  UNION ALL
    SELECT record_id, version, total, cell, rule, ends_on, anchor, NULL FROM archive
),
due AS (
    SELECT a.record_id, a.version,
           (array_agg(a.rule ORDER BY a.ends_on DESC, a.rule COLLATE "C")
               FILTER (WHERE a.begun_on IS NOT NULL))[1] AS rule,
           coalesce(max(a.due_on), max(a.begun_on)) AS due_on,
           (array_agg(a.cell ORDER BY a.ends_on DESC, a.rule COLLATE "C")
               FILTER (WHERE a.begun_on IS NOT NULL))[1] AS cell
    FROM gathered a GROUP BY a.record_id, a.version
    HAVING count(a.begun_on) > 0 AND ($ALL_ENDED)
  UNION ALL
    SELECT g.record_id, g.version, p.rule, g.anchor, p.id
    FROM period p CROSS JOIN LATERAL (
        SELECT g.record_id, g.version, g.anchor FROM retention_ground g
        WHERE g.cell_id = p.id AND g.total = 1
          AND g.anchor > p.cutoff AND g.anchor <= %(ahead)s OFFSET 0) g
    WHERE p.archived AND NOT p.off
)
SELECT d.record_id, d.version, d.rule, d.due_on, d.cell, true FROM due d
WHERE $FREE AND $CHOSEN
ORDER BY d.due_on, d.record_id LIMIT %(limit)s
""",
    DUE=put(_ENDED, BOTH=""),
    FREE=_FREE,
    CHOSEN=_CHOSEN,
    ALL_ENDED=_ALL_ENDED,
)
