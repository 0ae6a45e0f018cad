-- SPDX-License-Identifier: Apache-2.0
-- The view also says for how long a member has been what it is, in milliseconds, as its epoch: a shard that has
-- started since a gateway died waits for the grace of those whom that had. By the clock of the database alone.

CREATE OR REPLACE FUNCTION moot_view(since bigint)
RETURNS TABLE (what text, id bigint, kind text, name text, endpoint text, state text, owner bigint,
	epoch bigint)
LANGUAGE sql STABLE AS $$
	SELECT 'view', v.version, NULL, NULL, NULL, NULL, NULL::bigint, NULL::bigint FROM view v
	UNION ALL
	SELECT 'member', m.incarnation, m.kind, m.name, m.endpoint, m.state, NULL,
		greatest(0, extract(epoch FROM clock_timestamp() - m.changed_at) * 1000)::bigint
	FROM member m
	UNION ALL
	SELECT 'slot', s.slot, NULL, NULL, NULL, NULL, coalesce(s.owner, 0), s.epoch FROM slot s
	WHERE s.version > since
$$;
