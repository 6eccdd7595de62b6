import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import tls from 'node:tls';
import { makeCertificate } from '#test/helpers/certificates.ts';
import { TEST_TOKEN, testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia } from '#test/helpers/participant.ts';
import { MANY_ATTEMPTS } from '#test/helpers/people.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { inTerminal, type Ran, type Session } from '#test/helpers/terminal.ts';

// A daemon on another port, with TLS and a certificate that nobody trusts by itself. All tests of this folder share it.
export const folder = await mkdtemp(path.join(os.tmpdir(), 'streamhub-cli-'));
after(() => disposeMedia());
after(() => rm(folder, { recursive: true, force: true }));
export const file = (name: string): string => path.join(folder, name);
const { key, cert } = await makeCertificate('localhost');
await writeFile(file('key.pem'), key, { mode: 0o600 });
await writeFile(file('cert.pem'), cert);
tls.setDefaultCACertificates([...tls.getCACertificates('default'), cert]);
export const CLUSTER_TOKEN = 'cluster-token-of-the-test-0123456789';
export const livekit = startLivekit({ after });
/** A real S3 server, or why there is none. */
export const s3 = startS3Server();
after(() => (typeof s3 === 'string' ? undefined : s3.stop()));
export const withoutS3 = typeof s3 === 'string' ? s3 : false;
export const withoutLivekit = typeof livekit === 'string' ? livekit : false;
export const daemon = await testDaemon(
  { after },
  {
    ...(typeof livekit === 'string' ? {} : livekit.env),
    ...MANY_ATTEMPTS,
    LOG_LEVEL: 'info',
    STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
    TLS_CERT: file('cert.pem'),
    TLS_KEY: file('key.pem'),
  },
);
export const { api } = daemon;

export const REMOTE = { STREAMHUB_URL: daemon.url, STREAMHUB_TOKEN: TEST_TOKEN, STREAMHUB_CA_FILE: file('cert.pem') };
export const CONTEXTS = { STREAMHUB_CONFIG_DIR: file('config') };
export const screen = (args: string, env: Record<string, string> = {}): Promise<Ran> =>
  inTerminal(args.split(' '), { ...REMOTE, ...env }).ended;
export const session = (args: string, env: Record<string, string> = {}): Session =>
  inTerminal(args.split(' '), { ...REMOTE, ...env });
/** In a terminal, with the exit code 0. */
export async function shows(args: string, ...texts: RegExp[]): Promise<string> {
  const ran = await screen(args);
  assert.equal(ran.code, 0, `${args}: ${ran.screen}`);
  for (const text of texts) assert.match(ran.screen, text);
  return ran.screen;
}
export const json = async (args: string): Promise<any> => JSON.parse(await shows(`${args} --json`));
