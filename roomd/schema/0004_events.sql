-- SPDX-License-Identifier: Apache-2.0
-- The durable messages of rooms, numbered 1, 2, 3 ... in each. Why the fence is a lock and not a condition:
-- a writer that lost its slot may still have an insert under way. With FOR SHARE on the row of the slot
-- the insert and the change of owner exclude each other, so whoever reads the greatest seq after the
-- change, in a later statement, reads what no older owner can add to any more.

CREATE TABLE event (
	slot int NOT NULL,
	room text NOT NULL,
	seq bigint NOT NULL CHECK (seq > 0),
	producer text NOT NULL, -- with pseq: what a publish is known by when it is said again
	pseq bigint NOT NULL,
	type text NOT NULL,
	actor text NOT NULL, -- user id; empty: nobody
	body text NOT NULL, -- JSON, byte for byte as it is shown
	at timestamptz NOT NULL,
	PRIMARY KEY (slot, room, seq),
	UNIQUE (slot, room, producer, pseq)
);

-- Store a batch. The slots (with the epochs under which the caller holds them) are locked first; events of
-- a slot that is not the caller's any more are left out, and so is the slot in the answer. An event that
-- was stored before answers with the seq it has; the others are numbered from `e_head`, the greatest seq of
-- their room, in the order in which they come. Rows: (slot, null, null, null) for each slot that passed;
-- (slot, place in the batch from 1, seq, was it there before) for each of its events.
CREATE FUNCTION moot_append(p_owner bigint, p_slots int[], p_epochs bigint[],
	e_slot int[], e_room text[], e_head bigint[], e_producer text[], e_pseq bigint[],
	e_type text[], e_actor text[], e_body text[], e_at_ms bigint[])
RETURNS TABLE (slot int, place bigint, seq bigint, known boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	-- One statement, so that lock, look-up and insert share one transaction and one snapshot.
	RETURN QUERY
	WITH fence AS MATERIALIZED (
		SELECT s.slot FROM slot s
		JOIN unnest(p_slots, p_epochs) AS held (slot, epoch) ON held.slot = s.slot
		WHERE s.owner = p_owner AND s.epoch = held.epoch
		ORDER BY s.slot FOR SHARE OF s
	), passed AS MATERIALIZED (
		SELECT e.*
		FROM unnest(e_slot, e_room, e_head, e_producer, e_pseq, e_type, e_actor, e_body, e_at_ms)
			WITH ORDINALITY
			AS e (slot, room, head, producer, pseq, type, actor, body, at_ms, place)
		JOIN fence f ON f.slot = e.slot
	), stored AS MATERIALIZED (
		SELECT p.place, e.seq FROM passed p
		JOIN event e ON e.slot = p.slot AND e.room = p.room
			AND e.producer = p.producer AND e.pseq = p.pseq
	), fresh AS MATERIALIZED (
		SELECT p.*, p.head + row_number() OVER (PARTITION BY p.slot, p.room ORDER BY p.place) AS seq
		FROM passed p WHERE NOT EXISTS (SELECT FROM stored s WHERE s.place = p.place)
	), added AS (
		INSERT INTO event (slot, room, seq, producer, pseq, type, actor, body, at)
		SELECT f.slot, f.room, f.seq, f.producer, f.pseq, f.type, f.actor, f.body,
			to_timestamp(f.at_ms / 1000.0)
		FROM fresh f
	)
	SELECT f.slot, NULL::bigint, NULL::bigint, NULL::boolean FROM fence f
	UNION ALL
	SELECT p.slot, p.place, coalesce(s.seq, f.seq), s.seq IS NOT NULL
	FROM passed p LEFT JOIN stored s ON s.place = p.place LEFT JOIN fresh f ON f.place = p.place;
END $$;

-- The owner takes its own slots again, under a new epoch: what it sent before, and what became of it is not
-- known, is from then on either stored or fenced. Answers those that are still its own.
CREATE FUNCTION moot_take(p_owner bigint, p_slots int[], p_seen bigint)
RETURNS TABLE (slot int, owner bigint, epoch bigint, version bigint)
LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
#variable_conflict use_column
DECLARE
	now_version bigint := moot_bump(p_seen);
BEGIN
	RETURN QUERY
	UPDATE slot AS s SET epoch = s.epoch + 1, version = now_version
	WHERE s.slot = ANY (p_slots) AND s.owner = p_owner
	  AND EXISTS (SELECT FROM member m WHERE m.incarnation = p_owner AND m.state IN ('active', 'draining'))
	RETURNING s.slot, s.owner, s.epoch, s.version;
END $$;

-- The greatest seq of each room, 0 for none. To be asked in a later statement than the one that took or
-- assigned the slots, because a statement sees what was committed when it began.
CREATE FUNCTION moot_heads(p_slots int[], p_rooms text[]) RETURNS TABLE (place bigint, seq bigint)
LANGUAGE sql STABLE AS $$
	SELECT r.place, coalesce((SELECT max(e.seq) FROM event e WHERE e.slot = r.slot AND e.room = r.room), 0)
	FROM unnest(p_slots, p_rooms) WITH ORDINALITY AS r (slot, room, place)
$$;

-- The events of a room after `p_after`, at most `p_limit` of them, and no more once `p_bytes` are full.
CREATE FUNCTION moot_read(p_slot int, p_room text, p_after bigint, p_limit int, p_bytes bigint)
RETURNS TABLE (seq bigint, producer text, pseq bigint, type text, actor text, body text, at_ms bigint)
LANGUAGE sql STABLE AS $$
	SELECT l.seq, l.producer, l.pseq, l.type, l.actor, l.body, (extract(epoch FROM l.at) * 1000)::bigint
	FROM (
		SELECT e.*, sum(octet_length(e.body)) OVER (ORDER BY e.seq) - octet_length(e.body) AS before
		FROM (
			SELECT * FROM event v WHERE v.slot = p_slot AND v.room = p_room AND v.seq > p_after
			ORDER BY v.seq LIMIT p_limit
		) e
	) l
	WHERE l.before < p_bytes ORDER BY l.seq
$$;

DO $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moot_app') THEN
		GRANT SELECT, INSERT ON event TO moot_app;
	END IF;
END $$;
