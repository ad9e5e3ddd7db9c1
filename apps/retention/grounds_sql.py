"""The pure rule (rules.py) over all records at once: facts to grounds in one statement.

Nothing here decides anything that rules.py does not say; a property test compares the two on
generated facts. Values come in as parameters, so the text never changes:

controller, everyone, records   the scope; all its records, or only these
cells, countries, rules, triggers   the cells of the scope, as parallel arrays

Reasons are the numbers of rules.Reason.
"""

from __future__ import annotations

from string import Template
from typing import Final


def _put(statement: str, **parts: str) -> str:
    """The statement with its parts, which are constants of this module, in place."""
    return Template(statement).substitute(parts)


# `fresh` is the last of these; each statement below goes on from it.
FRESH: Final = """
WITH RECURSIVE cell AS MATERIALIZED (
    SELECT id, country, rule, split_part(rule, '.', 1) AS base, trigger
    FROM unnest(%(cells)s::bigint[], %(countries)s::text[], %(rules)s::text[], %(triggers)s::text[])
        AS cell (id, country, rule, trigger)
),

-- Who is whose family: everyone merged, with the subject at the end of the chain.
climb (id, root) AS (
    SELECT id, merged_into_id FROM subjects_subject
    WHERE controller_id = %(controller)s AND merged_into_id IS NOT NULL
  UNION
    SELECT c.id, s.merged_into_id FROM climb c JOIN subjects_subject s ON s.id = c.root
    WHERE s.merged_into_id IS NOT NULL
),
merged AS (
    SELECT c.id, c.root FROM climb c JOIN subjects_subject s ON s.id = c.root
    WHERE s.merged_into_id IS NULL
),
head AS (
    SELECT DISTINCT coalesce(m.root, r.subject_id) AS root
    FROM subjects_record r LEFT JOIN merged m ON m.id = r.subject_id
    WHERE r.controller_id = %(controller)s AND r.id = ANY(%(records)s::uuid[])
),
asked (id) AS (
    SELECT root FROM head UNION ALL SELECT m.id FROM merged m JOIN head h ON h.root = m.root
),

-- What each subject said last; of a family, what was said on the latest day.
said AS (
    SELECT DISTINCT ON (e.subject_id)
           coalesce(m.root, e.subject_id) AS root, e.state, e.effective_on, e.recorded_at, e.id
    FROM consents_consentevent e LEFT JOIN merged m ON m.id = e.subject_id
    WHERE e.controller_id = %(controller)s AND e.purpose = 'talent_pool'
      AND (%(everyone)s OR e.subject_id IN (SELECT id FROM asked))
    ORDER BY e.subject_id, e.sequence DESC
),
word AS (
    SELECT DISTINCT ON (root) root, state, effective_on FROM said
    ORDER BY root, effective_on DESC, recorded_at DESC, id DESC
),
willing AS (
    SELECT root AS id, effective_on FROM word WHERE state IN ('given', 'renewed')
  UNION ALL
    SELECT m.id, w.effective_on FROM word w JOIN merged m ON m.root = w.root
    WHERE w.state IN ('given', 'renewed')
),
pool AS MATERIALIZED (
    SELECT r.id, r.version, c.country, w.effective_on AS consented_on
    FROM willing w
    JOIN subjects_record r ON r.subject_id = w.id
    JOIN connectors_connection c ON c.id = r.connection_id
    WHERE r.controller_id = %(controller)s AND r.state NOT IN ('erased', 'resurrected')
      AND (%(everyone)s OR r.id = ANY(%(records)s::uuid[]))
),

-- One pass over records and their applications. A record without one stands for itself: it
-- came back after its erasure, or was sourced, or nothing is known; a consent speaks for it.
one AS (
    SELECT r.id AS record_id, r.version, a.id AS application_id, a.applied_on, a.applied_quality,
           a.closed_on, a.closed_quality, a.rejected_notified_on, a.rejected_notified_quality,
           r.collected_on, r.collected_quality, r.seen_at,
           coalesce(nullif(a.country, ''), c.country) AS country,
           CASE WHEN r.state = 'resurrected' THEN NULL
                WHEN a.id IS NULL THEN CASE r.origin WHEN 'sourced' THEN 'sourced' END
                WHEN a.state NOT IN ('open', 'rejected', 'withdrawn') THEN NULL
                WHEN a.prospect THEN 'sourced'
                WHEN a.state <> 'open' THEN a.state
                WHEN a.job = '' THEN 'spontaneous' END AS rule,
           CASE WHEN r.state = 'resurrected' THEN 8
                WHEN a.id IS NULL THEN 7
                ELSE CASE a.state WHEN 'hired' THEN 2 WHEN 'open' THEN 1 ELSE 6 END
           END AS otherwise
    FROM subjects_record r
    JOIN connectors_connection c ON c.id = r.connection_id
    LEFT JOIN subjects_application a ON a.record_id = r.id AND r.state <> 'resurrected'
    LEFT JOIN pool p ON p.id = r.id
    WHERE r.controller_id = %(controller)s AND r.state <> 'erased'
      AND (%(everyone)s OR r.id = ANY(%(records)s::uuid[]))
      -- A converted application leaves the word to the one that follows it.
      AND (a.id IS NULL OR a.state <> 'converted' OR NOT EXISTS (
          SELECT FROM subjects_application o WHERE o.record_id = r.id AND o.state <> 'converted'))
      AND (a.id IS NOT NULL OR p.id IS NULL)
),
by_application AS (
    SELECT o.record_id, o.version, o.application_id, o.rule, o.country, c.id AS cell_id,
           o.otherwise,
           CASE WHEN o.otherwise = 8 THEN (o.seen_at AT TIME ZONE 'UTC')::date
                ELSE CASE c.trigger
                    WHEN 'process.closed' THEN o.closed_on
                    WHEN 'candidate.withdrew' THEN o.closed_on
                    WHEN 'decision.rejected_notified' THEN o.rejected_notified_on
                    WHEN 'application.received' THEN o.applied_on
                    WHEN 'sourced.collected' THEN o.collected_on END
           END AS anchor,
           CASE WHEN o.otherwise = 8 THEN 'exact'
                ELSE CASE c.trigger
                    WHEN 'process.closed' THEN o.closed_quality
                    WHEN 'candidate.withdrew' THEN o.closed_quality
                    WHEN 'decision.rejected_notified' THEN o.rejected_notified_quality
                    WHEN 'application.received' THEN o.applied_quality
                    WHEN 'sourced.collected' THEN o.collected_quality END
           END AS quality
    FROM one o LEFT JOIN cell c ON c.country = o.country AND c.base = o.rule
),

-- A consent belongs to the person: the establishment is the connection's, else the only one
-- that the applications name.
placed AS (
    SELECT p.id, p.version, p.consented_on,
           coalesce(nullif(p.country, ''), (
               SELECT min(a.country) FROM subjects_application a
               WHERE a.record_id = p.id AND a.country <> '' HAVING count(DISTINCT a.country) = 1
           ), '') AS country
    FROM pool p
),
by_person AS (
    SELECT p.id AS record_id, p.version, NULL::uuid AS application_id, 'talent_pool' AS rule,
           p.country, c.id AS cell_id, 7 AS otherwise,
           CASE c.trigger
               WHEN 'consent.given' THEN p.consented_on
               WHEN 'last_contact' THEN greatest(p.consented_on, l.applied_on) END AS anchor,
           CASE WHEN c.trigger = 'last_contact' AND l.applied_on > p.consented_on
                THEN l.applied_quality ELSE 'exact' END AS quality
    FROM placed p
    LEFT JOIN cell c ON c.country = p.country AND c.base = 'talent_pool'
    LEFT JOIN LATERAL (
        -- "exact" sorts after "approximate": of two on one day, the one that is sure.
        SELECT a.applied_on, a.applied_quality FROM subjects_application a
        WHERE a.record_id = p.id AND NOT a.prospect AND a.applied_on IS NOT NULL
          AND a.applied_quality <> 'missing'
        ORDER BY a.applied_on DESC, a.applied_quality DESC LIMIT 1
    ) l ON c.trigger = 'last_contact'
),
claim AS (
    SELECT record_id, version, application_id, cell_id,
           CASE WHEN quality <> 'missing' THEN anchor END AS anchor,
           anchor IS NOT NULL AND quality = 'approximate' AS approximate,
           (CASE WHEN rule IS NULL THEN otherwise
                 WHEN country = '' THEN 4
                 WHEN cell_id IS NULL THEN 3
                 WHEN anchor IS NULL OR quality = 'missing' THEN 5
                 ELSE 0 END)::smallint AS reason
    FROM (SELECT * FROM by_application UNION ALL SELECT * FROM by_person) claims
),
fresh AS MATERIALIZED (
    SELECT *, (count(*) OVER (PARTITION BY record_id))::smallint AS total FROM claim
)
"""

