"""What the database itself refuses, and the only two ways into the log.

The runtime role inserts into audit_pending and can call audit_place and audit_publish, which
run as the owner. Triggers stop the owner too: a superuser who disables them is what
verify_ledger is for.
"""

from django.db import migrations

LIMITS = """
ALTER TABLE audit_pending
    ADD CONSTRAINT audit_pending_body_size CHECK (octet_length(body) BETWEEN 2 AND 65535);
ALTER TABLE audit_tile
    ADD CONSTRAINT audit_tile_size CHECK (
        octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 8192
        AND level BETWEEN 0 AND 63 AND number >= 0
    );
ALTER TABLE audit_checkpoint
    ADD CONSTRAINT audit_checkpoint_root CHECK (octet_length(root) = 32 AND size > 0);

-- A tile of 8,192 bytes does not fit a page, and hashes do not compress.
ALTER TABLE audit_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- A queue: rows come and go, so its vacuum follows their number and not the table's size.
ALTER TABLE audit_pending SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000
);
"""

UNDO_LIMITS = """
ALTER TABLE audit_pending DROP CONSTRAINT audit_pending_body_size;
ALTER TABLE audit_tile DROP CONSTRAINT audit_tile_size;
ALTER TABLE audit_checkpoint DROP CONSTRAINT audit_checkpoint_root;
ALTER TABLE audit_pending RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
"""

TRIGGERS = """
CREATE FUNCTION audit_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the ledger only grows: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE FUNCTION audit_tile_grows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.log_id, NEW.level, NEW.number) IS DISTINCT FROM (OLD.log_id, OLD.level, OLD.number)
        OR octet_length(NEW.hashes) <= octet_length(OLD.hashes)
        OR substring(NEW.hashes FROM 1 FOR octet_length(OLD.hashes)) <> OLD.hashes
    THEN
        RAISE EXCEPTION 'the ledger only grows: a tile keeps the hashes it has'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER audit_log_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_entry_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoint_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_tile_stays BEFORE DELETE OR TRUNCATE ON audit_tile
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_tile_grows BEFORE UPDATE ON audit_tile
    FOR EACH ROW EXECUTE FUNCTION audit_tile_grows();
CREATE TRIGGER audit_pending_stays BEFORE UPDATE OR TRUNCATE ON audit_pending
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""

UNDO_TRIGGERS = """
DROP TRIGGER audit_log_grows ON audit_log;
DROP TRIGGER audit_entry_grows ON audit_entry;
DROP TRIGGER audit_checkpoint_grows ON audit_checkpoint;
DROP TRIGGER audit_tile_stays ON audit_tile;
DROP TRIGGER audit_tile_grows ON audit_tile;
DROP TRIGGER audit_pending_stays ON audit_pending;
DROP FUNCTION audit_refuse();
DROP FUNCTION audit_tile_grows();
"""

# Both functions take the same lock, kept until the transaction ends: one runner per log.
# The planner's choices are narrowed inside `audit_place` because a queue's statistics are always
# stale: it would read the whole queue and sort it for every batch.
FUNCTIONS = """
CREATE FUNCTION audit_place(
    p_log uuid, p_limit integer, OUT first bigint, OUT placed bigint, OUT hashes bytea
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET work_mem = '64MB'
AS $$
DECLARE
    following bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('lethe.audit.' || p_log, 0));
    PERFORM 1 FROM audit_log WHERE id = p_log;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such log' USING ERRCODE = 'no_data_found';
    END IF;
    SELECT coalesce(max(c.size), 0) INTO first FROM audit_checkpoint c WHERE c.log_id = p_log;
    SELECT coalesce(max(e.index) + 1, 0) INTO following FROM audit_entry e WHERE e.log_id = p_log;

    -- RFC 6962 §2.1: a leaf is SHA-256(0x00 || entry). Hashed here, not by a generated column of
    -- the queue: that would cost every business transaction more than it saves the runner.
    -- By ctid: nobody else moves or removes rows here (the lock above; no grant; the trigger).
    WITH moved AS (
        DELETE FROM audit_pending
        WHERE ctid = ANY (ARRAY(
            SELECT p.ctid FROM audit_pending p WHERE p.log_id = p_log ORDER BY p.id LIMIT p_limit
        ))
        RETURNING id, verb, object_id, body
    ), numbered AS (
        SELECT m.*, row_number() OVER (ORDER BY m.id) - 1 AS n FROM moved m
    ), added AS (
        INSERT INTO audit_entry (log_id, index, verb, object_id, body)
        SELECT p_log, following + n, verb, object_id, body FROM numbered
    )
    SELECT count(*), coalesce(string_agg(sha256('\\x00'::bytea || body), ''::bytea ORDER BY id), '')
    INTO placed, hashes FROM moved;

    -- Entries that somebody placed without publishing are sealed with this batch.
    IF first < following THEN
        SELECT string_agg(sha256('\\x00'::bytea || e.body), ''::bytea ORDER BY e.index)
        INTO hashes FROM audit_entry e WHERE e.log_id = p_log AND e.index >= first;
    END IF;
END;
$$;

CREATE FUNCTION audit_publish(
    p_log uuid, p_old bigint, p_size bigint, p_root bytea, p_note text,
    p_levels integer[], p_numbers bigint[], p_hashes bytea[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    known bigint;
    placed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('lethe.audit.' || p_log, 0));
    SELECT coalesce(max(c.size), 0) INTO known FROM audit_checkpoint c WHERE c.log_id = p_log;
    SELECT coalesce(max(e.index) + 1, 0) INTO placed FROM audit_entry e WHERE e.log_id = p_log;
    IF known <> p_old OR placed <> p_size OR p_size <= p_old THEN
        RAISE EXCEPTION 'a checkpoint covers exactly what was placed since the last one'
            USING ERRCODE = 'restrict_violation';
    END IF;

    INSERT INTO audit_tile AS t (log_id, level, number, hashes)
    SELECT p_log, n.level, n.number, n.hashes
    FROM unnest(p_levels, p_numbers, p_hashes) AS n (level, number, hashes)
    ON CONFLICT (log_id, level, number) DO UPDATE SET hashes = excluded.hashes;

    INSERT INTO audit_checkpoint (log_id, size, root, note)
    VALUES (p_log, p_size, p_root, p_note);
END;
$$;

REVOKE ALL ON FUNCTION audit_place(uuid, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION
    audit_publish(uuid, bigint, bigint, bytea, text, integer[], bigint[], bytea[]) FROM PUBLIC;
"""

UNDO_FUNCTIONS = """
DROP FUNCTION audit_place(uuid, integer);
DROP FUNCTION audit_publish(uuid, bigint, bigint, bytea, text, integer[], bigint[], bytea[]);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(LIMITS, UNDO_LIMITS),
        migrations.RunSQL(TRIGGERS, UNDO_TRIGGERS),
        migrations.RunSQL(FUNCTIONS, UNDO_FUNCTIONS),
    ]
