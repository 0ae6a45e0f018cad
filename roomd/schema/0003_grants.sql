-- SPDX-License-Identifier: Apache-2.0
-- What the processes' own role may do. Why a role of its own: a gateway that was broken into must not be
-- able to read sessions, only to ask about one it was shown. Without a role moot_app nothing is granted,
-- and the processes run as whatever role their URL names.

REVOKE ALL ON FUNCTION authorize(text, text, text), session_lookup(text),
	room_role(text, text, text, text, text) FROM PUBLIC;

DO $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moot_app') THEN
		RETURN;
	END IF;
	GRANT USAGE ON SCHEMA public TO moot_app;
	GRANT SELECT, INSERT, UPDATE, DELETE ON member TO moot_app;
	GRANT SELECT, UPDATE ON slot, view TO moot_app;
	GRANT EXECUTE ON FUNCTION authorize(text, text, text), session_lookup(text) TO moot_app;
END $$;
