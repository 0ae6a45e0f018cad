-- SPDX-License-Identifier: Apache-2.0
-- A shard that has not heard a gateway for long declares it dead, which may be wrong: only the way between
-- the two may be cut. Such a gateway registers again. A shard that was declared dead stays dead: others
-- have its slots.

CREATE OR REPLACE FUNCTION moot_register(p_incarnation bigint, p_kind text, p_name text, p_endpoint text,
	p_state text)
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
	ON CONFLICT (incarnation) DO UPDATE SET endpoint = excluded.endpoint, changed_at = now(),
		state = CASE WHEN member.state = 'dead' AND member.kind = 'shard' THEN 'dead'
			ELSE excluded.state END;
	RETURN now_version;
END $$;
