-- SPDX-License-Identifier: Apache-2.0
-- What a native client publishes: the author's name as it is shown, what the body is, and which field of the
-- room it is about, so that an edit which was made without knowing a newer one can be refused. Why moot_append
-- keeps its form of 0004 beside the new one: shards of the release before may still run.

ALTER TABLE event
	ADD COLUMN name text NOT NULL DEFAULT '', -- display name of the actor
	ADD COLUMN shape smallint NOT NULL DEFAULT 0, -- what body is: 0 a v0 message, whole; 1 the data of a native event
	ADD COLUMN field text NOT NULL DEFAULT ''; -- data.field of the event; empty: it has none

CREATE INDEX event_newest ON event (slot, room, type, field, seq);

-- As in 0004. An event with e_base > 0 is left out if one of the same room, type and field with a seq of
-- e_base or more is stored: its row has no seq, but that one's, and its body if that has at most p_body_max
-- bytes. One that was stored before answers with the seq it has, whatever came after it. The caller puts no
-- two events into one batch of which the later is based within the type and field of the earlier.
CREATE FUNCTION moot_append(p_owner bigint, p_slots int[], p_epochs bigint[],
	e_slot int[], e_room text[], e_head bigint[], e_producer text[], e_pseq bigint[],
	e_type text[], e_actor text[], e_body text[], e_at_ms bigint[],
	e_name text[], e_shape int[], e_field text[], e_base bigint[], p_body_max int)
RETURNS TABLE (slot int, place bigint, seq bigint, known boolean, newer bigint, newer_body text)
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
		FROM unnest(e_slot, e_room, e_head, e_producer, e_pseq, e_type, e_actor, e_body, e_at_ms,
				e_name, e_shape, e_field, e_base)
			WITH ORDINALITY
			AS e (slot, room, head, producer, pseq, type, actor, body, at_ms,
				name, shape, field, base, place)
		JOIN fence f ON f.slot = e.slot
	), stored AS MATERIALIZED (
		SELECT p.place, e.seq FROM passed p
		JOIN event e ON e.slot = p.slot AND e.room = p.room
			AND e.producer = p.producer AND e.pseq = p.pseq
	), conflict AS MATERIALIZED (
		SELECT p.place, e.seq, CASE WHEN octet_length(e.body) <= p_body_max THEN e.body END AS body
		FROM passed p CROSS JOIN LATERAL (
			SELECT v.seq, v.body FROM event v
			WHERE v.slot = p.slot AND v.room = p.room AND v.type = p.type AND v.field = p.field
			  AND v.seq >= p.base
			ORDER BY v.seq DESC LIMIT 1
		) e
		WHERE p.base > 0 AND NOT EXISTS (SELECT FROM stored s WHERE s.place = p.place)
	), fresh AS MATERIALIZED (
		SELECT p.*, p.head + row_number() OVER (PARTITION BY p.slot, p.room ORDER BY p.place) AS seq
		FROM passed p
		WHERE NOT EXISTS (SELECT FROM stored s WHERE s.place = p.place)
		  AND NOT EXISTS (SELECT FROM conflict c WHERE c.place = p.place)
	), added AS (
		INSERT INTO event (slot, room, seq, producer, pseq, type, actor, body, at, name, shape, field)
		SELECT f.slot, f.room, f.seq, f.producer, f.pseq, f.type, f.actor, f.body,
			to_timestamp(f.at_ms / 1000.0), f.name, f.shape, f.field
		FROM fresh f
	)
	SELECT f.slot, NULL::bigint, NULL::bigint, NULL::boolean, NULL::bigint, NULL::text FROM fence f
	UNION ALL
	SELECT p.slot, p.place, coalesce(s.seq, f.seq), s.seq IS NOT NULL, c.seq, c.body
	FROM passed p LEFT JOIN stored s ON s.place = p.place LEFT JOIN fresh f ON f.place = p.place
		LEFT JOIN conflict c ON c.place = p.place;
END $$;

-- A page of a room's log: the first events after p_after or, if p_before is not 0, the last ones before it,
-- always in order; of these types only (separated by commas; empty: all), at most p_limit of them, and no more
-- once p_bytes are full. In every row, of which there is at least one: the seq of the first event that is
-- there (head + 1: none), that of the last, and whether there are more in that direction.
CREATE FUNCTION moot_page(p_slot int, p_room text, p_after bigint, p_before bigint, p_types text,
	p_limit int, p_bytes bigint)
RETURNS TABLE (first bigint, head bigint, more boolean, seq bigint, producer text, pseq bigint, type text,
	actor text, name text, at_ms bigint, shape int, field text, body text)
LANGUAGE sql STABLE AS $$
	WITH bounds AS (
		SELECT coalesce((SELECT max(e.seq) FROM event e WHERE e.slot = p_slot AND e.room = p_room), 0) AS head,
			(SELECT min(e.seq) FROM event e WHERE e.slot = p_slot AND e.room = p_room) AS first
	), found AS (
		(SELECT e.*, e.seq AS rank FROM event e
		WHERE p_before = 0 AND e.slot = p_slot AND e.room = p_room AND e.seq > p_after
		  AND (p_types = '' OR e.type = ANY (string_to_array(p_types, ',')))
		ORDER BY e.seq LIMIT p_limit + 1)
		UNION ALL
		(SELECT e.*, -e.seq AS rank FROM event e
		WHERE p_before > 0 AND e.slot = p_slot AND e.room = p_room AND e.seq < p_before
		  AND (p_types = '' OR e.type = ANY (string_to_array(p_types, ',')))
		ORDER BY e.seq DESC LIMIT p_limit + 1)
	), measured AS (
		SELECT f.*, row_number() OVER nearer AS place,
			sum(octet_length(f.body)) OVER nearer - octet_length(f.body) AS bytes_before
		FROM found f WINDOW nearer AS (ORDER BY f.rank)
	), page AS (
		SELECT * FROM measured m WHERE m.place <= p_limit AND m.bytes_before < p_bytes
	)
	SELECT coalesce(b.first, b.head + 1), b.head,
		(SELECT count(*) FROM measured) > (SELECT count(*) FROM page),
		p.seq, p.producer, p.pseq, p.type, p.actor, p.name, (extract(epoch FROM p.at) * 1000)::bigint,
		p.shape::int, p.field, p.body
	FROM bounds b LEFT JOIN page p ON true ORDER BY p.seq
$$;
