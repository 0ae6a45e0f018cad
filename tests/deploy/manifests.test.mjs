// SPDX-License-Identifier: Apache-2.0
// The Kubernetes manifests, as kustomize renders them: valid by the schemas of the API, without a field
// that it does not know, complete in what they refer to, and as strict as the restricted level.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../deploy/local/settings.mjs';
import { complaints, OVERLAYS, render } from '../lib/manifests.mjs';

/** @typedef {import('../lib/manifests.mjs').Manifest} Manifest */

const require = createRequire(import.meta.url);
/** Where a group of the API is in kubernetes-types, if not under its first word. @type {Record<string, string>} */
const moved = { v1: 'core/v1' };

for (const overlay of OVERLAYS)
	describe(overlay, () => {
		const all = render(overlay);
		const of = (/** @type {string} */ kind) => all.filter((one) => one.kind === kind);
		const ours = all.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/part-of'] === 'moothall');
		const templates = ours.filter(({ spec }) => spec?.template).map(({ metadata, spec }) => ({ name: metadata.name, ...spec.template }));

		test('each is valid by its schema', () => {
			for (const one of all)
				assert.doesNotThrow(() => validate(one), `${one.kind} ${one.metadata.name}`);
		});

		test('none has a field that the API does not know', () => assert.equal(unknownFields(overlay, all), ''));

		test('a gateway, a shard, a job, an autoscaler, two budgets, policies', () => {
			assert.deepEqual(templates.map(({ name }) => name).sort(), ['moot-gateway', 'moot-migrate', 'moot-roomd']);
			assert.equal(of('PodDisruptionBudget').length, 2);
			assert.equal(of('HorizontalPodAutoscaler').length, 1);
			assert.ok(of('NetworkPolicy').length >= 3);
		});

		test('what selects, selects pods of ours', () => {
			const labels = all.filter(({ spec }) => spec?.template).map(({ spec }) => spec.template.metadata.labels);
			const selects = (/** @type {Record<string, string>} */ wanted) => labels.some((has) => Object.entries(wanted).every(([name, value]) => has[name] === value));
			for (const { kind, metadata, spec } of all)
				for (const wanted of [spec?.selector?.matchLabels, kind === 'Service' && spec.selector, spec?.podSelector?.matchLabels].filter(Boolean))
					assert.ok(selects(wanted), `${kind} ${metadata.name}: ${JSON.stringify(wanted)}`);
			for (const { spec } of of('HorizontalPodAutoscaler'))
				assert.ok(of('Deployment').some(({ metadata }) => metadata.name === spec.scaleTargetRef.name));
		});

		test('ports that are named are there', () => {
			const named = new Set(templates.flatMap(({ spec }) => spec.containers.flatMap((/** @type {any} */ one) => (one.ports ?? []).map((/** @type {any} */ port) => port.name))));
			for (const { metadata, spec } of of('NetworkPolicy'))
				for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
					for (const { port } of rule.ports)
						assert.ok(typeof port === 'number' || named.has(port), `${metadata.name}: ${port}`);
			for (const { spec } of ours.filter(({ kind }) => kind === 'Service'))
				for (const { targetPort } of spec.ports)
					assert.ok(named.has(targetPort), targetPort);
		});

		test('pods of the product are restricted', () => {
			for (const { name, spec } of templates) {
				const { runAsNonRoot, runAsUser, seccompProfile } = spec.securityContext;
				assert.deepEqual({ runAsNonRoot, runAsUser, seccompProfile }, { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } }, name);
				assert.equal(spec.automountServiceAccountToken, false, name);
				assert.equal(spec.enableServiceLinks, false, `${name}: their variables would be taken for options`);
				for (const { securityContext, resources } of spec.containers) {
					assert.deepEqual(securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }, name);
					assert.equal(resources.requests.memory !== undefined && resources.limits.memory !== undefined, true, name);
				}
			}
		});

		test('each variable is an option of its process', () => {
			for (const { name, spec } of templates.filter((one) => one.name !== 'moot-migrate'))
				for (const { env } of spec.containers)
					assert.equal(complaints(name, Object.fromEntries(env.map((/** @type {any} */ one) => [one.name, one.value ?? 'known-at-its-start']))), '');
		});

		test('a secret that is mounted has the keys that are asked for', () => {
			for (const { name, spec } of templates)
				for (const { secret } of spec.volumes) {
					const made = all.find((one) => one.kind === 'Secret' && one.metadata.name === secret.secretName);
					assert.ok(made || overlay === 'prod', `${name}: ${secret.secretName}`);
					for (const { key } of made ? secret.items : [])
						assert.ok(made?.data[key] !== undefined, `${secret.secretName} has ${key}`);
				}
		});
	});

test('these checks find what is wrong', () => {
	const deployment = /** @type {Manifest} */ (render('prod').find(({ kind }) => kind === 'Deployment'));
	const { spec } = deployment;
	assert.throws(() => validate({ ...deployment, spec: { ...spec, replicas: 'three' } }));
	assert.match(unknownFields('wrong', [{ ...deployment, spec: { ...spec, replicaz: 3 } }]), /replicaz/);
	assert.match(complaints('moot-gateway', { MOOT_DRAIN_SPRED: '1s' }), /MOOT_DRAIN_SPRED/);
	assert.match(complaints('moot-roomd', { MOOT_DRAIN_DEADLINE: '1 s' }), /78: .*MOOT_DRAIN_DEADLINE/);
});

/** @param {Manifest} manifest */
function validate(manifest) {
	const Model = require(`kubernetes-models/${manifest.apiVersion}/${manifest.kind}`)[manifest.kind];
	new Model(manifest).validate();
}

/** A literal of the type may not have more than the type does: tsc says which. @param {string} overlay @param {Manifest[]} all @returns {string} */
function unknownFields(overlay, all) {
	const dir = path.join(ROOT, 'build', 'manifests');
	const types = path.join(ROOT, 'tests', 'node_modules', 'kubernetes-types');
	const file = path.join(dir, `${overlay}.ts`);
	fs.mkdirSync(dir, { recursive: true });
	fs.writeFileSync(file, all.map(({ apiVersion, kind, ...rest }, i) => {
		const at = moved[apiVersion] ?? apiVersion.replace(/\.k8s\.io\//, '/');
		return `import type { ${kind} as K${i} } from '${path.relative(dir, types)}/${at}';\nexport const x${i}: K${i} = ${JSON.stringify({ apiVersion, kind, ...rest }, null, 1)};\n`;
	}).join(''));
	try {
		execFileSync(path.join(ROOT, 'client', 'node_modules', '.bin', 'tsc'),
			['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler', '--types', '', '--ignoreConfig', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
		return '';
	} catch (cause) {
		return String(/** @type {{stdout: string}} */ (cause).stdout);
	}
}