_SAME: Final = """
    f.record_id = g.record_id
    AND f.application_id IS NOT DISTINCT FROM g.application_id
    AND f.cell_id IS NOT DISTINCT FROM g.cell_id AND f.anchor IS NOT DISTINCT FROM g.anchor
    AND f.reason = g.reason AND f.approximate = g.approximate
    AND f.version = g.version AND f.total = g.total
"""

_INSERT: Final = """
INSERT INTO retention_ground (controller_id, record_id, application_id, cell_id, anchor,
                              reason, approximate, version, total)
SELECT %(controller)s, f.record_id, f.application_id, f.cell_id, f.anchor,
       f.reason, f.approximate, f.version, f.total
FROM fresh f
"""

#: Where there is no ground yet.
FILL: Final = FRESH.replace("fresh AS MATERIALIZED", "fresh AS") + _INSERT

#: Makes the stored grounds what the facts say. Only what differs is written, so that a second
#: run over unchanged facts writes nothing; the row count is that of the grounds written.
REFRESH: Final = _put(
    """
$FRESH,
gone AS (
    DELETE FROM retention_ground g
    WHERE g.controller_id = %(controller)s
      AND (%(everyone)s OR g.record_id = ANY(%(records)s::uuid[]))
      AND NOT EXISTS (SELECT FROM fresh f WHERE $SAME)
)
$INSERT
WHERE NOT EXISTS (
    SELECT FROM retention_ground g WHERE g.controller_id = %(controller)s AND $SAME)
""",
    INSERT=_INSERT,
    FRESH=FRESH,
    SAME=_SAME,
)

