import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TSchema } from 'typebox';
import { DeliveryPlanData } from '#shared/schema/delivery.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Blocks of config.yaml that only the delivery plan reads. */
const BLOCKS = [
  'recording',
  'webrtc',
  'rtmp',
  'transcoding',
  'features',
  'distribution',
  'hls',
  'latencyAlert',
  'mqtt',
];
/** What people are told and nothing acts on. */
const FIGURES = new Set(['live.delaySeconds', 'live.egressCpus', 'vod.egressCpus']);
/** The config service checks and writes the blocks; the delivery service gives the plan its facts. */
const ALLOWED = /^daemon\/apps\/(?:config|delivery)\//;

const sources = globSync('{daemon,shared/delivery,desktop/renderer}/**/*.{ts,tsx}', { cwd: ROOT })
  .filter((file) => !/\.test\.tsx?$/.test(file))
  .map((file) => ({ file, text: withoutComments(readFileSync(path.join(ROOT, file), 'utf8')) }));

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
}

const names = BLOCKS.join('|');
const READS = [
  // config.recording, (await config.get(app)).recording
  new RegExp(`\\bconfig(?:\\.get\\([^()]*\\)\\))?\\??\\.(?:${names})\\b`, 'i'),
  // const { recording } = await config.get(app)
  new RegExp(`\\{[^{}]*\\b(?:${names})\\b(?:[^{}]|\\{[^{}]*\\})*\\}\\s*=\\s*(?:await\\s+)?[\\w.#]*config\\b`, 'i'),
  // ({ recording }: AppConfig) =>
  new RegExp(`\\{[^{}]*\\b(?:${names})\\b(?:[^{}]|\\{[^{}]*\\})*\\}\\s*:\\s*(?:Pick<)?AppConfig\\b`),
];
const readsConfig = (text: string): boolean => READS.some((pattern) => pattern.test(text));

test('nothing in the daemon but the delivery plan reads a delivery key of the config', () => {
  for (const text of [
    'if (config.recording.enabled) return;',
    'const { s3, transcoding } = await config.get(name);',
    'const { s3: block, recording: { auto } } = await this.#deps.config.get(app);',
    '(await config.get(app)).features.chat',
    'const f = ({ hls }: AppConfig) => hls;',
  ]) {
    assert.ok(readsConfig(text), `would be found: ${text}`);
  }
  assert.ok(!readsConfig('const { recording } = await delivery.planOf(config);'));
  const daemon = sources.filter(({ file }) => file.startsWith('daemon/') && !ALLOWED.test(file));
  assert.ok(daemon.length > 300);
  assert.deepEqual(
    daemon.filter(({ text }) => readsConfig(text)).map(({ file }) => file),
    [],
  );
});

/** Dotted names of all values of the plan. */
function leaves(schema: TSchema, at: string[] = []): string[] {
  const { anyOf, items, properties } = schema as TSchema & {
    anyOf?: TSchema[];
    items?: TSchema;
    properties?: Record<string, TSchema>;
  };
  if (anyOf !== undefined) return leaves(anyOf[0] as TSchema, at);
  if (items !== undefined) return leaves(items, at);
  if (properties === undefined) return [at.join('.')];
  return Object.entries(properties).flatMap(([name, property]) => leaves(property, [...at, name]));
}

const reads = (text: string, name: string): boolean =>
  new RegExp(`\\.${name}\\b`).test(text) ||
  new RegExp(`\\{[^{}]*\\b${name}\\b[^{}]*\\}\\)?\\s*(?:=|:\\s*[A-Z])`).test(text);

test('each value of the delivery plan is read by something that acts on it', () => {
  const isAbout = (text: string) => /delivery\/plan\.ts|delivery\.plan\(|\.planOf\(|delivery\/publish/.test(text);
  const folders = new Set(sources.filter(({ text }) => isAbout(text)).map(({ file }) => path.dirname(file)));
  const readers = sources.filter(
    ({ file }) => folders.has(path.dirname(file)) && !/^shared\/delivery\/(?:plan|words)\.ts$/.test(file),
  );
  assert.ok(readers.length > 5);
  assert.ok(!readers.some(({ text }) => reads(text, 'aValueThatNobodyReads')));
  const all = leaves(DeliveryPlanData);
  assert.ok(all.includes('recording.video.keyframeSeconds') && all.includes('publish.layers.height'));
  const unread = all.filter((leaf) => {
    const name = leaf.slice(leaf.lastIndexOf('.') + 1);
    return !FIGURES.has(leaf) && !readers.some(({ text }) => reads(text, name));
  });
  assert.deepEqual(unread, []);
});
