// own process: the program that it tests awaits while it loads
// What `npm run package` makes: the npm package with its documents, checksums and components, and the files for Docker.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { buildPackages, stagePackage } from '#build/build-package.mjs';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { builtSite } from '#test/helpers/browser.ts';
import { blockScope, ROOT, temporaryDir } from '#test/helpers/daemon.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';

const scope = blockScope();
const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
const docker = path.join(ROOT, 'build', 'docker');

test('the package has the documentation, and its documents lead to files that it has', async (t) => {
  const folder = path.join(await temporaryDir(t), 'package');
  await builtSite();
  await stagePackage(folder);
  assert.ok(existsSync(path.join(folder, 'out/site/quick-start.html')));
  assert.ok(globSync('out/site/assets/chunks/@localSearchIndex*.js.br', { cwd: folder }).length > 0);
  const documents = globSync('**/*.md', { cwd: folder });
  for (const name of ['README.md', 'CHANGELOG.md', 'docs/install.md', 'docs/settings.md'])
    assert.ok(documents.includes(path.normalize(name)), name);
  const broken = documents.flatMap((file) =>
    [
      ...readFileSync(path.join(folder, file), 'utf8')
        .replace(/`[^`\n]*`/g, '')
        .matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g),
    ]
      .map(([, link]) => link as string)
      .filter((link) => !existsSync(path.join(folder, path.dirname(file), link)))
      .map((link) => `${file}: ${link}`),
  );
  assert.deepEqual(broken, []);
  // and to folders that they name
  for (const place of ['build/proxy/Caddyfile', 'build/monitoring/prometheus.yml', 'build/docker/compose.yaml'])
    assert.ok(existsSync(path.join(folder, place)), place);
});

describe('the files for Docker', () => {
  const compose = parse(readFileSync(path.join(docker, 'compose.yaml'), 'utf8'), { merge: true });
  const services = Object.entries<any>(compose.services);

  test('each service has an exact image, comes back after a reboot, and its log is bounded', () => {
    assert.deepEqual(Object.keys(compose.services).sort(), [
      'caddy',
      'egress',
      'ingress',
      'livekit',
      'redis',
      'streamhub',
    ]);
    for (const [name, { image, restart, logging, network_mode, depends_on = [], volumes = [] }] of services) {
      assert.match(image, /^[\w/-]+:(?!latest)[\w.-]+$/, name);
      assert.equal(restart, 'unless-stopped', name);
      assert.ok(logging.options['max-size'], name);
      assert.equal(network_mode, 'host', name);
      for (const other of depends_on) assert.ok(compose.services[other], `${name} needs ${other}`);
      for (const volume of volumes as string[]) {
        const [source = ''] = volume.split(':');
        assert.ok(source in compose.volumes || existsSync(path.join(docker, source)), `${name}: ${volume}`);
      }
    }
    assert.ok(
      existsSync(
        path.join(docker, compose.services.streamhub.build.context, compose.services.streamhub.build.dockerfile),
      ),
    );
  });

  test('the settings are the daemon’s, LiveKit’s configs are YAML, and make-env gives each variable', () => {
    const names = new Set<string>(Object.values(SETTINGS).map(({ env }) => env));
    for (const name of Object.keys(compose.services.streamhub.environment)) assert.ok(names.has(name), name);
    const text = execFileSync(path.join(docker, 'make-env'), ['stream.test', 'livekit.test'], { encoding: 'utf8' });
    const values = Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
    const source = readFileSync(path.join(docker, 'compose.yaml'), 'utf8');
    const used = new Set([...source.matchAll(/\$\{(\w+)/g)].map(([, name]) => name as string));
    assert.deepEqual([...used].sort(), Object.keys(values).sort());
    const filled = (body: string) => parse(body.replace(/\$\{(\w+)[^}]*\}/g, (_all, name) => values[name] as string));
    const { livekit, egress, ingress } = compose.services;
    const { keys, webhook, redis } = filled(livekit.environment.LIVEKIT_CONFIG);
    assert.deepEqual(keys, { [values['LIVEKIT_API_KEY'] as string]: values['LIVEKIT_API_SECRET'] });
    assert.ok((values['LIVEKIT_API_SECRET'] as string).length >= 32, 'LiveKit asks for 32 characters');
    assert.equal(webhook.api_key, values['LIVEKIT_API_KEY']);
    for (const body of [egress.environment.EGRESS_CONFIG_BODY, ingress.environment.INGRESS_CONFIG_BODY]) {
      const config = filled(body);
      assert.deepEqual(config.redis, redis);
      assert.equal(config.api_secret, values['LIVEKIT_API_SECRET']);
    }
    assert.notEqual(spawnSync(path.join(docker, 'make-env'), []).status, 0);
  });

  const hadolint = spawnSync('hadolint', ['--version']).status === 0 ? false : 'hadolint is not on this machine';
  test('hadolint has nothing to say about the Dockerfile', { skip: hadolint }, () => {
    execFileSync('hadolint', [path.join(docker, 'Dockerfile')]);
  });
});

describe('npm run package', { skip: withoutLongTests }, () => {
  test('makes both packages, components and checksums, and npx runs the npm package', async () => {
    const dir = await temporaryDir(scope);
    const target = path.join(dir, 'dist');
    const files = await buildPackages(target);
    assert.ok(files.includes(`streamhub-${version}.tgz`), files.join());
    const sums = readFileSync(path.join(target, 'SHA256SUMS'), 'utf8').trim().split('\n');
    assert.deepEqual(
      sums,
      files.map(
        (file) =>
          `${createHash('sha256')
            .update(readFileSync(path.join(target, file)))
            .digest('hex')}  ${file}`,
      ),
    );
    const { bomFormat, components } = JSON.parse(
      readFileSync(path.join(target, `streamhub-${version}.cdx.json`), 'utf8'),
    );
    assert.equal(bomFormat, 'CycloneDX');
    const names = new Set(components.map(({ name }: { name: string }) => name));
    for (const name of ['fastify', 'better-sqlite3']) assert.ok(names.has(name), name);
    for (const name of ['electron', 'keytar', 'vite']) assert.ok(!names.has(name), name);
    const args = [
      'exec',
      '--yes',
      `--package=${path.join(target, `streamhub-${version}.tgz`)}`,
      '--',
      'streamhub',
      '--version',
    ];
    const printed = execFileSync('npm', args, {
      cwd: dir,
      encoding: 'utf8',
      env: { ...process.env, npm_config_cache: path.join(dir, 'npm') },
    });
    assert.equal(printed.trim(), version);
  });
});
