"""The pure rule (derivation.py) over all records at once: facts to grounds in one statement.

Nothing here decides anything that derivation.py does not say; a property test compares the two on
generated facts. Values come in as parameters, so the text never changes:

controller, everyone, records   the scope; all its records, or only these
cells, countries, rules, jobs, triggers, outlive
                                the cells of the scope, as parallel arrays (facts.cell_arrays)
meant_standings, meant_states, meant_prospects
                                what a mapping says of applications otherwise than the vendor
                                (mapped.arrays)
by_contact                      whether the period of an ordinary application runs from the
                                last contact: it is then looked for in every record

Reasons are the numbers of rules.Reason.
"""

from __future__ import annotations

from string import Template
from typing import Final


def put(statement: str, **parts: str) -> str:
    """The statement with its parts, which are constants of this module, in place."""
    return Template(statement).substitute(parts)


#: Applications as the mapping of their connection says they are (meanings.stands).
MEANT: Final = """(
    SELECT a.id, a.controller_id, a.record_id, coalesce(m.state, a.state) AS state,
           coalesce(m.prospect, a.prospect) AS prospect, a.job, a.country,
           a.applied_on, a.applied_quality, a.closed_on, a.closed_quality,
           a.rejected_notified_on, a.rejected_notified_quality
    FROM subjects_application a
    LEFT JOIN unnest(%(meant_standings)s::bigint[], %(meant_states)s::text[],
                     %(meant_prospects)s::boolean[]) AS m (id, state, prospect)
           ON m.id = a.standing_id
)"""

