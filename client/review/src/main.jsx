// SPDX-License-Identifier: Apache-2.0
// The page: signs in, joins the room that the address names, and shows it.
import '@fontsource-variable/inter';
import '@fontsource-variable/source-serif-4';
import './page.css';
import { createClient } from 'moothall';
import { MoothallProvider, RoomProvider } from 'moothall/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Review } from './Review.jsx';
import { SignIn } from './SignIn.jsx';
import { applyTheme } from './theme.js';
import { createTrace } from './trace.js';
import { leave, readVisit } from './visit.js';

applyTheme();
const visit = readVisit();
const root = createRoot(/** @type {HTMLElement} */ (document.getElementById('page')));

if (visit.session && visit.room) {
	const client = createClient({ url: location.origin, auth: visit.session });
	const trace = createTrace(client);
	root.render(
		<StrictMode>
			<MoothallProvider client={client}>
				<RoomProvider key={visit.room} room={visit.room}>
					<Review visit={visit} trace={trace} onLeave={() => (client.close(), leave(visit.room))} />
				</RoomProvider>
			</MoothallProvider>
		</StrictMode>,
	);
} else {
	root.render(<SignIn visit={visit} />);
}
