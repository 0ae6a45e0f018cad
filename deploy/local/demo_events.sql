-- SPDX-License-Identifier: Apache-2.0
-- What the application and its people said before: a submission that somebody has worked on. Once, in a
-- room without events.

do $$
declare
	room constant text := 'submission:spring-letter';
	said record;
begin
	if exists (select from event where event.room = 'submission:spring-letter') then
		return;
	end if;
	for said in select * from (values
		('status_changed', '{"status": "DRAFT", "title": "Spring letter to all members"}'::jsonb, 'u-5'),
		('content_updated', jsonb_build_object('field', 'content', 'newValue',
			E'Dear members,\n\nthe spring meeting takes place on 14 March, at seven in the evening, in the old town hall. All members are welcome; guests may come along if they have been named by the end of February.\n\nThe council proposes to open the reading room on Saturdays. The costs were estimated at 4,200 a year, of which the town carries half.\n\nWith kind regards,\nthe council'), 'u-5'),
		('status_changed', '{"status": "IN_REVIEW", "title": "Spring letter to all members"}', 'u-5'),
		('comment_added', '{"comment": {"id": "c-1", "content": "Should the date be in the first sentence?"}}', 'u-3'),
		('approval_added', '{"approval": {"status": "APPROVED"}}', 'mary_k_2')
	) as rows (event, data, actor) loop
		perform publish_event(room, said.event, said.data, actor => said.actor, key => 'demo ' || said.event || said.actor || md5(said.data::text));
	end loop;
end $$;
