-- SPDX-License-Identifier: Apache-2.0
-- People and papers to try the cluster with; loading it again changes nothing. The ids are unlike on
-- purpose: an e-mail, one with '_', names with spaces. A session's id is its token: never load this into
-- a database that others can reach.

insert into users (id, name, email, user_type) values
	('ada_l',             'Ada Lovelace',        'ada@example.org',      'Reviewer'),
	('grace@example.org', 'Grace Brewster Hopper', 'grace@example.org',  'Reviewer'),
	('u-3',               'Zoë Ångström',        'zoe@example.org',      'Reviewer'),
	('mary_k_2',          'Mary Kenneth Keller', 'mary@example.org',     'Reviewer'),
	('u-5',               'Alan',                'alan@example.org',     'Submitter'),
	('root_admin',        'Margaret Hamilton',   'margaret@example.org', 'Admin'),
	('u-7',               'Sam Stranger',        'sam@example.org',      'Reviewer')
on conflict (id) do nothing;

insert into submissions (id, title, submitted_by, required_approvers) values
	('spring-letter', 'Spring letter to all members', 'u-5',
		array['ada@example.org', 'grace@example.org', 'zoe@example.org', 'mary@example.org']),
	('press_2', 'Press release, second draft', 'ada_l', array['grace@example.org', 'zoe@example.org']),
	('annual-report', 'Annual report', 'grace@example.org', array['ada@example.org', 'mary@example.org'])
on conflict (id) do nothing;

insert into documents (id, title, owner, editors, viewers) values
	('minutes', 'Minutes of the council', 'ada_l', array['grace@example.org', 'u-3'], array['mary_k_2']),
	('style_guide', 'Style guide', 'grace@example.org', array['ada_l'], array['u-3', 'u-5'])
on conflict (id) do nothing;

insert into sessions (id, user_id, expires_at) values
	('demo-ada',      'ada_l',             now() + interval '10 years'),
	('demo-grace',    'grace@example.org', now() + interval '10 years'),
	('demo-zoe',      'u-3',               now() + interval '10 years'),
	('demo-mary',     'mary_k_2',          now() + interval '10 years'),
	('demo-alan',     'u-5',               now() + interval '10 years'),
	('demo-margaret', 'root_admin',        now() + interval '10 years'),
	('demo-sam',      'u-7',               now() + interval '10 years')
on conflict (id) do nothing;
