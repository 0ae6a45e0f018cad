// SPDX-License-Identifier: Apache-2.0
// An application in TypeScript: what it may write, and what it may not. Compiled, never run.

import { createClient, describe, MoothallError, type Member, type Room, type SaveStatus, type Status } from 'moothall';
import { useEvent, useMembers, usePublish, useSaveStatus } from 'moothall/react';
import { SubmissionWebSocketClient } from 'moothall/v0';

type Events = { comment_added: { text: string }; saved: { field: string; value: string } };

const client = createClient({ url: 'https://rooms.example.org', auth: async ({ stale }) => (stale ? 'b' : 'a') });
const room: Room<Events> = client.join<Events>('submission:42', { since: 3, state: { mode: 'viewing' } });

const seq: Promise<number> = room.publish('comment_added', { text: 'fine' }, { base: 0 });
// @ts-expect-error an event of that name does not exist
room.publish('comment_removed', { text: 'fine' });
// @ts-expect-error its data has another shape
room.publish('saved', { text: 'fine' });

room.on('event:comment_added', ({ data, from, seq: at, replay }) => {
	const text: string = data.text;
	return [text, from.name, at.toFixed(), replay === true];
});
room.on('gap', ({ from, to }) => to - from);
room.on('cast:pointer', ({ data, after }) => [data, after]);
// @ts-expect-error there is no such thing to hear of
room.on('evnt', () => {});
const stop: () => void = client.on('status', (status: Status) => describe(status).toUpperCase());
seq.catch((why: unknown) => why instanceof MoothallError && [why.code, why.mayBeStored]);

export function Names() {
	const names: string[] = useMembers((members: readonly Member[]) => members.map(({ name }) => name));
	const publish = usePublish();
	const save: SaveStatus & { words: string } = useSaveStatus();
	useEvent('comment_added', ({ seq: at }) => publish('seen', at));
	return [names, save.words, stop];
}

const old = new SubmissionWebSocketClient('42', 'u1', 'Ann', 'ann@example.org');
old.on('room_state', ({ users }) => users?.map(({ userName }) => userName));
const state: 'disconnected' | 'connecting' | 'connected' = old.connectionState;
export const health: boolean = old.connectionHealth.isHealthy && state === 'connected';
