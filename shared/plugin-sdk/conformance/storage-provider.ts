import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { lookup } from 'node:dns';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { type STORAGE_ERRORS, StorageError } from '../storage-error.ts';
import type {
  DeleteResult,
  NetworkGuard,
  StorageClient,
  StorageContext,
  StorageProvider,
} from '../storage-provider.ts';
import { STORAGE_TEST_STEPS, testStorage } from '../storage-test.ts';
import { bytesOf, keysOf, PAGE_KEYS, streamOf } from './samples.ts';

export interface ConformanceOptions {
  /** Settings and credentials of a storage where anything below `prefix` may be written and deleted. */
  settings: Record<string, unknown>;
  credentials: Record<string, string>;
  /** For a provider that keeps files: the folder. */
  appFolder?: string;
  /** Default: a random one. */
  prefix?: string;
  /** Name of the group of tests; the provider's id by default. */
  name?: string;
  /** A reason not to run, e.g. a missing server; the group says so by name. */
  skip?: string | false;
}

/** A guard that allows everything, for tests. */
export const openGuard: NetworkGuard = {
  check() {},
  lookup: (hostname, options, callback) => lookup(hostname, options as { all: false }, callback),
};

/** Shorter credentials occur in any text. */
const SHORTEST_HIDDEN = 4;

const ODD_NAMES = [
  'plain.mp4',
  'with space.mp4',
  'ümlaut-日本-🎥.mp4',
  `quotes"'.mp4`,
  'plus+percent%41.mp4',
  'a&b=c?d#e.mp4',
  'deep/er/and/deeper.ts',
];

