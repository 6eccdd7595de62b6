import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { reasonOf, startScript, valuesIn } from './server-scripts.ts';
import { serverOfRun } from './servers-of-run.ts';

const run = promisify(execFile);
const SERVERS = path.join(import.meta.dirname, '..', 'servers');

interface S3Account {
  key: string;
  secret: string;
}

/** Credentials that expire. */
interface S3Session extends S3Account {
  sessionToken: string;
  /** ISO-8601. */
  expiration: string;
}

/** A real S3 server on loopback, with helpers that act as its first user. */
export interface S3Server extends S3Account {
  endpoint: string;
  region: string;
  client: S3Client;
  /** Makes a bucket of a fresh name and answers with it. */
  bucket(): Promise<string>;
  put(bucket: string, keys: readonly string[], body?: string | Uint8Array): Promise<void>;
  keys(bucket: string, prefix?: string): Promise<string[]>;
  /** Forbids everyone to delete below a prefix, or allows it again with null. */
  denyDelete(bucket: string, prefix: string | null): Promise<void>;
  /** The same for another action, e.g. `s3:PutObject`; null allows all. */
  deny(bucket: string, prefix: string, action: string | null): Promise<void>;
  /** A further user, who owns nothing; Ceph only. The server may have others whose names begin the same. */
  user(name: string): Promise<S3Account>;
  /** Session credentials of a new role, valid for 15 minutes; only with `sts`. */
  session(): Promise<S3Session>;
  /** Takes the server away, keeping its data, and brings it back at the same endpoint; only with `own`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts one, or takes the one of this test run: with its users and the programs behind it, each costs a second of a core.
 * @param kind `s3-server` is Ceph, `versitygw` is Versity's gateway, which checks what clients send more strictly
 * @param options `sts`: with a token service, for `session()`; `own`: for this file alone, so that it can be paused
 * @returns or why none can be had on this machine
 */
export function startS3Server(
  kind: 's3-server' | 'versitygw' = 's3-server',
  { sts = false, own = false } = {},
): S3Server | string {
  const SCRIPT = path.join(SERVERS, kind);
  const shared = own || sts || kind === 'versitygw' ? undefined : serverOfRun(kind);
  const dir = shared ?? mkdtempSync(path.join(os.tmpdir(), 'streamhub-s3-'));
  let values: Record<string, string>;
  const env = { ...process.env, ...(sts ? { S3_WITH_STS: '1' } : {}) };
  // a test file that breaks off must not leave a server behind
  const clean = () => {
    if (shared !== undefined) return;
    spawnSync(SCRIPT, ['stop', dir]);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    values = startScript(SCRIPT, shared === undefined ? ['start', dir, '0'] : ['use', dir], env);
  } catch (error) {
    clean();
    return `no S3 server can be started here: ${reasonOf(error)}`;
  }
  process.once('exit', clean);
  const endpoint = values['S3_ENDPOINT'] ?? '';
  const account = accountOf(values);
  const region = values['S3_REGION'] ?? '';
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: account.key, secretAccessKey: account.secret },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const server: S3Server = {
    ...account,
    endpoint,
    region,
    client,
    async bucket() {
      const Bucket = `test-${randomUUID()}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
    async put(Bucket, keys, Body = 'x') {
      const queue = [...keys];
      const worker = async () => {
        for (let Key = queue.pop(); Key !== undefined; Key = queue.pop()) {
          await client.send(new PutObjectCommand({ Bucket, Key, Body }));
        }
      };
      await Promise.all(Array.from({ length: 16 }, worker));
    },
    async keys(Bucket, Prefix) {
      const found: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }));
        found.push(...(page.Contents ?? []).map((object) => object.Key ?? ''));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return found;
    },
    denyDelete(bucket, prefix) {
      return server.deny(bucket, prefix ?? '', prefix === null ? null : 's3:DeleteObject');
    },
    async deny(Bucket, prefix, action) {
      if (action === null) {
        await client.send(new DeleteBucketPolicyCommand({ Bucket }));
        return;
      }
      const Resource = [`arn:aws:s3:::${Bucket}/${prefix}*`];
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: [action], Resource }];
      await client.send(
        new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
      );
    },
    async user(name) {
      return accountOf(valuesIn((await run(SCRIPT, ['user', dir, `${name}-${randomUUID()}`])).stdout));
    },
    async session() {
      const role = `role-${randomUUID()}`;
      const { S3_ROLE_ARN: RoleArn = '' } = valuesIn((await run(SCRIPT, ['role', dir, role])).stdout);
      return assumeRole(client, endpoint, { RoleArn, RoleSessionName: 'test', DurationSeconds: '900' });
    },
    async pause() {
      if (shared !== undefined) throw new Error('other test files use this server: start it with `own`');
      await run(SCRIPT, ['stop', dir]);
    },
    async resume() {
      await run(SCRIPT, ['start', dir, new URL(endpoint).port], { env });
    },
    async stop() {
      client.destroy();
      process.off('exit', clean);
      if (shared !== undefined) return;
      await run(SCRIPT, ['stop', dir]).catch(() => undefined);
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return server;
}

/** Asks the token service (STS), signed by the client's own signer. */
async function assumeRole(client: S3Client, endpoint: string, query: Record<string, string>): Promise<S3Session> {
  const { protocol, hostname, port, host } = new URL(endpoint);
  const body = String(new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', ...query }));
  const signer = await client.config.signer({
    name: 'sigv4',
    signingName: 'sts',
    signingRegion: 'us-east-1',
    properties: {},
  });
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const request = { method: 'POST', protocol, hostname, port: Number(port), path: '/', query: {}, body };
  const { headers } = await signer.sign({ ...request, headers: { host, ...type } } as never, { signingService: 'sts' });
  const text = await (await fetch(endpoint, { method: 'POST', headers, body })).text();
  const value = (name: string): string => {
    const found = new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
    if (found === undefined) throw new Error(`no ${name} in ${text}`);
    return found;
  };
  return {
    key: value('AccessKeyId'),
    secret: value('SecretAccessKey'),
    sessionToken: value('SessionToken'),
    expiration: new Date(value('Expiration')).toISOString(),
  };
}

function accountOf(values: Record<string, string>): S3Account {
  return { key: values['S3_ACCESS_KEY_ID'] ?? '', secret: values['S3_SECRET_ACCESS_KEY'] ?? '' };
}
