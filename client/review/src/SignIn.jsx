// SPDX-License-Identifier: Apache-2.0
// Nobody is signed in, or no room is named. An application gives both in its link; on a developer's
// machine the people of the demo can be chosen.
import { useState } from 'react';
import { people, rooms } from './demo.js';
import { Avatar } from './person.jsx';
import { enter } from './visit.js';

/** @param {{visit: import('./visit.js').Visit}} props */
export function SignIn({ visit }) {
	const [session, setSession] = useState(visit.session || (visit.isLocal ? people[0].session : ''));
	const [room, setRoom] = useState(visit.room || (visit.isLocal ? rooms[0] : ''));
	return (
		<main className="sign-in">
			<h1>Moothall</h1>
			<p>Review a submission together.</p>
			<form onSubmit={(event) => (event.preventDefault(), enter(room, session))}>
				{visit.isLocal ? (
					<fieldset>
						<legend>Be one of the demo’s people</legend>
						{people.map(({ id, name, session: token }) => (
							<label key={token} className="choice">
								<input type="radio" name="person" checked={session === token} onChange={() => setSession(token)} />
								<Avatar id={id} name={name} small />{name}
							</label>
						))}
					</fieldset>
				) : null}
				<label>Room
					<input value={room} list="rooms" required pattern="(submission|document):.+" autoComplete="off" onChange={(event) => setRoom(event.target.value)} />
				</label>
				<datalist id="rooms">{visit.isLocal ? rooms.map((one) => <option key={one} value={one} />) : null}</datalist>
				<label>Session
					<input value={session} required type="password" autoComplete="off" onChange={(event) => setSession(event.target.value)} />
				</label>
				<button type="submit" className="main">Enter</button>
			</form>
		</main>
	);
}
