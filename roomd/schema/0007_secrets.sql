-- SPDX-License-Identifier: Apache-2.0
-- What the processes of a cluster sign with, the same for all and for as long as the database lives. To
-- renew one, update its row and restart the gateways one by one: clients begin new sessions then.

CREATE TABLE secret (
	name text PRIMARY KEY,
	value text NOT NULL CHECK (length(value) BETWEEN 32 AND 128)
);

-- Random uuids come from the system's generator, 122 bits each.
INSERT INTO secret (name, value)
VALUES ('resume', encode(sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea), 'hex'));

CREATE FUNCTION moot_secret(p_name text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
	SELECT value FROM secret WHERE name = p_name
$$;
REVOKE ALL ON FUNCTION moot_secret(text) FROM PUBLIC;

DO $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moot_app') THEN
		GRANT EXECUTE ON FUNCTION moot_secret(text) TO moot_app;
	END IF;
END $$;
