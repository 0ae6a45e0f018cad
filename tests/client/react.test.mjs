// SPDX-License-Identifier: Apache-2.0
// The hooks in a real React, in StrictMode: what they give stays the same until it changes, handlers
// may be written inline, and on a server there is a snapshot.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../deploy/local/settings.mjs';
import * as hooks from '../../client/src/react.js';
import { ann, bo, event, member, sessionOf, settled, Stage } from './fakes.mjs';

const require = createRequire(path.join(ROOT, 'client', 'package.json'));
const { act, createElement, StrictMode } = require('react');
const { create } = require('react-test-renderer');
const { renderToString } = require('react-dom/server');
const { error } = console;
console.error = (/** @type {any[]} */ ...said) => /react-test-renderer is deprecated/.test(said[0]) || error(...said);
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const key = 'submission:1';

/** Renders a hook in a room that is joined. @param {() => any} hook @param {Stage} [stage] */
async function rendered(hook, stage = new Stage()) {
	/** @type {any[]} */
	const values = [];
	function Probe() {
		values.push(hook());
		return null;
	}
	const tree = (room = key, probe = true) => createElement(StrictMode, null, createElement(hooks.MoothallProvider, { client: stage.client },
		createElement(hooks.RoomProvider, { room, state: { mode: 'viewing' } }, probe && createElement(Probe))));
	/** @type {any} */
	let root;
	await act(async () => void (root = create(tree())));
	await act(async () => void (await stage.welcome()));
	await act(async () => void (await stage.joined(key, { members: [member(ann, sessionOf(1))] })));
	return {
		stage, values,
		get value() {
			return values[values.length - 1];
		},
		say: (/** @type {any} */ message) => act(async () => stage.socket.say({ room: key, ...message })),
		again: () => act(async () => root.update(tree())),
		does: (/** @type {() => any} */ what) => act(async () => void (await what())),
		remove: () => act(async () => root.update(tree(key, false))),
		end: () => act(async () => root.unmount()),
	};
}

/** @param {any[]} changed */
const presence = (...changed) => ({ type: 'presence', joined: [], left: [], changed });

