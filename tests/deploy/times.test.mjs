// SPDX-License-Identifier: Apache-2.0
// What must fit: how long a process may take to leave and how long it is given, how soon a balancer sees
// that it leaves and how long it waits for that, what a shard keeps in memory and what it may have. In the
// manifests, in the compose file, in the units, and in what the programs do by themselves.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../deploy/local/settings.mjs';
import { bytes, ms, OVERLAYS, readCompose, render, settings } from '../lib/manifests.mjs';

/** @typedef {Map<string, string>} Settings */

const marginMs = 5_000; // for a busy machine, and for what is not drained but closed
const followMs = 2_000; // endpoints of a Service, after a pod began to end
const compose = readCompose();
const haproxy = fs.readFileSync(path.join(ROOT, 'deploy', 'compose', 'haproxy.cfg'), 'utf8');

/** Of the product's Deployments. @param {typeof OVERLAYS[number]} overlay */
function podsOf(overlay) {
	return render(overlay).filter(({ kind, metadata }) => kind === 'Deployment' && metadata.name.startsWith('moot-')).map(({ metadata, spec }) => {
		const [container] = spec.template.spec.containers;
		const env = Object.fromEntries(container.env.map((/** @type {any} */ one) => [one.name, one.value ?? 'known-at-its-start']));
		return { name: metadata.name, spec, pod: spec.template.spec, container, set: settings(metadata.name, env) };
	});
}

/** Once SIGTERM has come, the longest that it takes to leave. @param {string} name @param {Settings} set @returns {number} */
function leaveMs(name, set) {
	if (name === 'moot-roomd')
		return timeOf(set, 'drain.deadline');
	return timeOf(set, 'drain.settle') + timeOf(set, 'drain.spread') + constantMs('gateway/drain.c', 'LINGER_NS') + constantMs('gateway/drain.c', 'FAREWELL_NS');
}

/** @param {Settings} set @param {string} option */
function timeOf(set, option) {
	return ms(set.get(option) ?? assert.fail(`there is no ${option}`));
}

/** `#define NAME (6 * NS_PER_S)` or `(NS_PER_S / 2)` @param {string} file @param {string} name */
function constantMs(file, name) {
	const [, times = '1', , by = '1'] = new RegExp(`#define ${name} \\((?:(\\d+) \\* )?NS_PER_S( / (\\d+))?\\)`).exec(fs.readFileSync(path.join(ROOT, file), 'utf8')) ?? assert.fail(`${name} is not in ${file}`);
	return (Number(times) * 1_000) / Number(by);
}

for (const overlay of OVERLAYS)
	describe(`Kubernetes, ${overlay}`, () => {
		const all = podsOf(overlay);

		test('whoever leaves has the time that it takes', () => {
			assert.deepEqual(all.map(({ name }) => name), ['moot-gateway', 'moot-roomd']);
			for (const { name, pod, container, set } of all) {
				assert.equal(container.lifecycle, undefined, `${name}: the time of a hook would count too`);
				assert.ok(pod.terminationGracePeriodSeconds * 1_000 >= leaveMs(name, set) + marginMs, `${name} takes ${leaveMs(name, set)} ms`);
			}
		});

		test('a gateway takes clients until nobody sends it any', () => {
			const { container, set } = all[0];
			const { periodSeconds, failureThreshold } = container.readinessProbe;
			assert.ok(timeOf(set, 'drain.settle') >= followMs, 'endpoints follow the end of a pod');
			assert.ok(timeOf(set, 'drain.settle') >= periodSeconds * failureThreshold * 1_000, 'and readiness says the same');
		});

		test('liveness asks of nothing else, and is patient', () => {
			for (const { name, container } of all) {
				const { livenessProbe: live, readinessProbe: ready, startupProbe: start } = container;
				assert.deepEqual([live.httpGet.path, start.httpGet.path, ready.httpGet.path], ['/healthz', '/healthz', '/readyz'], name);
				assert.ok(live.periodSeconds * live.failureThreshold >= 20, `${name}: a pause of ten seconds is no reason to restart`);
				assert.ok(live.periodSeconds * live.failureThreshold > ready.periodSeconds * ready.failureThreshold, `${name}: first no traffic, then no life`);
				assert.ok(start.periodSeconds * start.failureThreshold >= 30, name);
			}
		});

		test('idle rooms leave before the memory is at its limit', () => {
			const { container, set } = all[1];
			const limit = bytes(container.resources.limits.memory);
			const room = bytes(set.get('room.memory') ?? '');
			assert.ok(room > bytes(set.get('history.memory') ?? '') && room <= 0.8 * limit, `${room} of ${limit}`);
		});

		test('a roll and a drained node leave enough of them', () => {
			const manifests = render(overlay);
			for (const { name, spec } of all) {
				const scaler = manifests.find(({ kind, spec: of }) => kind === 'HorizontalPodAutoscaler' && of.scaleTargetRef.name === name);
				const least = scaler ? scaler.spec.minReplicas : spec.replicas;
				const budget = manifests.find(({ kind, metadata }) => kind === 'PodDisruptionBudget' && metadata.name === name);
				assert.ok(least >= 2, `${name}: ${least}`);
				assert.ok(budget?.spec.maxUnavailable < least, name);
				assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0, name);
				assert.ok(spec.strategy.rollingUpdate.maxSurge >= 1, name);
				assert.equal(scaler === undefined, spec.replicas !== undefined, `${name}: one of them has the number`);
			}
		});
	});

