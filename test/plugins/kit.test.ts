import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { create, extract } from 'tar';
import { addPlugin } from '#daemon/cli/plugin/add.ts';
import { checkPlugin, reportOf } from '#daemon/cli/plugin/check.ts';
import { packPlugin } from '#daemon/cli/plugin/pack.ts';
import { scaffoldPlugin } from '#daemon/cli/plugin/scaffold.ts';
import { PLUGIN_API_VERSION } from '#shared/plugin-sdk/api-version.ts';
import { BIN, daemonProcess, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { node, plugin, typeCheck } from '#test/helpers/plugin-kit.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Notes the modules that a process loads. */
const LOADS = `import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  const load = (url, context, next) => {
    if (url.startsWith('file:')) appendFileSync(process.env.LOADED, url + '\\n');
    return next(url, context);
  };
  registerHooks({ load });`;

/** A storage in memory behind one secret, with links that are not signed. */
const ONE_SECRET = `import { once } from 'node:events';
import { createServer } from 'node:http';
import { defineStorageProvider, StorageError, Type } from 'streamhub/plugin-sdk';
const objects = new Map();
const server = createServer(({ url }, response) => {
  const body = objects.get(decodeURIComponent(url.slice(1)));
  response.writeHead(body === undefined ? 404 : 200, { 'content-disposition': 'attachment' }).end(body);
}).unref();
await once(server.listen(0, '127.0.0.1'), 'listening');
export const provider = defineStorageProvider({
  id: 'one-secret',
  settings: Type.Object({ bucket: Type.String({ default: '' }) }),
  credentials: [{ name: 'secret', title: 'Token', secret: true, required: true }],
  capabilities: { bulkDelete: true, presign: true, versions: false, multipart: false },
  maxDeleteBatch: 100,
  open: ({ credentials }) => ({
    put: async (key, body) => {
      if (credentials.secret !== 'token') throw new StorageError('CREDENTIALS_REFUSED');
      objects.set(key, body);
    },
    list: async function* () {
      yield [...objects.keys()].map((key) => ({ key, size: 1 }));
    },
    deleteMany: async (keys) => ({ deleted: keys.filter((key) => objects.delete(key)).length, failed: [] }),
    presignGet: async (key) => new URL(encodeURIComponent(key), 'http://127.0.0.1:' + server.address().port).href,
    dispose() {},
  }),
});
`;

/** What an author has after `plugin new` must be right as it is. */
async function proveScaffold(dir: string, name: string, more: readonly string[], bin?: string): Promise<void> {
  const made = await plugin(dir, ['new', name, ...more], bin);
  assert.equal(made.status, 0, made.err);
  const folder = path.join(dir, name);
  const [tests, checked] = await Promise.all([
    node(['--test', '--test-reporter=tap'], folder),
    plugin(folder, ['check', '.'], bin),
  ]);
  assert.equal(tests.status, 0, tests.out + tests.err);
  assert.match(tests.out, /# pass [1-9]/);
  assert.equal(checked.status, 0, checked.out + checked.err);
  assert.match(checked.out, new RegExp(`^${name} 0\\.1\\.0: works\n`));
  assert.doesNotMatch(checked.out, /warning|error/);
}

describe('from the sources', () => {
  test('a preset: its tests and its check are right at once', async (t) => {
    await proveScaffold(await temporaryDir(t), 'a-preset', []);
  });

  test('a storage provider in JavaScript: its types too', async (t) => {
    const dir = await temporaryDir(t);
    await proveScaffold(dir, 'a-store', ['--kind', 'storage']);
    const typed = await typeCheck(path.join(dir, 'a-store'));
    assert.equal(typed.status, 0, typed.out);
  });

  test('the conformance tests take a provider with a secret alone, and refuse links that anyone can change', async (t) => {
    const dir = await temporaryDir(t);
    const { folder } = await scaffoldPlugin({ name: 'one-secret', kind: 'storage', isTyped: false, dir });
    await writeFile(path.join(folder, 'index.js'), ONE_SECRET);
    const patterns = ['names refused', 'makes links'].map((words) => `--test-name-pattern=${words}`);
    const env = { STORAGE_BUCKET: 'shelf', STORAGE_SECRET: 'token' };
    const { out } = await node(['--test', '--test-reporter=tap', ...patterns, 'conformance.test.js'], folder, env);
    assert.match(out, /^ *ok \d+ - names refused credentials without telling them$/m);
    assert.match(out, /^ *not ok \d+ - makes links that open one object$/m);
    assert.match(out, /the link opens no other object/);
  });

  test('new touches nothing that exists, and says what an id is', async (t) => {
    const dir = await temporaryDir(t);
    await mkdir(path.join(dir, 'taken'));
    await writeFile(path.join(dir, 'taken', 'mine.txt'), 'mine');
    const taken = await plugin(dir, ['new', 'taken']);
    assert.deepEqual([taken.status, /is not empty/.test(taken.err)], [2, true]);
    assert.deepEqual(await readdir(path.join(dir, 'taken')), ['mine.txt']);
    const wrong = await plugin(dir, ['new', '../out']);
    assert.deepEqual([wrong.status, /lowercase letters/.test(wrong.err)], [2, true]);
    assert.equal((await plugin(dir, ['new', 'x-y', '--kind', 'theme'])).status, 2);
    assert.equal((await plugin(dir, ['frobnicate'])).status, 2);
  });

  test('what is named and is no plugin is wrong usage', async (t) => {
    const dir = await temporaryDir(t);
    await writeFile(path.join(dir, 'taken'), '');
    for (const [command, place, message] of [
      ['check', 'nowhere', /nowhere does not exist/],
      ['check', 'taken/x', /taken\/x can’t be read: ENOTDIR/],
      ['check', '.', /is not a plugin/],
      ['add', 'nowhere', /nowhere does not exist/],
      ['add', 'taken/x', /taken\/x can’t be read: ENOTDIR/],
    ] as const) {
      const told = await plugin(dir, [command, place]);
      assert.deepEqual([told.status, message.test(told.err)], [2, true], `${command} ${place}: ${told.err}`);
    }
  });
});

describe('check', { concurrency: 2 }, () => {
  let dir: string;
  after(() => rm(dir, { recursive: true, force: true }));
  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-kit-'));
    await scaffoldPlugin({ dir, name: 'a-store', kind: 'storage', isTyped: false });
    await scaffoldPlugin({ dir, name: 'a-preset', kind: 'preset', isTyped: false });
  });
  const copy = async (t: TestContext, name: string): Promise<string> => {
    const folder = path.join(await temporaryDir(t), name);
    await cp(path.join(dir, name), folder, { recursive: true, filter: (file) => !file.includes('node_modules') });
    return folder;
  };
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    const text = await readFile(file, 'utf8');
    assert.notEqual(change(text), text);
    await writeFile(file, change(text));
  };
  const faults: [name: string, of: 'a-store' | 'a-preset', spoil: (folder: string) => Promise<void>, says: RegExp][] = [
    [
      'a wrong key',
      'a-preset',
      (folder) => edit(path.join(folder, 'plugin.json'), (text) => text.replace('"A preset"', '7')),
      /plugin\.json: title must be string \[MANIFEST_INVALID\]\n {4}Correct/,
    ],
    [
      'another API version',
      'a-preset',
      (folder) => edit(path.join(folder, 'plugin.json'), (text) => text.replace('^1.', '^9.')),
      /plugin\.json: api .*\^9\..*\[API_VERSION_UNSUPPORTED\]/,
    ],
    [
      'a preset’s unreadable value',
      'a-preset',
      (folder) => edit(path.join(folder, 'presets/a-preset.json'), (text) => text.replace('true', 'null')),
      /presets\/a-preset\.json: patch\.recording\.enabled is null/,
    ],
    [
      'code that throws',
      'a-store',
      (folder) => edit(path.join(folder, 'index.js'), (text) => `${text}\nthrow new Error('not today');\n`),
      /error: not today \(index\.js:\d+:7\) \[CODE_THROWS\]/,
    ],
    [
      'a provider that the manifest does not name',
      'a-store',
      (folder) => edit(path.join(folder, 'index.js'), (text) => text.replace("id: 'a-store'", "id: 'b-store'")),
      /a-store.*\[PROVIDER_NOT_EXPORTED\]/,
    ],
    [
      'an id of a built-in provider',
      'a-store',
      async (folder) => {
        await edit(path.join(folder, 'plugin.json'), (text) => text.replaceAll('"a-store"', '"minio"'));
      },
      /storage provider minio already belongs to the plugin storage-s3 \[ID_TAKEN\]/,
    ],
  ];
  for (const [name, of, spoil, says] of faults) {
    test(`names ${name}, with its cure, and fails`, async (t) => {
      const folder = await copy(t, of);
      await spoil(folder);
      const result = await checkPlugin(folder);
      assert.match(reportOf(result), says);
      assert.ok(!result.ok);
    });
  }

  test('warns of values that configs do not have, and of protected ones', async (t) => {
    const folder = await copy(t, 'a-preset');
    await edit(path.join(folder, 'presets/a-preset.json'), (text) =>
      text.replace('"recording": {', '"s3": { "bucket": "mine" }, "recording": { "colour": "red",'),
    );
    const { status, out } = await plugin(folder, ['check', '.']);
    assert.equal(status, 0, out);
    assert.match(out, /patch\.s3 is protected/);
    assert.match(out, /patch\.recording\.colour is not a key/);
    const { warnings } = await checkPlugin(folder);
    assert.deepEqual(
      warnings.map((warning) => warning.code),
      ['PRESET_PROTECTED', 'PRESET_UNKNOWN_KEY'],
    );
  });

  test('takes a preset file, and nothing that is none', async (t) => {
    const folder = await copy(t, 'a-preset');
    assert.ok((await checkPlugin(path.join(folder, 'presets/a-preset.json'))).ok);
    await assert.rejects(checkPlugin(path.join(folder, 'nowhere')), /does not exist/);
    const none = await plugin(folder, ['check', 'README.md']);
    assert.deepEqual([none.status, /is not a plugin/.test(none.err)], [2, true]);
    const data = JSON.parse((await plugin(folder, ['check', '.', '--json'])).out);
    assert.deepEqual([data.ok, data.presets], [true, ['a-preset']]);
  });
});