describe('the hooks', () => {
	test('StrictMode and unmounting: joined once, and left once, a while after', async (t) => {
		t.mock.timers.enable({ apis: ['setTimeout'] });
		const { stage, end } = await rendered(() => hooks.useRoom());
		t.mock.timers.tick(2_000);
		assert.deepEqual(stage.socket.sent.map(({ type }) => type), ['hello', 'join']);
		await end();
		t.mock.timers.tick(999);
		assert.deepEqual(stage.socket.news('leave'), []);
		t.mock.timers.tick(1);
		assert.equal(stage.socket.news('leave').length, 1);
	});

	test('useMembers: the same until it changes, also what a selector makes anew each time', async () => {
		const all = await rendered(() => hooks.useMembers());
		const before = all.value;
		await all.again();
		assert.equal(all.value, before);
		const names = await rendered(() => hooks.useMembers((members) => members.map(({ name }) => name)));
		const first = names.value, renders = names.values.length;
		await names.say(presence(member(ann, sessionOf(1), { cursor: 1 })));
		assert.equal(names.values.length, renders, 'another cursor is no other name');
		await names.say({ type: 'presence', joined: [member(bo, 'b1')], left: [], changed: [] });
		assert.deepEqual(names.value, ['Ann', 'Bo']);
		assert.notEqual(names.value, first);
		const one = await rendered(() => hooks.useMembers((members) => ({ n: members.length })));
		await one.again();
		assert.deepEqual(one.value, { n: 1 });
	});

	test('useEvent and useCasts: an inline handler hears each once, and is the newest', async () => {
		/** @type {any[]} */
		const heard = [];
		let version = 0;
		const it = await rendered(() => {
			const mine = ++version;
			hooks.useEvent('comment_added', ({ seq }) => heard.push([seq, mine === version]));
			hooks.useEvent('*', ({ seq }) => heard.push(seq));
			hooks.useCasts('pointer', ({ data }) => heard.push(data));
		});
		await it.say(event(1));
		await it.again();
		await it.say(event(2));
		await it.say({ type: 'cast', key: 'pointer', from: bo, data: 'p', after: 2 });
		assert.deepEqual(heard.map((one) => (Array.isArray(one) ? one[0] : one)).sort(), [1, 1, 2, 2, 'p']);
		assert.equal(it.stage.socket.news('join').length, 0);
	});

	test('usePublish, useCast, useMyState, useSelf, useCount: stable functions that do it', async () => {
		const it = await rendered(() => ({ publish: hooks.usePublish(), cast: hooks.useCast(), mine: hooks.useMyState(), self: hooks.useSelf(), count: hooks.useCount() }));
		const { publish, cast, mine: [, set] } = it.value;
		await it.does(() => {
			publish('saved', 1).catch(() => {});
			cast('pointer', 2);
			set({ mode: 'editing' });
		});
		assert.deepEqual(it.stage.socket.news().map(({ type }) => type), ['publish', 'cast', 'state']);
		assert.deepEqual([it.value.publish, it.value.cast, it.value.mine[1]], [publish, cast, set]);
		assert.deepEqual([it.value.mine[0], it.value.self.state, it.value.count], [{ mode: 'editing' }, { mode: 'editing' }, 1]);
	});

	test('useConnection and useSaveStatus say what is true', async () => {
		const it = await rendered(() => ({ connection: hooks.useConnection(), save: hooks.useSaveStatus(), publish: hooks.usePublish() }));
		assert.deepEqual([it.value.connection.words, it.value.save.words], ['Connected', 'Saved']);
		await it.does(() => void it.value.publish('saved', 1).catch(() => {}));
		assert.equal(it.value.save.words, 'Saving');
		await it.does(() => it.stage.socket.drop());
		assert.equal(it.value.save.words, 'Not saved');
		assert.match(it.value.connection.words, /^Not connected: the connection was lost/);
		await it.does(async () => {
			await it.stage.clock.pass(125);
			await it.stage.welcome();
			await it.stage.joined(key);
		});
		assert.equal(it.value.save.words, 'Saving');
		await it.say({ type: 'ack', n: 1, seq: 1 });
		assert.equal(it.value.save.words, 'Saved');
	});

	test('useTyping: said once, ended by itself, by the end of the component, and others are seen', async (t) => {
		t.mock.timers.enable({ apis: ['setTimeout'] });
		const it = await rendered(() => hooks.useTyping());
		const states = async () => {
			await it.does(() => it.stage.clock.pass(40));
			return it.stage.socket.news('state').map(({ data }) => data);
		};
		await it.does(() => [1, 2, 3].forEach(() => it.value.typing()));
		assert.deepEqual(await states(), [{ typing: true }]);
		await it.does(() => t.mock.timers.tick(3_000));
		assert.deepEqual(await states(), [{ typing: null }]);
		await it.does(() => it.value.typing());
		await it.remove();
		assert.deepEqual(await states(), [{ typing: true }, { typing: null }]);
		const other = await rendered(() => hooks.useTyping());
		await other.say({ type: 'presence', joined: [member(bo, 'b1', { typing: true })], left: [], changed: [] });
		assert.deepEqual(other.value.typists.map((/** @type {any} */ one) => one.name), ['Bo']);
		await other.say({ type: 'presence', joined: [], left: [{ id: bo.id }], changed: [] });
		assert.deepEqual(other.value.typists, []);
	});

	test('useEditing: the first has it, the next may take over, and then has it', async () => {
		const it = await rendered(() => hooks.useEditing('title'));
		const edits = (/** @type {number} */ turn) => member(bo, 'b1', { mode: 'editing', field: 'title', turn });
		await it.say({ type: 'presence', joined: [edits(1)], left: [], changed: [] });
		assert.deepEqual([it.value.holder.name, it.value.isMine], ['Bo', false]);
		await it.does(() => it.value.start());
		assert.equal(it.value.isMine, false, 'somebody has it');
		await it.does(() => it.value.takeOver());
		assert.deepEqual([it.value.holder, it.value.isMine, it.value.editors.length], [null, true, 1]);
		await it.say(presence(edits(3)));
		assert.deepEqual([it.value.holder.name, it.value.isMine], ['Bo', false]);
		await it.does(() => it.value.stop());
		await it.say({ type: 'presence', joined: [], left: [{ id: bo.id }], changed: [] });
		assert.equal(it.value.holder, null);
		await it.does(() => it.value.start());
		assert.equal(it.value.isMine, true);
		await it.remove();
		assert.equal(it.stage.client.join(key).state.value.mode, undefined, 'it ends with the component');
	});

	test('useCursors: those of the others, gone with them', async () => {
		const it = await rendered(() => hooks.useCursors());
		await it.does(() => it.value.move({ at: 1 }));
		assert.deepEqual(it.stage.socket.news('state').map(({ data }) => data), [{ cursor: { at: 1 } }]);
		await it.say({ type: 'presence', joined: [member(bo, 'b1', { cursor: { at: 7 } })], left: [], changed: [member(ann, sessionOf(1), { cursor: { at: 1 } })] });
		assert.deepEqual(it.value.cursors.map((/** @type {any} */ one) => [one.session, one.member.name, one.cursor.at]), [['b1', 'Bo', 7]]);
		await it.say({ type: 'presence', joined: [], left: [{ id: bo.id }], changed: [] });
		assert.deepEqual(it.value.cursors, []);
	});

	test('the component of the manual, as it stands there', async () => {
		const { buildSync } = require('esbuild');
		const [, snippet] = fs.readFileSync(path.join(ROOT, 'docs', 'client.md'), 'utf8').split('```jsx\n');
		const { outputFiles } = buildSync({
			stdin: { contents: `${snippet.split('```')[0]}export { App };`, loader: 'jsx', resolveDir: path.join(ROOT, 'client') }, jsx: 'automatic', write: false,
			bundle: true, format: 'cjs', external: ['react'], alias: { 'moothall/react': path.join(ROOT, 'client', 'src', 'react.js') },
		});
		const stage = new Stage();
		/** @type {any[]} */
		const comments = [];
		const made = { exports: /** @type {any} */ ({}) };
		new Function('require', 'module', 'client', 'addComment', outputFiles[0].text)(require, made, stage.client, (/** @type {any} */ data) => comments.push(data));
		/** @type {any} */
		let root;
		await act(async () => void (root = create(createElement(made.exports.App))));
		await act(async () => void (await stage.welcome()));
		const manual = 'submission:42';
		await act(async () => void (await stage.joined(manual, { members: [member(ann, sessionOf(1)), member(bo, 'b1')] })));
		const words = () => root.root.findByType('p').children.filter((/** @type {any} */ one) => typeof one === 'string').join('');
		assert.match(words(), /^Connected\. Ann.*, Bo\. Saved/);
		await act(async () => void root.root.findByType('button').props.onClick());
		assert.match(words(), /Saving/);
		assert.deepEqual(stage.socket.news('publish').map(({ event: name, data }) => [name, data]), [['comment_added', { text: 'Fine' }]]);
		await act(async () => stage.socket.say({ ...event(1, { data: { text: 'Fine' }, n: 1 }), room: manual }));
		assert.match(words(), /Saved/);
		assert.deepEqual(comments, [{ text: 'Fine' }]);
		await act(async () => root.unmount());
	});

	test('on a server: a snapshot, and no connection', async () => {
		const stage = new Stage();
		function Page() {
			const { words } = hooks.useConnection();
			return createElement('p', null, `${words}, ${hooks.useMembers().length}, ${hooks.useSaveStatus().words}`);
		}
		const html = renderToString(createElement(hooks.MoothallProvider, { client: stage.client }, createElement(hooks.RoomProvider, { room: key }, createElement(Page))));
		assert.equal(html, '<p>Not connected yet, 0, Saved</p>');
		await settled();
		assert.equal(stage.sockets.length, 0);
		assert.throws(() => renderToString(createElement(Page)), /MoothallProvider/);
	});
});
