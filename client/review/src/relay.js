// SPDX-License-Identifier: Apache-2.0
// What this page does, in the words of the relay's clients: those in the same room see who edits and types
// and where the cursor is. What they say of themselves the server shows as presence state.
import { useCast, useMyState, useRoom } from 'moothall/react';
import { useEffect, useRef } from 'react';
import { field } from './submission.js';

/** Tells such a page's words from those of a client that knows nothing of turns. */
const via = 'moot.v1';

/** @param {boolean} isMine */
export function useRelayWords(isMine) {
	const cast = useCast();
	const room = useRoom();
	const [{ typing, cursor }] = useMyState();
	useTold(isMine, (is) => cast(is ? 'editing_started' : 'editing_stopped', { field, via }));
	useTold(!!typing, (is) => cast(is ? 'typing_start' : 'typing_stop', { userId: room?.self?.user.id, userName: room?.self?.user.name }));
	useEffect(() => {
		if (cursor) // with all of it: of two cursors of one connection the server shows either
			cast('cursor_position', { ...cursor, position: { ...cursor.place, type: cursor.from === cursor.to ? 'cursor' : 'selection' } });
	}, [cursor, cast]);
}

/** Says it when it becomes so, not at first. @param {boolean} is @param {(is: boolean) => void} tell */
function useTold(is, tell) {
	const told = useRef(false);
	useEffect(() => {
		if (told.current !== is)
			tell(is);
		told.current = is;
	}, [is]);
}
