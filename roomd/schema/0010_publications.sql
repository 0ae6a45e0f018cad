-- SPDX-License-Identifier: Apache-2.0
-- Events that an application publishes inside its own transaction: stored in the table `publication` if and only if that
-- commits, and moved to the log by whichever shard owns the room, which deletes the row in the transaction
-- that appends the event. Whoever publishes into a room holds a lock on it until his transaction ends, so the
-- ids of a room's rows are in the order of their commits. Why: docs/decisions.

CREATE TABLE publication (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	slot int, -- of the room; null: no shard has computed it yet
	room text NOT NULL,
	producer text NOT NULL,
	pseq bigint NOT NULL,
	type text NOT NULL,
	actor text NOT NULL,
	name text NOT NULL,
	field text NOT NULL,
	body text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX publication_slot ON publication (slot, id);

-- The slot of a room is a hash that SQL does not have: a shard tells it once.
CREATE TABLE room_slot (
	room text PRIMARY KEY,
	slot int NOT NULL
);

-- Publish an event in a room: 'submission:<id>' or 'document:<id>'. Delivered if and only if the calling
-- transaction commits, in the order of the commits in each room, once. `actor`: a user id, shown with the name
-- that `users` has. `key`: the same key in the same room is stored once, however often it is published.
CREATE FUNCTION publish_event(room text, event text, data jsonb, actor text DEFAULT '', key text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
	new_id bigint;
BEGIN
	IF room IS NULL OR room !~ '^(submission|document):[^[:cntrl:]]+$'
			OR octet_length(room) > octet_length(split_part(room, ':', 1)) + 1 + 256 THEN
		RAISE EXCEPTION 'publish_event: room has to be submission:<id> or document:<id>, the id of 1 to 256 bytes'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF event IS NULL OR event !~ '^[A-Za-z0-9_.:-]+$' OR octet_length(event) > 256 THEN
		RAISE EXCEPTION 'publish_event: event has to be a name of 1 to 256 letters, digits and _ . : -'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF octet_length(coalesce(data, 'null')::text) > 1048576 THEN
		RAISE EXCEPTION 'publish_event: data is larger than 1 MiB' USING ERRCODE = 'program_limit_exceeded';
	END IF;
	IF octet_length(actor) > 320 OR (jsonb_typeof(data) = 'object' AND octet_length(data ->> 'field') > 256) THEN
		RAISE EXCEPTION 'publish_event: actor has at most 320 bytes, data.field at most 256'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended('moot ' || room, 0));
	INSERT INTO publication (slot, room, producer, pseq, type, actor, name, field, body)
	VALUES ((SELECT s.slot FROM room_slot s WHERE s.room = publish_event.room), room,
		CASE WHEN key IS NULL THEN 'sql' ELSE 'sql:' || substr(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 1, 48) END,
		0, event, coalesce(actor, ''),
		coalesce((SELECT u.name FROM users u WHERE u.id = actor), ''),
		coalesce(CASE WHEN jsonb_typeof(data -> 'field') = 'string' THEN data ->> 'field' END, ''),
		coalesce(data, 'null')::text)
	RETURNING id INTO new_id;
	IF key IS NULL THEN
		UPDATE publication SET pseq = new_id WHERE id = new_id;
	END IF;
	PERFORM pg_notify('moot_publications', '');
END $$;

-- For the owner of slots: what waits for it, oldest first, and whatever has no slot yet; no more once
-- p_bytes are full.
CREATE FUNCTION moot_publications(p_owner bigint, p_limit int, p_bytes bigint)
RETURNS TABLE (id bigint, slot int, room text, producer text, pseq bigint, type text, actor text, name text,
	field text, body text, at_ms bigint)
LANGUAGE sql STABLE AS $$
	SELECT w.id, w.slot, w.room, w.producer, w.pseq, w.type, w.actor, w.name, w.field, w.body,
		(extract(epoch FROM w.at) * 1000)::bigint
	FROM (
		SELECT o.*, sum(octet_length(o.body)) OVER (ORDER BY o.id) - octet_length(o.body) AS before
		FROM (
			SELECT b.* FROM publication b LEFT JOIN slot s ON s.slot = b.slot
			WHERE b.slot IS NULL OR s.owner = p_owner
			ORDER BY b.id LIMIT p_limit
		) o
	) w
	WHERE w.before < p_bytes ORDER BY w.id
$$;

-- A shard tells the slots of rooms that have none yet.
CREATE FUNCTION moot_place_rooms(p_rooms text[], p_slots int[]) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO room_slot (room, slot) SELECT * FROM unnest(p_rooms, p_slots) ON CONFLICT DO NOTHING;
	UPDATE publication o SET slot = p.slot FROM unnest(p_rooms, p_slots) AS p (room, slot)
	WHERE o.room = p.room AND o.slot IS NULL;
$$;

-- As in 0006; e_publication: the row of the table `publication` that this event is, 0: none. It goes with the append, also when
-- the event was stored before.
CREATE FUNCTION moot_append(p_owner bigint, p_slots int[], p_epochs bigint[],
	e_slot int[], e_room text[], e_head bigint[], e_producer text[], e_pseq bigint[],
	e_type text[], e_actor text[], e_body text[], e_at_ms bigint[],
	e_name text[], e_shape int[], e_field text[], e_base bigint[], e_publication bigint[], p_body_max int)
RETURNS TABLE (slot int, place bigint, seq bigint, known boolean, newer bigint, newer_body text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH fence AS MATERIALIZED (
		SELECT s.slot FROM slot s
		JOIN unnest(p_slots, p_epochs) AS held (slot, epoch) ON held.slot = s.slot
		WHERE s.owner = p_owner AND s.epoch = held.epoch
		ORDER BY s.slot FOR SHARE OF s
	), passed AS MATERIALIZED (
		SELECT e.*
		FROM unnest(e_slot, e_room, e_head, e_producer, e_pseq, e_type, e_actor, e_body, e_at_ms,
				e_name, e_shape, e_field, e_base, e_publication)
			WITH ORDINALITY
			AS e (slot, room, head, producer, pseq, type, actor, body, at_ms,
				name, shape, field, base, publication, place)
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
	), moved AS (
		DELETE FROM publication o USING passed p WHERE p.publication > 0 AND o.id = p.publication
	)
	SELECT f.slot, NULL::bigint, NULL::bigint, NULL::boolean, NULL::bigint, NULL::text FROM fence f
	UNION ALL
	SELECT p.slot, p.place, coalesce(s.seq, f.seq), s.seq IS NOT NULL, c.seq, c.body
	FROM passed p LEFT JOIN stored s ON s.place = p.place LEFT JOIN fresh f ON f.place = p.place
		LEFT JOIN conflict c ON c.place = p.place;
END $$;

REVOKE ALL ON FUNCTION publish_event(text, text, jsonb, text, text) FROM PUBLIC;

DO $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moot_app') THEN
		GRANT SELECT, UPDATE, DELETE ON publication TO moot_app;
		GRANT SELECT, INSERT ON room_slot TO moot_app;
	END IF;
END $$;
