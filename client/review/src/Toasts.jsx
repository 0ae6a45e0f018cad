// SPDX-License-Identifier: Apache-2.0
// A word about what others did, in the corner; it goes by itself.

/** @typedef {{key: number, by: string, id: string, text: string, at: number}} Note  what somebody did that is not kept */

/** @param {{toasts: readonly Note[], onDismiss: (key: number) => void}} props */
export function Toasts({ toasts, onDismiss }) {
	return (
		<div className="toasts" id="toasts" role="log" aria-live="polite" aria-label="News">
			{toasts.map(({ key, by, text }) => (
				<p key={key} className="toast">
					<span>{by ? <b>{by} </b> : null}{text}</span>
					<button type="button" className="quiet" aria-label="Dismiss" onClick={() => onDismiss(key)}>×</button>
				</p>
			))}
		</div>
	);
}
