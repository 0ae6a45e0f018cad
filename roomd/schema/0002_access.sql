-- SPDX-License-Identifier: Apache-2.0
-- Who may enter which room. Why a function: the gateway asks authorize() and knows no table, so an
-- application may fill these tables, put views with these columns in their place, or replace the two
-- functions. With views, telling of changes (NOTIFY moot_access) becomes the application's task: triggers
-- do not fire on them.

CREATE TABLE users (
	id text PRIMARY KEY, -- empty or missing ids: the e-mail address serves instead
	name text, -- a user without a name or an address is let into no room
	email text,
	user_type text DEFAULT ''
);

CREATE TABLE sessions (
	id text PRIMARY KEY, -- the secret itself
	user_id text NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE submissions (
	id text PRIMARY KEY,
	title text NOT NULL DEFAULT '',
	submitted_by text NOT NULL DEFAULT '',
	required_approvers text[] NOT NULL DEFAULT '{}' -- e-mail addresses
);

CREATE TABLE documents (
	id text PRIMARY KEY,
	title text NOT NULL DEFAULT '',
	owner text NOT NULL DEFAULT '',
	editors text[] NOT NULL DEFAULT '{}', -- user ids or e-mail addresses
	viewers text[] NOT NULL DEFAULT '{}'
);

-- Whose session is this? refusal: null, 'no_session' or 'no_user'. Always one row.
CREATE FUNCTION session_lookup(session text)
RETURNS TABLE (refusal text, session_id text, user_id text, name text, email text, user_type text,
	expires_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
	s sessions;
	u users;
BEGIN
	SELECT * INTO s FROM sessions WHERE sessions.id = session AND sessions.expires_at > now();
	IF NOT FOUND THEN
		RETURN QUERY SELECT 'no_session'::text, NULL::text, NULL::text, NULL::text, NULL::text,
			NULL::text, NULL::timestamptz;
		RETURN;
	END IF;
	SELECT * INTO u FROM users WHERE users.id = s.user_id;
	IF NOT FOUND THEN
		RETURN QUERY SELECT 'no_user'::text, s.id, NULL::text, NULL::text, NULL::text, NULL::text,
			s.expires_at;
		RETURN;
	END IF;
	RETURN QUERY SELECT NULL::text, s.id, coalesce(nullif(u.id, ''), u.email), u.name, u.email,
		u.user_type, s.expires_at;
END $$;

-- The role a user has in a room: 'editor', 'viewer', or null for nobody. Deny is the default.
CREATE FUNCTION room_role(kind text, id text, user_id text, email text, user_type text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
	found_role text;
	names text[] := array_remove(ARRAY[user_id, email], ''); -- an empty address is nobody's
BEGIN
	IF kind = 'submission' THEN
		SELECT 'editor' INTO found_role FROM submissions s
		WHERE s.id = room_role.id
		  AND (room_role.user_type IN ('Admin', 'CouncilManager', 'CommsCadre')
			OR s.submitted_by = nullif(room_role.user_id, '')
			OR nullif(room_role.email, '') = ANY (s.required_approvers));
	ELSIF kind = 'document' THEN
		SELECT CASE
			WHEN d.owner = ANY (names) OR d.editors && names THEN 'editor'
			WHEN d.viewers && names THEN 'viewer' END
		INTO found_role FROM documents d WHERE d.id = room_role.id;
	END IF;
	RETURN found_role;
END $$;

-- May the holder of this session enter this room? refusal: null, 'no_session', 'no_user', 'no_room' or
-- 'denied', found in that order. Always one row.
CREATE FUNCTION authorize(session text, kind text, id text)
RETURNS TABLE (refusal text, user_id text, name text, email text, user_type text, role text,
	expires_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who record;
	room_exists boolean;
	why text;
	as_role text;
BEGIN
	SELECT * INTO who FROM session_lookup(session);
	why := who.refusal;
	IF why IS NULL THEN
		room_exists := CASE authorize.kind
			WHEN 'submission' THEN EXISTS (SELECT 1 FROM submissions s WHERE s.id = authorize.id)
			WHEN 'document' THEN EXISTS (SELECT 1 FROM documents d WHERE d.id = authorize.id)
			ELSE false END;
		IF NOT room_exists THEN
			why := 'no_room';
		ELSE
			as_role := room_role(authorize.kind, authorize.id, who.user_id, who.email, who.user_type);
			IF as_role IS NULL THEN
				why := 'denied';
			END IF;
		END IF;
	END IF;
	RETURN QUERY SELECT why, who.user_id, who.name, who.email, who.user_type, as_role, who.expires_at;
END $$;

-- What a gateway remembers is dropped at once when its reason is gone. The secret of a session never
-- travels: its md5 does. Ids are cut because a notification holds 8,000 bytes.
CREATE FUNCTION tell_access() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('moot_access', CASE TG_TABLE_NAME
		WHEN 'sessions' THEN 'session:' || md5(OLD.id)
		WHEN 'users' THEN 'user:' || left(OLD.id, 1000)
		WHEN 'submissions' THEN 'room:submission:' || left(OLD.id, 1000)
		ELSE 'room:document:' || left(OLD.id, 1000) END);
	RETURN NULL;
END $$;

CREATE TRIGGER tell_access AFTER UPDATE OR DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION tell_access();
CREATE TRIGGER tell_access AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION tell_access();
CREATE TRIGGER tell_access AFTER UPDATE OR DELETE ON submissions FOR EACH ROW EXECUTE FUNCTION tell_access();
CREATE TRIGGER tell_access AFTER UPDATE OR DELETE ON documents FOR EACH ROW EXECUTE FUNCTION tell_access();
