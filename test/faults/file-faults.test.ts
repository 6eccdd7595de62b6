import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { type Answer, sharedDaemon, type TestDaemon } from '#test/helpers/daemon.ts';
import { type FsCall, refuseFiles } from '#test/helpers/fs-faults.ts';

/** Every errno that Linux documents for the calls that the daemon makes on files. */
const ERRNOS = [
  ...['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV', 'ETXTBSY', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO', 'ENXIO'],
  ...['ENODEV', 'ESTALE', 'EBADMSG', 'EUCLEAN', 'ENAMETOOLONG', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENOENT', 'EEXIST'],
  ...[
    'ENOTEMPTY',
    'EMLINK',
    'EINVAL',
    'EFBIG',
    'ENOMEM',
    'EINTR',
    'EAGAIN',
    'ENOLCK',
    'EOVERFLOW',
    'ENOSYS',
    'ENOTSUP',
  ],
];
const text = (note: string) => `name: live\nroom_prefix: live\ntranscoding: {}\n# ${note}\n`;

interface Case {
  store: string;
  calls: FsCall[];
  matches: RegExp;
  /** Errnos that mean something else here, such as “there is none”; any answer of the API's own is right then. */
  meansMore?: string[];
  run(daemon: TestDaemon, round: string): Promise<Answer>;
}

const CASES: Record<string, Case> = {
  'read the config': {
    store: 'config.yaml',
    calls: ['open', 'stat'],
    matches: /config\.yaml$/,
    run: async ({ api }) => {
      await api.post('/apps/live/reload');
      return api.get('/apps/live/config/raw');
    },
  },
  'write the config': {
    store: 'the temporary file of config.yaml',
    calls: ['open'],
    matches: /\.config\.yaml\.\w+\.tmp$/,
    run: ({ api }, round) => api.put('/apps/live/config/raw', { yaml: text(round) }),
  },
  'replace the config': {
    store: 'config.yaml',
    calls: ['rename'],
    matches: /\.config\.yaml\.\w+\.tmp$/,
    run: ({ api }, round) => api.put('/apps/live/config/raw', { yaml: text(round) }),
  },
  'back the config up': {
    store: 'the backups',
    calls: ['open', 'rename'],
    matches: /\.config\.yaml\.bak\./,
    run: ({ api }, round) => api.patch('/apps/live', { displayName: round }),
  },
  'list the backups': {
    store: 'the backups',
    calls: ['readdir'],
    matches: /apps\/live$/,
    run: ({ api }) => api.get('/apps/live/config/backups'),
  },
  'store a secret': {
    store: 'secrets.json',
    calls: ['open', 'rename'],
    matches: /\.secrets\.json\./,
    run: ({ api }, round) => api.put('/apps/live/s3', { key: `AAAABBBBCCCC${round}`, secret: round }),
  },
  'create an app': {
    store: 'the folder of the apps',
    calls: ['mkdir'],
    matches: /\.new-/,
    run: ({ api }, round) => api.post('/apps', { name: `made-${round.toLowerCase()}` }),
  },
  'put a new app in place': {
    store: 'the folder of the apps',
    calls: ['rename'],
    matches: /\.new-/,
    run: ({ api }, round) => api.post('/apps', { name: `put-${round.toLowerCase()}` }),
  },
  'archive an app': {
    store: 'the archive',
    calls: ['mkdir', 'cp'],
    matches: /archive/,
    run: async ({ api }, round) => {
      assert.equal((await api.post('/apps', { name: `old-${round.toLowerCase()}` })).status, 201);
      return api.delete(`/apps/old-${round.toLowerCase()}`);
    },
  },
  'delete an app that cannot be read': {
    store: 'the folder of an app',
    calls: ['access'],
    matches: /apps\/bad-/,
    meansMore: ['ENOENT'],
    run: async ({ api }, round) => {
      assert.equal((await api.post('/apps', { name: `bad-${round.toLowerCase()}` })).status, 201);
      return api.delete(`/apps/bad-${round.toLowerCase()}`);
    },
  },
  'read a sample page': {
    store: 'the samples',
    calls: ['readFile'],
    matches: /samples/,
    run: ({ api }) => api.get('/samples/live/play.html'),
  },
  'measure an app': {
    store: 'app.db',
    calls: ['stat'],
    matches: /app\.db/,
    run: ({ api }) => api.get('/apps/live/sizes'),
  },
  'read the plugins again': {
    store: 'the plugins',
    calls: ['readdir'],
    matches: /plugins$/,
    run: ({ api }) => api.post('/plugins/reload'),
  },
};

describe('what the disk refuses is answered with a code, never with 500', () => {
  const daemon = sharedDaemon({ STREAMHUB_CONSOLE_BUILD: 'off' });

  for (const [name, { calls, matches, run, meansMore = [] }] of Object.entries(CASES)) {
    it(`${name}, with each of ${ERRNOS.length} errnos`, async () => {
      await mkdir(path.join(daemon.dataDir, 'plugins'), { recursive: true });
      let struck = 0;
      for (const errno of ERRNOS) {
        const fault = refuseFiles(errno, calls, matches);
        let answer: Answer;
        try {
          answer = await run(daemon, errno);
        } finally {
          fault.end();
        }
        struck += fault.hits();
        const { status, body } = answer;
        const note = `${errno}: ${status} ${JSON.stringify(body)}`;
        assert.ok(![500, 502].includes(status), note);
        assert.notEqual(body?.code, 'INTERNAL', note);
        if (fault.hits() > 0 && status >= 409 && !meansMore.includes(errno)) {
          assert.ok([409, 503, 507].includes(status), note);
          assert.match(body.message, new RegExp(errno), note);
          assert.ok(body.hint, note);
        }
        // the daemon still works
        assert.equal((await daemon.api.get('/apps/live')).status, 200);
      }
      assert.ok(struck > 0, 'the fault never struck');
      await daemon.api.post('/apps/live/reload');
      assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: text(`after ${name}`) })).status, 200);
    });
  }
});