# A record that is being written now is left for the next time: its lock is taken before its
# mark, so that no change can slip in between reading the facts and removing the mark.
_TAKEN: Final = """
WITH taken AS (
    SELECT c.record_id FROM subjects_change c JOIN subjects_record r ON r.id = c.record_id
    WHERE c.controller_id = %(controller)s
    ORDER BY c.record_id LIMIT %(limit)s
    FOR UPDATE OF c SKIP LOCKED FOR NO KEY UPDATE OF r SKIP LOCKED
)
DELETE FROM subjects_change c USING taken t WHERE c.record_id = t.record_id
"""
TAKE_ALL: Final = _TAKEN
TAKE: Final = _put("$TAKEN RETURNING c.record_id", TAKEN=_TAKEN)

# Holds count for the whole family: up to where it was merged, then down to all of it.
HELD: Final = """
above (id) AS (
    SELECT subject_id FROM retention_hold
    WHERE controller_id = %(controller)s AND released_at IS NULL
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
"""
PERIOD: Final = """
period AS MATERIALIZED (
    SELECT id, rule, cutoff, duration = '' AS off, nullif(duration, '')::interval AS span
    FROM unnest(%(period_cells)s::bigint[], %(period_rules)s::text[],
                %(period_cutoffs)s::date[], %(period_durations)s::text[])
        AS period (id, rule, cutoff, duration)
)
"""
# As rules.Judged.weight: the greatest of a record's grounds decides.
WEIGHT: Final = """
    CASE WHEN g.reason = 8 THEN 1
         WHEN g.cell_id IS NULL THEN CASE WHEN g.reason IN (1, 2) THEN 4 ELSE 3 END
         WHEN p.id IS NULL THEN 3
         WHEN p.off THEN 0
         WHEN g.anchor IS NULL THEN 3
         WHEN g.anchor <= p.cutoff THEN 1
         ELSE 2 END
"""

