-- SPDX-License-Identifier: Apache-2.0
-- Keys with which an application's own servers use the HTTP API: they speak for no user, so they are no
-- sessions. Why only the hash is here: who reads a backup must not be able to publish. A key has 244 random
-- bits, so nobody finds one by trying, and one round of SHA-256 is enough.

CREATE TABLE service_key (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL, -- for people, and for the log
	hash bytea NOT NULL UNIQUE, -- SHA-256 of the whole key
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz, -- null: never
	revoked_at timestamptz -- null: it is good
);

-- A new key. It is shown this once; revoke it with
--   UPDATE service_key SET revoked_at = now() WHERE name = '...'
CREATE FUNCTION service_key_new(name text, expires_at timestamptz DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	key text := 'moot_key_' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
BEGIN
	INSERT INTO service_key (name, hash, expires_at)
	VALUES (service_key_new.name, sha256(convert_to(key, 'UTF8')), service_key_new.expires_at);
	RETURN key;
END $$;

-- May the holder of this key speak to this room? refusal: null, 'denied' (no key that is good) or 'no_room';
-- an empty kind: to none in particular. Always one row. expires_at is how long a gateway may go by the answer
-- when the database does not give another one. An application that replaces authorize() replaces this too.
CREATE FUNCTION service_authorize(key text, kind text, id text)
RETURNS TABLE (refusal text, name text, expires_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
	k service_key;
	why text;
BEGIN
	SELECT * INTO k FROM service_key s
	WHERE s.hash = sha256(convert_to(key, 'UTF8')) AND s.revoked_at IS NULL
	  AND coalesce(s.expires_at > now(), true);
	IF NOT FOUND THEN
		why := 'denied';
	ELSIF kind = 'submission' THEN
		IF NOT EXISTS (SELECT FROM submissions s WHERE s.id = service_authorize.id) THEN
			why := 'no_room';
		END IF;
	ELSIF kind = 'document' THEN
		IF NOT EXISTS (SELECT FROM documents d WHERE d.id = service_authorize.id) THEN
			why := 'no_room';
		END IF;
	END IF;
	RETURN QUERY SELECT why, k.name, least(k.expires_at, now() + interval '1 minute');
END $$;

-- Take a session's right away, for good, and tell every gateway at once. False: there is no such session.
-- An application whose sessions are a view, or that other tables refer to, replaces this.
CREATE FUNCTION revoke_session(id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	was_there boolean;
BEGIN
	DELETE FROM sessions WHERE sessions.id = revoke_session.id;
	was_there := FOUND;
	PERFORM pg_notify('moot_access', 'session:' || md5(revoke_session.id));
	RETURN was_there;
END $$;

-- A gateway forgets at once what it knew of a key that was changed.
CREATE FUNCTION tell_service_key() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('moot_access', 'key:' || encode(OLD.hash, 'hex'));
	RETURN NULL;
END $$;

CREATE TRIGGER tell_service_key AFTER UPDATE OR DELETE ON service_key
	FOR EACH ROW EXECUTE FUNCTION tell_service_key();

REVOKE ALL ON FUNCTION service_key_new(text, timestamptz), service_authorize(text, text, text),
	revoke_session(text) FROM PUBLIC;

DO $$
BEGIN
	IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moot_app') THEN
		GRANT EXECUTE ON FUNCTION service_authorize(text, text, text), revoke_session(text) TO moot_app;
	END IF;
END $$;
