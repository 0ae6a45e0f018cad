// SPDX-License-Identifier: Apache-2.0
// Desktop notifications, for a page that nobody looks at. Only after somebody has asked for them here.

const keptAs = 'moothall.notify';

/** @returns {'unavailable' | 'off' | 'on' | 'blocked'} */
export function readNotify() {
	if (!('Notification' in window))
		return 'unavailable';
	if (Notification.permission === 'denied')
		return 'blocked';
	return Notification.permission === 'granted' && localStorage.getItem(keptAs) === 'on' ? 'on' : 'off';
}

/** Asks the browser the first time; call it from a click. */
export async function toggleNotify() {
	const isOn = readNotify() === 'on';
	if (!isOn && Notification.permission === 'default')
		await Notification.requestPermission();
	localStorage.setItem(keptAs, isOn ? 'off' : 'on');
	return readNotify();
}

/** @param {string} text @param {string} title */
export function notify(text, title) {
	if (document.visibilityState !== 'hidden' || readNotify() !== 'on')
		return;
	try {
		const shown = new Notification(text, { body: title, tag: 'moothall' });
		shown.onclick = () => (window.focus(), shown.close());
	} catch {
		// phones allow them to service workers only
	}
}