/** Registers the tests of a provider with node:test. */
export function testStorageProvider(provider: StorageProvider<any>, options: ConformanceOptions): void {
  const prefix = (options.prefix ?? `conformance-${randomUUID()}`).replace(/\/+$/, '');
  const { settings, credentials, appFolder } = options;
  const context: StorageContext = { settings, credentials, guard: openGuard, ...(appFolder ? { appFolder } : {}) };
  const key = (name: string) => `${prefix}/${name}`;
  const { bulkDelete, presign, versions, multipart } = provider.capabilities;
  /** Deletes as the host does: in batches, or one by one. */
  const deleteAll = async (storage: StorageClient, keys: readonly string[]): Promise<DeleteResult> => {
    const batch = bulkDelete ? provider.maxDeleteBatch : 1;
    const all: DeleteResult = { deleted: 0, failed: [], versionsKept: 0 };
    for (let start = 0; start < keys.length; start += batch) {
      const part = await storage.deleteMany(keys.slice(start, start + batch), versions ? { allVersions: true } : {});
      all.deleted += part.deleted;
      all.failed.push(...part.failed);
      all.versionsKept = (all.versionsKept ?? 0) + (part.versionsKept ?? 0);
    }
    return all;
  };

  describe(`storage provider ${options.name ?? provider.id}`, { skip: options.skip ?? false }, () => {
    let client: StorageClient;
    before(async () => {
      client = await provider.open(context);
    });
    after(async () => {
      if (client === undefined) return;
      for (const keys of await allKeys(client, `${prefix}/`)) await deleteAll(client, keys);
      client.dispose();
      client.dispose();
    });

    test('declares itself completely', () => {
      assert.match(provider.id, /^[a-z0-9][a-z0-9-]*[a-z0-9]$/);
      assert.ok(
        Number.isInteger(provider.maxDeleteBatch) && provider.maxDeleteBatch >= 1 && provider.maxDeleteBatch <= 1000,
      );
      assert.deepEqual(Object.keys(provider.capabilities).sort(), ['bulkDelete', 'multipart', 'presign', 'versions']);
      // forms and the host see the schema as JSON
      assert.ok(Value.Check(JSON.parse(JSON.stringify(provider.settings)), options.settings));
      for (const [name, field] of Object.entries(provider.settings.properties) as [
        string,
        { title?: string; default?: unknown },
      ][]) {
        assert.ok(field.title, `setting ${name} has a title`);
        assert.notEqual(field.default, undefined, `setting ${name} has a default`);
      }
      // what a client can do beyond its provider's word is not used
      if (presign) assert.ok(client.presignGet, 'with the capability presign there is presignGet');
      if (multipart) assert.ok(client.abortUploads, 'with the capability multipart there is abortUploads');
    });

    test('accepts the settings it is tested with', () => {
      assert.ok(Value.Check(provider.settings, options.settings));
      const errors = (provider.validate?.(options.settings) ?? []).filter((finding) => finding.severity === 'error');
      assert.deepEqual(errors, []);
    });

    test('normalises without changing its input, and twice like once', () => {
      if (!provider.normalise) return;
      const change = { given: ['provider'], previousProvider: provider.id };
      const input = Object.freeze({ ...options.settings });
      const once = provider.normalise(input, change);
      assert.deepEqual(provider.normalise(once, change), once);
      assert.ok(Value.Check(provider.settings, once));
    });

    test('stores, describes and returns bytes', async () => {
      const bytes = randomBytes(70_000);
      await client.put(key('bytes.bin'), bytes, { contentType: 'video/mp4' });
      const info = await client.head(key('bytes.bin'));
      assert.equal(info?.key, key('bytes.bin'));
      assert.equal(info?.size, bytes.length);
      const read = await client.get(key('bytes.bin'));
      assert.deepEqual(await bytesOf(read.body), bytes);
    });

    test('stores an empty object and text, and replaces an object', async () => {
      await client.put(key('replaced'), '');
      assert.equal((await client.head(key('replaced')))?.size, 0);
      await client.put(key('replaced'), 'naïve');
      assert.equal((await bytesOf((await client.get(key('replaced'))).body)).toString(), 'naïve');
    });

    test('stores a stream larger than one part, of unknown length where it can', async () => {
      const bytes = randomBytes(11 * 1024 * 1024);
      await client.put(key('stream.bin'), streamOf(bytes), multipart ? {} : { contentLength: bytes.length });
      assert.equal((await client.head(key('stream.bin')))?.size, bytes.length);
      const read = await bytesOf((await client.get(key('stream.bin'))).body);
      assert.ok(read.equals(bytes));
    });

    test('reads a range', async () => {
      await client.put(key('range'), '0123456789');
      const { body } = await client.get(key('range'), { range: { start: 2, end: 4 } });
      assert.equal((await bytesOf(body)).toString(), '234');
    });

    test('keeps odd keys apart', async () => {
      for (const name of ODD_NAMES) await client.put(key(`odd/${name}`), name);
      for (const name of ODD_NAMES) {
        assert.equal((await bytesOf((await client.get(key(`odd/${name}`))).body)).toString(), name);
      }
      const listed = (await allKeys(client, key('odd/'))).flat();
      assert.deepEqual(listed.sort(), ODD_NAMES.map((name) => key(`odd/${name}`)).sort());
      const result = await deleteAll(client, listed);
      assert.deepEqual(result.failed, []);
      if (versions) assert.equal(result.versionsKept, 0, 'no older version stays');
      assert.deepEqual((await allKeys(client, key('odd/'))).flat(), []);
    });

    test('says what is missing', async () => {
      assert.equal(await client.head(key('nothing')), null);
      await assert.rejects(client.get(key('nothing')), storageError('OBJECT_MISSING'));
    });

    test('lists page by page, within the prefix, and continues after a key', async () => {
      const names = keysOf(PAGE_KEYS);
      for (const name of names) await client.put(key(`pages/${name}`), '.');
      await client.put(key('pages-beside/it'), '.');
      const pages = await allKeys(client, key('pages/'), { pageSize: 5 });
      assert.ok(pages.every((page) => page.length <= 5));
      const all = pages.flat();
      assert.deepEqual(
        all,
        names.map((name) => key(`pages/${name}`)),
      );
      const rest = (await allKeys(client, key('pages/'), { pageSize: 5, startAfter: all[6] })).flat();
      assert.deepEqual(rest, all.slice(7));
      assert.deepEqual((await allKeys(client, key('no-such-prefix/'))).flat(), []);
    });

    test('deletes many; missing ones count as deleted', async () => {
      const keys = keysOf(25).map((name) => key(`many/${name}`));
      for (const name of keys) await client.put(name, '.');
      const result = await deleteAll(client, [...keys, key('many/never-existed')]);
      assert.equal(result.deleted, 26);
      assert.deepEqual(result.failed, []);
      assert.deepEqual((await client.deleteMany([])).deleted, 0);
    });

    test('stops when it is told to', async () => {
      const signal = AbortSignal.abort();
      await assert.rejects(client.put(key('aborted'), 'x', { signal }), storageError('ABORTED'));
      await assert.rejects(client.deleteMany([key('aborted')], { signal }), storageError('ABORTED'));
      assert.equal(await client.head(key('aborted')), null);
    });

    test('removes what is left of unfinished uploads below a prefix, and nothing else', async (t) => {
      if (!multipart || !client.abortUploads) {
        t.skip('the provider stores nothing in parts');
        return;
      }
      await client.put(key('finished'), 'whole');
      assert.equal(await client.abortUploads(key('')), 0);
      assert.notEqual(await client.head(key('finished')), null);
    });

    test('makes links that open one object', async (t) => {
      if (!presign || !client.presignGet) {
        t.skip('the provider makes no links');
        return;
      }
      for (const name of ['link me.txt', 'other.txt']) await client.put(key(name), 'linked');
      const url = await client.presignGet(key('link me.txt'), { expiresIn: 60, downloadName: 'saved as.txt' });
      const answer = await fetch(url);
      assert.equal(answer.status, 200);
      assert.equal(await answer.text(), 'linked');
      assert.match(answer.headers.get('content-disposition') ?? '', /^attachment/);
      const other = url.replace('link%20me', 'other');
      if (other !== url) assert.ok(!(await fetch(other)).ok, 'the link opens no other object');
    });

    test('asks the guard before it connects', async (t) => {
      if (provider.endpoint?.(options.settings) === undefined) {
        t.skip('the provider uses no network');
        return;
      }
      const refuse = () => {
        throw new StorageError('ENDPOINT_REFUSED');
      };
      const guard: NetworkGuard = {
        check: refuse,
        lookup: (_host, _options, done) => done(new StorageError('ENDPOINT_REFUSED'), '', 0),
      };
      const attempt = async () => {
        const guarded = await provider.open({ ...context, guard });
        try {
          await guarded.put(key('guarded'), 'x');
        } finally {
          guarded.dispose();
        }
      };
      await assert.rejects(attempt, storageError('ENDPOINT_REFUSED'));
      assert.equal(await client.head(key('guarded')), null);
    });

    test('passes the connection test and leaves nothing behind', async () => {
      const steps = await testStorage(provider, context, { probeKey: key('probe') });
      assert.deepEqual(
        steps.map((step) => step.id),
        [...STORAGE_TEST_STEPS],
      );
      assert.deepEqual(
        steps.filter((step) => step.state === 'failed'),
        [],
      );
      assert.equal(await client.head(key('probe')), null);
    });

    for (const field of provider.credentials.filter((credential) => credential.required)) {
      test(`refuses to work without ${field.title}`, async () => {
        const attempt = async () => {
          const bare = await provider.open({ ...context, credentials: { ...options.credentials, [field.name]: '' } });
          try {
            await bare.put(key('bare'), 'x');
          } finally {
            bare.dispose();
          }
        };
        await assert.rejects(attempt, storageError('CREDENTIALS_MISSING'));
      });
    }

    if (provider.credentials.some((field) => field.secret)) {
      test('names refused credentials without telling them', async () => {
        const secret = `wrong-${randomUUID()}`;
        const wrong = await provider.open({ ...context, credentials: { ...options.credentials, secret } });
        try {
          await assert.rejects(wrong.put(key('wrong'), 'x'), (error: unknown) => {
            storageError('CREDENTIALS_REFUSED')(error);
            const shown = `${(error as Error).message} ${(error as Error).stack} ${JSON.stringify(error)}`;
            const given = Object.values(options.credentials).filter((value) => value.length >= SHORTEST_HIDDEN);
            for (const hidden of [secret, ...given]) assert.ok(!shown.includes(hidden));
            return true;
          });
        } finally {
          wrong.dispose();
        }
      });
    }
  });
}

async function allKeys(
  client: StorageClient,
  prefix: string,
  more: { pageSize?: number; startAfter?: string } = {},
): Promise<string[][]> {
  const pages: string[][] = [];
  for await (const page of client.list({ prefix, ...more })) pages.push(page.map((object) => object.key));
  return pages;
}

function storageError(code: keyof typeof STORAGE_ERRORS) {
  return (error: unknown): true => {
    assert.ok(error instanceof StorageError, `a StorageError is thrown, not ${String(error)}`);
    assert.equal(error.code, code);
    return true;
  };
}
