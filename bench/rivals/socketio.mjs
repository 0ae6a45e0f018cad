// SPDX-License-Identifier: Apache-2.0
// A room server on Socket.IO, one of two processes that Redis connects, set up as its manual says for speed:
// WebSockets alone, nothing compressed, no HTTP request kept for a connection.
// node socketio.mjs PORT REDIS-URL

import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const [port, url] = process.argv.slice(2);
const publisher = createClient({ url });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer((_, response) => response.end()); // whoever asks whether it is ready
const io = new Server(http, {
	adapter: createAdapter(publisher, subscriber),
	httpCompression: false, perMessageDeflate: false, serveClient: false, transports: ['websocket'],
});
io.engine.on('connection', (/** @type {{request: unknown}} */ raw) => void (raw.request = null));
io.on('connection', (socket) => {
	const { room } = socket.handshake.auth;
	socket.join(room);
	socket.on('cast', (data) => socket.to(room).emit('cast', data));
	socket.emit('in');
});
http.listen(Number(port), '127.0.0.1');
