-- SPDX-License-Identifier: Apache-2.0
-- A log that does not grow for ever. Of each room the first events go, so what is kept has no holes, and the
-- last one stays, whose seq says how far the room has come.

-- By age, without an index that every insert would have to keep: old rows lie together.
CREATE INDEX event_at ON event USING brin (at);

-- The greatest seq of each room, 0 for none, and the smallest one that is kept, seq + 1 for none.
DROP FUNCTION moot_heads(int[], text[]);
CREATE FUNCTION moot_heads(p_slots int[], p_rooms text[]) RETURNS TABLE (place bigint, seq bigint, first bigint)
LANGUAGE sql STABLE AS $$
	SELECT r.place,
		coalesce((SELECT max(e.seq) FROM event e WHERE e.slot = r.slot AND e.room = r.room), 0),
		coalesce((SELECT min(e.seq) FROM event e WHERE e.slot = r.slot AND e.room = r.room), 1)
	FROM unnest(p_slots, p_rooms) WITH ORDINALITY AS r (slot, room, place)
$$;

-- Delete events older than p_age_ms, about p_limit of them, and answer how many. Clocks of shards differ a
-- little: up to the last old event of a room all go. One caller at a time; for the others there is nothing
-- to do. It need not be fenced: whoever owns the room, the last event stays, and seq goes on from it.
CREATE FUNCTION moot_forget(p_age_ms bigint, p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
	gone bigint;
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtextextended('moot_forget', 0)) THEN
		RETURN 0;
	END IF;
	WITH old AS MATERIALIZED (
		SELECT e.slot, e.room, e.seq FROM event e
		WHERE e.at < now() - p_age_ms * interval '1 millisecond'
		AND EXISTS (SELECT FROM event n WHERE n.slot = e.slot AND n.room = e.room AND n.seq > e.seq)
		LIMIT p_limit
	), last AS (
		SELECT o.slot, o.room, max(o.seq) AS seq FROM old o GROUP BY o.slot, o.room
	), deleted AS (
		DELETE FROM event e USING last l WHERE e.slot = l.slot AND e.room = l.room AND e.seq <= l.seq
		RETURNING 1
	)
	SELECT count(*) INTO gone FROM deleted;
	RETURN gone;
END $$;
REVOKE ALL ON FUNCTION moot_forget(bigint, int) FROM PUBLIC;

DO $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moot_app') THEN
		GRANT EXECUTE ON FUNCTION moot_forget(bigint, int) TO moot_app;
	END IF;
END $$;