describe('compose', () => {
	const of = (/** @type {string} */ service) => ({ ...compose.services[service], set: settings(`moot-${service}`, compose.services[service].environment) });

	test('whoever leaves has the time that it takes', () => {
		for (const service of ['gateway', 'roomd']) {
			const { stop_grace_period: grace, set } = of(service);
			assert.ok(ms(grace) >= leaveMs(`moot-${service}`, set) + marginMs, `${service} takes ${leaveMs(`moot-${service}`, set)} ms, and has ${grace}`);
		}
	});

	test('a gateway takes clients until the balancer sends it none', () => {
		const [, inter, fall] = /check port \d+ inter (\w+) fall (\d+)/.exec(haproxy) ?? assert.fail('haproxy.cfg checks');
		const [, hold] = /hold obsolete (\w+)/.exec(haproxy) ?? assert.fail('haproxy.cfg holds');
		const settle = timeOf(of('gateway').set, 'drain.settle');
		assert.ok(settle >= ms(inter) * Number(fall) + followMs, `settles for ${settle} ms`);
		assert.ok(settle >= ms(hold), 'nor by its name');
	});

	test('the balancer is more patient with a silent connection than the gateway', () => {
		const { set } = of('gateway');
		for (const what of ['client', 'server', 'tunnel']) {
			const [, time] = new RegExp(`timeout ${what} +(\\w+)`).exec(haproxy) ?? assert.fail(what);
			assert.ok(ms(time) > timeOf(set, 'keepalive.dead'), `timeout ${what}`);
		}
	});

	test('Docker gives a probe more time than it takes', () => {
		const [, wait] = /#define WAIT_S (\d+)/.exec(fs.readFileSync(path.join(ROOT, 'common/probe.c'), 'utf8')) ?? assert.fail('WAIT_S');
		for (const [, timeout] of fs.readFileSync(path.join(ROOT, 'deploy/Dockerfile'), 'utf8').matchAll(/HEALTHCHECK .*--timeout=(\w+)/g))
			assert.ok(ms(timeout) > 2 * Number(wait) * 1_000, 'to be called, and to answer');
	});
});

describe('systemd', () => {
	test('whoever leaves has the time that it takes', () => {
		for (const name of ['moot-gateway', 'moot-roomd']) {
			const unit = fs.readFileSync(path.join(ROOT, 'deploy', 'systemd', `${name}.service`), 'utf8');
			const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? assert.fail(name);
			assert.ok(Number(seconds) * 1_000 >= leaveMs(name, settings(name, {})) + marginMs, `${name} takes ${leaveMs(name, settings(name, {}))} ms`);
		}
	});
});

test('gateways and shards agree on the grace of a lost connection', () => {
	assert.equal(settings('moot-gateway', {}).get('presence.grace'), settings('moot-roomd', {}).get('presence.grace'));
	for (const overlay of OVERLAYS) {
		const [gateway, roomd] = podsOf(overlay);
		assert.equal(gateway.set.get('presence.grace'), roomd.set.get('presence.grace'), overlay);
	}
	const [gateway, roomd] = ['gateway', 'roomd'].map((service) => settings(`moot-${service}`, compose.services[service].environment));
	assert.equal(gateway.get('presence.grace'), roomd.get('presence.grace'));
});