# Ranges of two partial indexes, cell by cell; the table itself is not read. A record with one
# ground is due when that has ended. With several, all of those not switched off must have
# ended: how many it has stands in each of them, so that no living ground is ever looked for.
# A record whose facts are newer than its grounds waits for them.
# The planner cannot know how early the cut-offs are and would guess a third of all rows, read
# whole indexes and compile: a range with two ends makes it guess 1 in 200; OFFSET 0 keeps the
# scans cell by cell.
_DUE: Final = _put(
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
           (g.anchor + p.span)::date AS ends_on
    FROM period p CROSS JOIN LATERAL (
        SELECT g.record_id, g.version, g.anchor, g.total FROM retention_ground g
        WHERE g.cell_id = p.id AND g.total > 1
          AND g.anchor > '-infinity' AND g.anchor <= p.cutoff OFFSET 0) g
),
back AS (
    SELECT record_id, version, anchor FROM retention_ground
    WHERE controller_id = %(controller)s AND reason = 8
)
""",
    HELD=HELD,
    PERIOD=PERIOD,
)
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
DUE: Final = _put(
    """
$DUE,
due AS (
    SELECT record_id, version, rule, (anchor + span)::date + 1 AS due_on, cell FROM alone
  UNION ALL
    SELECT a.record_id, a.version,
           (array_agg(a.rule ORDER BY a.ends_on DESC, a.rule COLLATE "C"))[1],
           max(a.ends_on) + 1,
           (array_agg(a.cell ORDER BY a.ends_on DESC, a.rule COLLATE "C"))[1]
    FROM among a GROUP BY a.record_id, a.version HAVING $ALL_ENDED
  UNION ALL
    SELECT record_id, version, 'resurrected', anchor, NULL FROM back
)
SELECT d.record_id, d.version, d.rule, d.due_on, d.cell FROM due d
WHERE $FREE AND (%(connection)s::uuid IS NULL OR EXISTS (
    SELECT FROM subjects_record r
    WHERE r.id = d.record_id AND r.connection_id = %(connection)s::uuid))
ORDER BY d.due_on, d.record_id LIMIT %(limit)s
""",
    DUE=_DUE,
    FREE=_FREE,
    ALL_ENDED=_ALL_ENDED,
)
DUE_IDS: Final = _put(
    """
$DUE,
due AS (
    SELECT record_id FROM alone
  UNION ALL
    SELECT a.record_id FROM among a GROUP BY a.record_id HAVING $ALL_ENDED
  UNION ALL
    SELECT record_id FROM back
)
SELECT d.record_id FROM due d WHERE $FREE
""",
    DUE=_DUE,
    FREE=_FREE,
    ALL_ENDED=_ALL_ENDED,
)

#: One row: due, kept, held, undecided, pending (facts newer than the grounds).
COUNTS: Final = _put(
    """
WITH RECURSIVE $PERIOD, $HELD,
judged AS (
    SELECT g.record_id, g.total, $WEIGHT AS weight
    FROM retention_ground g LEFT JOIN period p ON p.id = g.cell_id
    WHERE g.controller_id = %(controller)s
      AND NOT EXISTS (SELECT FROM subjects_change c WHERE c.record_id = g.record_id)
),
record AS (
    SELECT record_id, weight FROM judged WHERE total = 1
  UNION ALL
    SELECT record_id, max(weight) FROM judged WHERE total > 1 GROUP BY record_id
),
outcome AS (
    SELECT CASE WHEN h.id IS NOT NULL THEN 'held' WHEN r.weight = 1 THEN 'due'
                WHEN r.weight IN (2, 4) THEN 'kept' ELSE 'undecided' END AS outcome
    FROM record r LEFT JOIN held h ON h.id = r.record_id
)
SELECT count(*) FILTER (WHERE outcome = 'due'), count(*) FILTER (WHERE outcome = 'kept'),
       count(*) FILTER (WHERE outcome = 'held'), count(*) FILTER (WHERE outcome = 'undecided'),
       (SELECT count(*) FROM subjects_change WHERE controller_id = %(controller)s)
FROM outcome
""",
    HELD=HELD,
    PERIOD=PERIOD,
    WEIGHT=WEIGHT,
)
