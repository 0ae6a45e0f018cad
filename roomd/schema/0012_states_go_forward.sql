-- SPDX-License-Identifier: Apache-2.0
-- A statement of a connection that was lost may be executed after what was said over the next one. So a
-- member's state only goes forward; but for a gateway that was declared dead, which may register again.

CREATE OR REPLACE FUNCTION moot_register(p_incarnation bigint, p_kind text, p_name text, p_endpoint text,
	p_state text)
RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
DECLARE
	now_version bigint := moot_bump(0);
	states CONSTANT text[] := ARRAY['joining', 'active', 'draining', 'dead'];
BEGIN
	UPDATE member SET state = 'dead', changed_at = now()
	WHERE kind = p_kind AND name = p_name AND incarnation <> p_incarnation AND state <> 'dead';
	DELETE FROM member
	WHERE state = 'dead' AND changed_at < now() - interval '1 day'
	  AND NOT EXISTS (SELECT 1 FROM slot WHERE slot.owner = member.incarnation);
	INSERT INTO member (incarnation, kind, name, endpoint, state)
	VALUES (p_incarnation, p_kind, p_name, p_endpoint, p_state)
	ON CONFLICT (incarnation) DO UPDATE SET endpoint = excluded.endpoint, changed_at = now(),
		state = CASE WHEN NOT (member.state = 'dead' AND member.kind = 'gateway')
			  AND array_position(states, member.state) > array_position(states, excluded.state)
			THEN member.state ELSE excluded.state END;
	RETURN now_version;
END $$;

CREATE OR REPLACE FUNCTION moot_member_state(p_incarnation bigint, p_state text) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '250ms' AS $$
DECLARE
	now_version bigint := moot_bump(0);
	states CONSTANT text[] := ARRAY['joining', 'active', 'draining', 'dead'];
BEGIN
	UPDATE member SET changed_at = now(),
		state = CASE WHEN array_position(states, state) > array_position(states, p_state)
			THEN state ELSE p_state END
	WHERE incarnation = p_incarnation AND state <> 'dead';
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	RETURN now_version;
END $$;