describe('pack and add', () => {
  test('the same files give the same bytes; a daemon takes them, and says which file was changed', async (t) => {
    const dir = await temporaryDir(t);
    await scaffoldPlugin({ dir, name: 'a-store', kind: 'storage', isTyped: false });
    await writeFile(path.join(dir, 'a-store', '.env'), 'SECRET=1');
    const packed = await plugin(dir, ['pack', 'a-store', '--out', 'one']);
    assert.equal(packed.status, 0, packed.err);
    await packPlugin(path.join(dir, 'a-store'), path.join(dir, 'two'));
    const file = 'a-store-0.1.0.tgz';
    const bytes = await readFile(path.join(dir, 'one', file));
    assert.ok(bytes.equals(await readFile(path.join(dir, 'two', file))));
    assert.equal((await plugin(dir, ['check', `one/${file}`])).status, 0);

    const daemon = await testDaemon(t);
    const added = await plugin(dir, ['add', `one/${file}`, '--data-dir', daemon.dataDir]);
    assert.equal(added.status, 0, added.err);
    const folder = path.join(daemon.dataDir, 'plugins', 'a-store');
    assert.deepEqual((await readdir(folder)).sort(), ['README.md', 'index.js', 'package.json', 'plugin.json']);
    assert.doesNotMatch(await readFile(path.join(folder, 'package.json'), 'utf8'), /devDependencies|file:/);
    const found = async () => {
      await daemon.api.post('/plugins/reload');
      return (await daemon.api.get('/plugins/a-store')).body.data;
    };
    const loaded = await found();
    assert.deepEqual([loaded.problems, loaded.version], [[], '0.1.0']);
    assert.match(loaded.documentation, /^# A store/);
    assert.ok(
      (await daemon.api.get('/storage/providers')).body.data.some(
        (provider: { id: string }) => provider.id === 'a-store',
      ),
    );

    await writeFile(path.join(folder, 'index.js'), '// nothing left');
    await writeFile(path.join(folder, 'more.js'), '');
    const broken = (await daemon.api.post('/plugins/reload')).body.data.find(
      (entry: { id: string }) => entry.id === 'a-store',
    );
    assert.deepEqual(
      broken.problems.map((problem: { code: string; file: string }) => [problem.code, problem.file]),
      [
        ['FILE_UNLISTED', 'more.js'],
        ['FILE_CHANGED', 'index.js'],
      ],
    );
    // put again it is whole, and nothing of the old one is left
    assert.match((await plugin(dir, ['add', `one/${file}`, '--data-dir', daemon.dataDir])).out, /^Replaced a-store/);
    assert.deepEqual((await found()).problems, []);
    assert.deepEqual((await readdir(path.join(daemon.dataDir, 'plugins'))).sort(), ['.previous', 'a-store']);
  });

  test('pack refuses file names that no daemon takes, and says where a JSON file is wrong; a byte order mark is no fault', async (t) => {
    const dir = await temporaryDir(t);
    await scaffoldPlugin({ dir, name: 'a-preset', kind: 'preset', isTyped: false });
    const folder = path.join(dir, 'a-preset');
    const told = async (): Promise<string> => {
      const { status, err } = await plugin(dir, ['pack', 'a-preset']);
      return `${status} ${err}`;
    };
    for (const file of ['plugin.json', 'package.json'])
      await writeFile(path.join(folder, file), `\uFEFF${await readFile(path.join(folder, file), 'utf8')}`);
    assert.equal(await told(), '0 ');
    assert.equal((await checkPlugin(path.join(dir, 'a-preset-0.1.0.tgz'))).ok, true);

    const odd = path.join(folder, 'presets/notes (old).txt');
    await writeFile(odd, '');
    assert.match(
      await told(),
      /^1 streamhub: presets\/notes \(old\)\.txt is not a path that a packed plugin can contain/,
    );
    await rm(odd);

    await writeFile(path.join(folder, 'package.json'), '{\n  "name": "x",,\n}');
    assert.match(await told(), /^1 streamhub: package\.json is not valid JSON: .*\(line 2 column 15\)/);
    await writeFile(path.join(folder, 'plugin.json'), '{\n  "id": "a-preset"');
    assert.match(await told(), /plugin\.json is not valid JSON: .*\(line 2 column 19\)/);
  });

  test('a plugin replaces the installed one with the same id, under any file name', async (t) => {
    const dir = await temporaryDir(t);
    const dataDir = path.join(dir, 'data');
    const preset = 'id: dup\ntitle: A\ndescription: A.\nuseCase: None.\npatch: {recording: {layout: grid}}\n';
    const manifest = { id: 'dup', version: '1.0.0', api: '^1.0.0', title: 'Dup', contributes: { presets: ['a.yaml'] } };
    const folder = path.join(dir, 'a-folder');
    await mkdir(folder);
    await writeFile(path.join(folder, 'plugin.json'), JSON.stringify(manifest));
    await writeFile(path.join(folder, 'a.yaml'), preset);
    for (const name of ['dup.yaml', 'dup.yml']) await writeFile(path.join(dir, name), preset);
    const add = async (name: string) => {
      const { replaced } = await addPlugin(path.join(dir, name), { dataDir });
      const names = await readdir(path.join(dataDir, 'plugins'));
      return [replaced, names.filter((one) => !one.startsWith('.'))];
    };
    assert.deepEqual(await add('dup.yaml'), [false, ['dup.yaml']]);
    assert.deepEqual(await add('dup.yml'), [true, ['dup.yml']]);
    assert.deepEqual(await add('a-folder'), [true, ['dup']]);
    await rename(path.join(dataDir, 'plugins', 'dup'), path.join(dataDir, 'plugins', 'by-hand'));
    assert.deepEqual(await add('a-folder'), [true, ['by-hand']]);
    assert.deepEqual(await add('dup.yaml'), [true, ['dup.yaml']]);
  });

  test('a replacement that is killed between its renames is finished by the daemon’s next start or reload', async (t) => {
    const dir = await temporaryDir(t);
    const dataDir = path.join(dir, 'data');
    const plugins = path.join(dataDir, 'plugins');
    const write = async (version: string) => {
      const folder = path.join(dir, 'shift');
      await mkdir(folder, { recursive: true });
      const manifest = { id: 'shift', version, api: '^1.0.0', title: 'Shift', contributes: { presets: ['a.yaml'] } };
      await writeFile(path.join(folder, 'plugin.json'), JSON.stringify(manifest));
      await writeFile(
        path.join(folder, 'a.yaml'),
        'id: aa\ntitle: A\ndescription: A.\nuseCase: None.\npatch: {recording: {layout: grid}}\n',
      );
      return folder;
    };
    // the process dies by SIGKILL right before its n-th rename into or out of the place itself
    const killAt = path.join(dir, 'kill-at.mjs');
    await writeFile(
      killAt,
      `import fs from 'node:fs/promises';
       import { syncBuiltinESMExports } from 'node:module';
       import path from 'node:path';
       const { rename } = fs;
       let left = Number(process.env.KILL_AT);
       fs.rename = async (from, to) => {
         const isPlace = [from, to].some((place) => path.basename(path.dirname(place)) === 'plugins');
         if (isPlace && --left === 0) process.kill(process.pid, 'SIGKILL');
         return rename(from, to);
       };
       syncBuiltinESMExports();`,
    );
    const addAndDie = async (version: string, at: number) => {
      const args = ['--import', killAt, BIN, 'plugin', 'add', await write(version), '--data-dir', dataDir];
      await assert.rejects(node(args, dir, { KILL_AT: String(at) }), { signal: 'SIGKILL' });
    };
    assert.equal((await plugin(dir, ['add', await write('1.0.0'), '--data-dir', dataDir])).status, 0);

    await addAndDie('1.1.0', 2);
    assert.ok(!(await readdir(plugins)).includes('shift'), 'it died between the two');
    const daemon = await testDaemon(t, {}, { dataDir });
    const version = async () => {
      const { data } = (await daemon.api.get('/plugins/shift')).body;
      return [data.version, data.state];
    };
    assert.deepEqual(await version(), ['1.1.0', 'verified']);
    assert.deepEqual((await readdir(plugins)).sort(), ['.previous', 'shift']);

    await addAndDie('1.2.0', 2);
    await daemon.api.post('/plugins/reload');
    assert.deepEqual(await version(), ['1.2.0', 'verified']);

    // before the first rename nothing has happened, and what was prepared is left to anyone who may be at it
    await addAndDie('1.3.0', 1);
    await daemon.api.post('/plugins/reload');
    assert.deepEqual(await version(), ['1.2.0', 'verified']);
    const stage = (await readdir(plugins)).find((name) => name.startsWith('.add-')) as string;
    const past = new Date(Date.now() - 2 * 3_600_000);
    await utimes(path.join(plugins, stage), past, past);
    await daemon.api.post('/plugins/reload');
    assert.deepEqual((await readdir(plugins)).sort(), ['.previous', 'shift']);

    await addAndDie('1.4.0', 2);
    assert.equal((await plugin(dir, ['add', await write('1.5.0'), '--data-dir', dataDir])).status, 0);
    await daemon.api.post('/plugins/reload');
    assert.deepEqual(await version(), ['1.5.0', 'verified']);
    assert.deepEqual((await readdir(plugins)).sort(), ['.previous', 'shift']);
    assert.equal((await daemon.api.get('/plugins/shift')).body.data.previous.version, '1.4.0');
  });

  test('an archive that climbs, links or bursts writes nothing', async (t) => {
    const dir = await temporaryDir(t);
    const stage = path.join(dir, 'stage');
    await mkdir(path.join(stage, 'package'), { recursive: true });
    await writeFile(path.join(stage, 'package/plugin.json'), '{}');
    await writeFile(path.join(stage, 'evil.js'), 'evil');
    await symlink('/etc/passwd', path.join(stage, 'package/link.js'));
    await writeFile(path.join(stage, 'package/bomb.bin'), Buffer.alloc(40_000_000));
    const pack = (file: string, entries: string[], prefix?: string) =>
      create(
        { file: path.join(dir, file), cwd: stage, gzip: true, preservePaths: true, ...(prefix ? { prefix } : {}) },
        entries,
      );
    await pack('climbs.tgz', ['evil.js'], 'package/../../..');
    await pack('links.tgz', ['package/plugin.json', 'package/link.js']);
    await pack('bursts.tgz', ['package/bomb.bin']);
    await writeFile(path.join(dir, 'garbage.tgz'), gzipSync('no tar at all'));
    for (const [file, code] of [
      ['climbs.tgz', 'ARCHIVE_PATH'],
      ['links.tgz', 'ARCHIVE_LINK'],
      ['bursts.tgz', 'TOO_MANY_FILES'],
      ['garbage.tgz', 'ARCHIVE_UNREADABLE'],
    ]) {
      const checked = await checkPlugin(path.join(dir, file as string));
      assert.deepEqual(
        checked.problems.map((problem) => problem.code),
        [code],
        file,
      );
      await assert.rejects(addPlugin(path.join(dir, file as string), { dataDir: path.join(dir, 'data') }));
    }
    assert.deepEqual(await readdir(path.join(dir, 'data', 'plugins')), []);
  });
});

test('from an installed package: the command, the SDK for plain Node, its types, and the daemon’s pages', async (t) => {
  const dir = await temporaryDir(t);
  const { stagePackage } = (await import('#build/build-package.mjs')) as {
    stagePackage(folder: string): Promise<void>;
  };
  await stagePackage(path.join(dir, 'stage'));
  const npm = process.env['npm_execpath'];
  const command = npm ? [process.execPath, npm] : ['npm'];
  await promisify(execFile)(
    command[0] as string,
    [...command.slice(1), 'pack', '--pack-destination', dir, path.join(dir, 'stage')],
    { cwd: dir },
  );
  const tarball = (await readdir(dir)).find((file) => /^streamhub-.*\.tgz$/.test(file)) as string;
  // as `npm install` unpacks it, with the dependencies of this clone in place of downloads
  const home = path.join(dir, 'node_modules', 'streamhub');
  await mkdir(home, { recursive: true });
  await extract({ file: path.join(dir, tarball), cwd: home, strip: 1 });
  await symlink(path.join(ROOT, 'node_modules'), path.join(home, 'node_modules'), 'junction');
  const manifest = JSON.parse(await readFile(path.join(home, 'package.json'), 'utf8'));
  const bin = path.join(home, manifest.bin.streamhub);
  assert.equal((await node([bin, '--version'], dir)).out.trim(), manifest.version);

  await proveScaffold(dir, 'a-preset', [], bin);
  await proveScaffold(dir, 'a-store', ['--kind', 'storage', '--typescript'], bin);
  const typed = await typeCheck(path.join(dir, 'a-store'));
  assert.equal(typed.status, 0, typed.out);
  // and they are really looked at
  const entry = path.join(dir, 'a-store', 'index.ts');
  await writeFile(entry, (await readFile(entry, 'utf8')).replace('maxDeleteBatch: 1000', "maxDeleteBatch: 'many'"));
  const wrong = await typeCheck(path.join(dir, 'a-store'));
  assert.match(wrong.out, /^index\.ts\(\d+,3\): error TS2322: Type 'string'/);
  // a plain module that imports the package by name
  const script = `import { PLUGIN_API_VERSION } from 'streamhub/plugin-sdk';
    import { openS3 } from 'streamhub/plugin-sdk/s3';
    import { testStorageProvider } from 'streamhub/plugin-sdk/conformance';
    console.log(PLUGIN_API_VERSION, typeof openS3, typeof testStorageProvider);`;
  await writeFile(path.join(dir, 'plain.mjs'), script);
  const plain = await node(['plain.mjs'], dir);
  assert.equal(plain.out.trim(), `${PLUGIN_API_VERSION} function function`, plain.err);

  const loaded = path.join(dir, 'loaded.txt');
  await writeFile(path.join(dir, 'loads.mjs'), LOADS);
  const env = { LOADED: loaded, NODE_OPTIONS: `--import=${pathToFileURL(path.join(dir, 'loads.mjs')).href}` };
  const { api } = await daemonProcess(t, path.join(dir, 'data'), env, [], bin);
  const packages = (await readFile(loaded, 'utf8')).matchAll(/\/node_modules\/(?!streamhub\/)([^/]+)/g);
  assert.deepEqual(
    // piscina is loaded with the first task, which can be before the answer or after
    [...new Set([...packages].map(([, name]) => name))].filter((name) => name !== 'piscina').toSorted(),
    ['better-sqlite3'],
    'what each start loads belongs into the bundle (`BUNDLED` in build-daemon.mjs)',
  );
  await api.post('/apps', { name: 'live' });
  const pages = [
    ['/docs', /id="api-reference"/],
    ['/docs/api-reference.js', /createApiReference/],
    ['/samples/live/play.html', /livekit-client\.mjs/],
  ] as const;
  for (const [page, expected] of pages) assert.match((await api.get(page)).text, expected, page);
});