# `fresh` is the last of these; each statement below goes on from it.
FRESH: Final = put(
    """
WITH RECURSIVE cell AS MATERIALIZED (
    SELECT id, country, split_part(rule, '.', 1) AS base, job, trigger, outlives
    FROM unnest(%(cells)s::bigint[], %(countries)s::text[], %(rules)s::text[], %(jobs)s::text[],
                %(triggers)s::text[], %(outlive)s::boolean[])
        AS cell (id, country, rule, job, trigger, outlives)
),
-- Jobs with a period of their own.
special AS MATERIALIZED (SELECT DISTINCT country, base, job FROM cell WHERE job <> ''),

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
-- What else is known of a person, for everyone of the family.
noted AS (
    SELECT coalesce(m.root, n.subject_id) AS root, max(n.contacted_on) AS contacted_on,
           min(n.informed_on) AS informed_on, bool_or(n.restricted) AS restricted,
           min(n.required_on) AS required_on
    FROM (
        SELECT subject_id, happened_on AS contacted_on, NULL::date AS informed_on,
               false AS restricted, NULL::date AS required_on
        FROM subjects_contact WHERE controller_id = %(controller)s
      UNION ALL
        SELECT subject_id, NULL, given_on, false, NULL FROM consents_noticegiven
        WHERE controller_id = %(controller)s
      UNION ALL
        SELECT subject_id, NULL, NULL, true, NULL FROM retention_restriction
        WHERE controller_id = %(controller)s AND lifted_at IS NULL
      UNION ALL
        SELECT subject_id, NULL, NULL, false, required_on FROM retention_erasurerequirement
        WHERE controller_id = %(controller)s AND cancelled_at IS NULL
    ) n LEFT JOIN merged m ON m.id = n.subject_id
    WHERE %(everyone)s OR n.subject_id IN (SELECT id FROM asked)
    GROUP BY 1
),
known AS MATERIALIZED (
    SELECT root AS id, contacted_on, informed_on, restricted, required_on FROM noted
  UNION ALL
    SELECT m.id, n.contacted_on, n.informed_on, n.restricted, n.required_on
    FROM noted n JOIN merged m ON m.root = n.root
),
pool AS MATERIALIZED (
    SELECT r.id, r.version, c.country, w.effective_on AS consented_on,
           greatest(w.effective_on, k.contacted_on, k.informed_on) AS last_said,
           w.effective_on <= k.required_on AS ended
    FROM willing w
    JOIN subjects_record r ON r.subject_id = w.id
    JOIN connectors_connection c ON c.id = r.connection_id
    LEFT JOIN known k ON k.id = r.subject_id
    WHERE r.controller_id = %(controller)s AND r.state NOT IN ('erased', 'resurrected')
      AND (%(everyone)s OR r.id = ANY(%(records)s::uuid[]))
),
-- The day a record's person last applied. "exact" sorts after "approximate": of two on one day,
-- the one that is sure.
applied AS MATERIALIZED (
    SELECT DISTINCT ON (a.record_id) a.record_id, a.applied_on, a.applied_quality
    FROM $MEANT a
    WHERE a.controller_id = %(controller)s AND NOT a.prospect
      AND a.applied_on IS NOT NULL AND a.applied_quality <> 'missing'
      AND (%(everyone)s OR a.record_id = ANY(%(records)s::uuid[]))
      AND (%(by_contact)s OR a.record_id IN (
          SELECT id FROM pool
        UNION ALL
          SELECT r.id FROM known k JOIN subjects_record r ON r.subject_id = k.id
          WHERE k.informed_on IS NOT NULL))
    ORDER BY a.record_id, a.applied_on DESC, a.applied_quality DESC
),

-- One pass over records and their applications. A record without one stands for itself: it
-- came back after its erasure, or was sourced, or nothing is known; a consent speaks for it.
one AS (
    SELECT r.id AS record_id, r.version, a.id AS application_id, a.applied_on, a.applied_quality,
           a.closed_on, a.closed_quality, a.rejected_notified_on, a.rejected_notified_quality,
           r.collected_on, r.collected_quality, r.seen_at, coalesce(a.job, '') AS job,
           coalesce(nullif(a.country, ''), c.country) AS country,
           k.contacted_on, k.informed_on, p.consented_on,
           -- Anything but what the person did after the request.
           k.required_on IS NOT NULL AND NOT coalesce(
               a.applied_quality <> 'missing' AND a.applied_on > k.required_on, false) AS ended,
           CASE WHEN r.state = 'resurrected' THEN NULL
                WHEN a.id IS NULL AND r.origin <> 'sourced' THEN NULL
                WHEN a.state NOT IN ('open', 'rejected', 'withdrawn') THEN NULL
                WHEN a.id IS NULL OR a.prospect THEN
                    CASE WHEN k.informed_on IS NULL THEN 'sourced' ELSE 'sourced_informed' END
                WHEN a.state <> 'open' THEN a.state
                WHEN a.job = '' THEN 'spontaneous' END AS rule,
           CASE WHEN r.state = 'resurrected' THEN 8
                WHEN a.id IS NULL THEN 7
                ELSE CASE a.state WHEN 'hired' THEN 2 WHEN 'open' THEN 1 ELSE 6 END
           END AS otherwise,
           -- Ended before it was made: one of the two dates is wrong.
           a.id IS NOT NULL AND coalesce(a.applied_quality <> 'missing' AND (
               a.closed_quality <> 'missing' AND a.closed_on < a.applied_on
               OR a.rejected_notified_quality <> 'missing'
               AND a.rejected_notified_on < a.applied_on), false) AS contradicts
    FROM subjects_record r
    JOIN connectors_connection c ON c.id = r.connection_id
    LEFT JOIN $MEANT a ON a.record_id = r.id AND r.state <> 'resurrected'
    LEFT JOIN pool p ON p.id = r.id
    LEFT JOIN known k ON k.id = r.subject_id
    WHERE r.controller_id = %(controller)s AND r.state <> 'erased'
      AND (%(everyone)s OR r.id = ANY(%(records)s::uuid[]))
      -- A converted application leaves the word to the one that follows it.
      AND (a.id IS NULL OR a.state <> 'converted' OR NOT EXISTS (
          SELECT FROM $MEANT o WHERE o.record_id = r.id AND o.state <> 'converted'))
      AND (a.id IS NOT NULL OR p.id IS NULL)
),
by_application AS (
    SELECT o.record_id, o.version, o.application_id, o.rule, o.country, c.id AS cell_id,
           o.otherwise, o.contradicts, o.ended, c.outlives,
           CASE WHEN o.otherwise = 8 THEN (o.seen_at AT TIME ZONE 'UTC')::date
                ELSE CASE c.trigger
                    WHEN 'process.closed' THEN o.closed_on
                    WHEN 'candidate.withdrew' THEN o.closed_on
                    WHEN 'decision.rejected_notified' THEN o.rejected_notified_on
                    WHEN 'application.received' THEN o.applied_on
                    WHEN 'sourced.collected' THEN o.collected_on
                    WHEN 'last_contact' THEN greatest(
                        o.contacted_on, o.informed_on, o.consented_on, l.applied_on) END
           END AS anchor,
           CASE WHEN o.otherwise = 8 THEN 'exact'
                ELSE CASE c.trigger
                    WHEN 'process.closed' THEN o.closed_quality
                    WHEN 'candidate.withdrew' THEN o.closed_quality
                    WHEN 'decision.rejected_notified' THEN o.rejected_notified_quality
                    WHEN 'application.received' THEN o.applied_quality
                    WHEN 'sourced.collected' THEN o.collected_quality
                    WHEN 'last_contact' THEN CASE WHEN l.applied_on > coalesce(greatest(
                        o.contacted_on, o.informed_on, o.consented_on), '-infinity')
                        THEN l.applied_quality ELSE 'exact' END END
           END AS quality
    FROM one o
    LEFT JOIN special s ON s.country = o.country AND s.base = o.rule AND s.job = o.job
    LEFT JOIN cell c ON c.country = o.country AND c.base = o.rule AND NOT o.contradicts
                    AND c.job = coalesce(s.job, '')
    LEFT JOIN applied l ON l.record_id = o.record_id
),

-- A consent belongs to the person: the establishment is the connection's, else the only one
-- that the applications name.
placed AS (
    SELECT p.id, p.version, p.consented_on, p.last_said, p.ended,
           coalesce(nullif(p.country, ''), (
               SELECT min(a.country) FROM subjects_application a
               WHERE a.record_id = p.id AND a.country <> '' HAVING count(DISTINCT a.country) = 1
           ), '') AS country
    FROM pool p
),
by_person AS (
    SELECT p.id AS record_id, p.version, NULL::uuid AS application_id, 'talent_pool' AS rule,
           p.country, c.id AS cell_id, 7 AS otherwise, false AS contradicts, p.ended, c.outlives,
           CASE c.trigger
               WHEN 'consent.given' THEN p.consented_on
               WHEN 'last_contact' THEN greatest(p.last_said, l.applied_on) END AS anchor,
           CASE WHEN c.trigger = 'last_contact' AND l.applied_on > p.last_said
                THEN l.applied_quality ELSE 'exact' END AS quality
    FROM placed p
    LEFT JOIN cell c ON c.country = p.country AND c.base = 'talent_pool' AND c.job = ''
    LEFT JOIN applied l ON l.record_id = p.id
),
-- Grounds that the law or a request gives a person, whatever they applied for.
by_law AS (
    SELECT r.id AS record_id, r.version, v.reason, v.anchor
    FROM known k
    JOIN subjects_record r ON r.subject_id = k.id
    CROSS JOIN LATERAL (
        SELECT 9 AS reason, NULL::date AS anchor WHERE k.restricted
      UNION ALL
        SELECT 10, k.required_on WHERE k.required_on IS NOT NULL
    ) v
    WHERE r.controller_id = %(controller)s AND r.state NOT IN ('erased', 'resurrected')
      AND (%(everyone)s OR r.id = ANY(%(records)s::uuid[]))
),
weighed AS (
    SELECT record_id, version, application_id, cell_id, ended, outlives,
           CASE WHEN quality <> 'missing' THEN anchor END AS anchor,
           anchor IS NOT NULL AND quality = 'approximate' AS approximate,
           CASE WHEN rule IS NULL THEN otherwise
                WHEN contradicts THEN 11
                WHEN country = '' THEN 4
                WHEN cell_id IS NULL THEN 3
                WHEN anchor IS NULL OR quality = 'missing' THEN 5
                ELSE 0 END AS reason
    FROM (SELECT * FROM by_application UNION ALL SELECT * FROM by_person) claims
),
claim AS (
    SELECT record_id, version, application_id, cell_id, anchor, approximate,
           reason::smallint AS reason
    FROM weighed
    -- derivation._stands: what an accepted erasure leaves.
    WHERE ended IS NOT TRUE OR outlives AND reason IN (0, 5) OR reason NOT IN (0, 1, 5, 7)
  UNION ALL
    SELECT record_id, version, NULL, NULL, anchor, false, reason::smallint FROM by_law
),
counted AS (
    SELECT *, (count(*) OVER its)::smallint AS total,
           coalesce(lead(cell_id) OVER its, lag(cell_id) OVER its) AS next_cell,
           coalesce(lead(anchor) OVER its, lag(anchor) OVER its) AS next_anchor
    FROM claim WINDOW its AS (PARTITION BY record_id)
),
-- Of two, what stands beside the one is the other.
fresh AS MATERIALIZED (
    SELECT record_id, version, application_id, cell_id, anchor, approximate, reason, total,
           CASE WHEN total = 2 THEN next_cell END AS other_cell,
           CASE WHEN total = 2 THEN next_anchor END AS other_anchor
    FROM counted
)
""",
    MEANT=MEANT,
)

