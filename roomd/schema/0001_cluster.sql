-- SPDX-License-Identifier: Apache-2.0
-- Who lives and who owns which slot. Why in PostgreSQL: ownership must survive every process of ours
-- and have one order of changes; the row of `view` is that order, because every change locks it first.
-- Numbers of 64 unsigned bits (incarnations) are stored as bigint with the same bits.

CREATE TABLE member (
	incarnation bigint PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('shard', 'gateway')),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	endpoint text NOT NULL DEFAULT '' CHECK (length(endpoint) <= 127),
	state text NOT NULL CHECK (state IN ('joining', 'active', 'draining', 'dead')),
	joined_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE slot (
	slot int PRIMARY KEY CHECK (slot BETWEEN 0 AND 4095),
	owner bigint, -- an incarnation; null: nobody yet
	epoch bigint NOT NULL DEFAULT 0,
	version bigint NOT NULL DEFAULT 0 -- of the view that said so
);
INSERT INTO slot (slot) SELECT generate_series(0, 4095);

CREATE TABLE view (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	version bigint NOT NULL
);
INSERT INTO view (version) VALUES (1);

-- The next version, never below one that the caller has seen elsewhere (a failover may have lost some).
-- Takes the lock under which every change happens.
CREATE FUNCTION moot_bump(seen bigint) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
DECLARE
	now_version bigint;
BEGIN
	UPDATE view SET version = greatest(view.version, seen) + 1 RETURNING view.version INTO now_version;
	PERFORM pg_notify('moot_view', now_version::text);
	RETURN now_version;
END $$;

-- A process says that it is there. Older processes of the same kind and name are dead: a supervisor
-- has restarted them. Dead rows are kept for a day, for people.
CREATE FUNCTION moot_register(p_incarnation bigint, p_kind text, p_name text, p_endpoint text, p_state text)
RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
DECLARE
	now_version bigint := moot_bump(0);
BEGIN
	UPDATE member SET state = 'dead', changed_at = now()
	WHERE kind = p_kind AND name = p_name AND incarnation <> p_incarnation AND state <> 'dead';
	DELETE FROM member
	WHERE state = 'dead' AND changed_at < now() - interval '1 day'
	  AND NOT EXISTS (SELECT 1 FROM slot WHERE slot.owner = member.incarnation);
	INSERT INTO member (incarnation, kind, name, endpoint, state)
	VALUES (p_incarnation, p_kind, p_name, p_endpoint, p_state)
	ON CONFLICT (incarnation) DO UPDATE SET endpoint = excluded.endpoint,
		state = CASE member.state WHEN 'dead' THEN 'dead' ELSE excluded.state END;
	RETURN now_version;
END $$;

-- Move a member to another state. The dead stay dead: null is the answer to them.
CREATE FUNCTION moot_member_state(p_incarnation bigint, p_state text) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
DECLARE
	now_version bigint := moot_bump(0);
BEGIN
	UPDATE member SET state = p_state, changed_at = now()
	WHERE incarnation = p_incarnation AND state <> 'dead';
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	RETURN now_version;
END $$;

-- Move slots: each from its expected owner (0: nobody) to an active member, and only if it still has
-- that owner. Answers what was really moved. That is the only statement that ever changes an owner.
CREATE FUNCTION moot_assign(p_slots int[], p_from bigint[], p_to bigint[], p_seen bigint)
RETURNS TABLE (slot int, owner bigint, epoch bigint, version bigint)
LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
#variable_conflict use_column
DECLARE
	now_version bigint := moot_bump(p_seen);
BEGIN
	RETURN QUERY
	UPDATE slot AS s SET owner = move.target, epoch = s.epoch + 1, version = now_version
	FROM unnest(p_slots, p_from, p_to) AS move (slot, expected, target)
	WHERE s.slot = move.slot
	  AND coalesce(s.owner, 0) = move.expected
	  AND EXISTS (SELECT 1 FROM member m WHERE m.incarnation = move.target AND m.state = 'active')
	RETURNING s.slot, s.owner, s.epoch, s.version;
END $$;

-- Everything that changed after version `since`, in one snapshot: the version, all members, the slots.
CREATE FUNCTION moot_view(since bigint)
RETURNS TABLE (what text, id bigint, kind text, name text, endpoint text, state text, owner bigint,
	epoch bigint)
LANGUAGE sql STABLE AS $$
	SELECT 'view', v.version, NULL, NULL, NULL, NULL, NULL::bigint, NULL::bigint FROM view v
	UNION ALL
	SELECT 'member', m.incarnation, m.kind, m.name, m.endpoint, m.state, NULL, NULL FROM member m
	UNION ALL
	SELECT 'slot', s.slot, NULL, NULL, NULL, NULL, coalesce(s.owner, 0), s.epoch FROM slot s
	WHERE s.version > since
$$;