_SAME: Final = """
    f.record_id = g.record_id
    AND f.application_id IS NOT DISTINCT FROM g.application_id
    AND f.cell_id IS NOT DISTINCT FROM g.cell_id AND f.anchor IS NOT DISTINCT FROM g.anchor
    AND f.reason = g.reason AND f.approximate = g.approximate
    AND f.version = g.version AND f.total = g.total
    AND f.other_cell IS NOT DISTINCT FROM g.other_cell
    AND f.other_anchor IS NOT DISTINCT FROM g.other_anchor
"""

_INSERT: Final = """
INSERT INTO retention_ground (controller_id, record_id, application_id, cell_id, anchor,
                              reason, approximate, version, total, other_cell, other_anchor)
SELECT %(controller)s, f.record_id, f.application_id, f.cell_id, f.anchor,
       f.reason, f.approximate, f.version, f.total, f.other_cell, f.other_anchor
FROM fresh f
"""

#: Where there is no ground yet.
FILL: Final = FRESH.replace("fresh AS MATERIALIZED", "fresh AS") + _INSERT

#: Makes the stored grounds what the facts say. Only what differs is written, so that a second
#: run over unchanged facts writes nothing; the row count is that of the grounds written.
REFRESH: Final = put(
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
TAKE: Final = put("$TAKEN RETURNING c.record_id", TAKEN=_TAKEN)
