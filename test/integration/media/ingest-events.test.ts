// Events of LiveKit's real ingress service, as they came and in any order: what receivers of callbacks are told of each session.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { type LivekitEvent, livekitFixture, replay, upsets } from '#test/helpers/livekit-fixtures.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';

// nothing listens at this address, and at that of the receiver: its callbacks stay in the outbox
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9', LOG_LEVEL: 'trace' };

let copies = 0;
/** The events again, in the app `ing`, as of other ingests, sessions, rooms and participants. */
function copy(events: readonly LivekitEvent[]): LivekitEvent[] {
  copies += 1;
  return JSON.parse(
    JSON.stringify(events)
      .replaceAll(/"(EV|IN|RT|WH|UR|PA|TR|RM)_(\w+)"/g, `"$1_${copies}x$2"`)
      .replaceAll('"src-', '"ing-'),
  );
}

const plain = (id: string): string => id.replace(/^\w+?x/, '');

describe('events of ingests', () => {
  const daemon = sharedDaemon(ENV);
  const secrets = new Set<string>();
  const fixture = async (name: string): Promise<LivekitEvent[]> => {
    const events = await livekitFixture(name);
    for (const [, secret] of JSON.stringify(events).matchAll(/"(?:turnPassword|streamKey)":"([^"]+)"/g)) {
      secrets.add(secret as string);
    }
    return copy(events);
  };
  /** What receivers get: the rows of the outbox. */
  const told = (): { event: string; data: any }[] => {
    const db = new Database(path.join(daemon.dataDir, 'apps/ing/app.db'), { readonly: true });
    const rows = db
      .prepare<[], { event: string; data_json: string }>('SELECT * FROM callback_outbox ORDER BY seq')
      .all();
    db.close();
    return rows.map(({ event, data_json }) => ({ event, data: JSON.parse(data_json) }));
  };
  /** Start and end of each session, in the order in which they were told. */
  const sessionsOf = (events: readonly LivekitEvent[]): string[] => {
    const ids = new Set(events.flatMap(({ ingressInfo }) => ingressInfo?.ingressId ?? []));
    return told()
      .filter(({ data }) => ids.has(data.ingress?.ingressId))
      .map(({ event, data }) =>
        [event, plain(data.ingress.resourceId), data.reason].filter((part) => part !== undefined).join(' '),
      );
  };
  const play = async (events: readonly LivekitEvent[], order?: readonly number[]): Promise<string[]> => {
    const statuses = await replay(daemon.url, events, order);
    assert.deepEqual([...new Set(statuses)], [200]);
    return sessionsOf(events);
  };

  before(async () => {
    const made = await daemon.api.post('/apps', { name: 'ing', roomPrefix: 'ing' });
    assert.equal(made.status, 201, made.text);
    const set = await daemon.api.patch('/apps/ing', { callbackUrl: 'http://127.0.0.1:9/hook' });
    assert.equal(set.status, 200, set.text);
  });

  test('a second encoder takes over: the end of the first is told, which LiveKit does not do', async () => {
    const events = await fixture('ingress-rtmp');
    const [first, second, third] = events
      .filter(({ event }) => event === 'ingress_started')
      .map(({ ingressInfo }) => plain(ingressInfo.state.resourceId));
    assert.deepEqual(await play(events), [
      `ingress_started ${first}`,
      `ingress_ended ${first} taken_over`,
      `ingress_started ${second}`,
      `ingress_ended ${second} stopped`,
      `ingress_started ${third}`,
    ]);
    const ended = told().find(({ data }) => data.reason === 'taken_over')?.data;
    assert.deepEqual(Object.keys(ended), ['room', 'ingress', 'reason', 'createdAt'], 'no event of LiveKit’s');
    assert.deepEqual(
      { ...ended.ingress, ingressId: '', resourceId: '' },
      {
        ingressId: '',
        inputType: 'RTMP_INPUT',
        roomName: 'ing-cam',
        participantIdentity: 'enc1',
        resourceId: '',
      },
    );
  });

  test('in any order, doubled or lost, each session begins and ends once at most, and the last one is live', async () => {
    for (const seed of [1, 2, 3]) {
      for (const [name, order] of Object.entries(upsets((await livekitFixture('ingress-rtmp')).length, seed))) {
        if (seed > 1 && name !== 'shuffled') continue;
        const events = await fixture('ingress-rtmp');
        const sessions = await play(events, order);
        const what = `${name} ${seed}: ${sessions.join(', ')}`;
        const facts = sessions.map((line) => line.split(' ').slice(0, 2).join(' '));
        assert.equal(new Set(facts).size, facts.length, what);
        for (const [index, line] of facts.entries()) {
          const id = line.split(' ')[1];
          if (line.startsWith('ingress_ended') && facts.includes(`ingress_started ${id}`))
            assert.ok(facts.indexOf(`ingress_started ${id}`) < index, what);
        }
        const last = events.findLastIndex(({ event }) => event === 'ingress_started');
        if (!order.includes(last)) continue;
        const live = plain(events[last]!.ingressInfo.state.resourceId);
        assert.ok(facts.includes(`ingress_started ${live}`) && !facts.includes(`ingress_ended ${live}`), what);
      }
    }
  });

  test('a stream has the type of its ingest from the first message on', async () => {
    const events = await fixture('ingress-whip');
    await play(events);
    const { sid } = events.find(({ participant }) => participant !== undefined)!.participant;
    const messages = told().filter(({ data }) => data.streamId === sid);
    assert.deepEqual(
      messages.map(({ event, data }) => `${event} ${data.type}`),
      ['stream_started whip', 'stream_ended whip'],
    );
  });

  test('errors of encoders and sources are told in words', async () => {
    for (const [name, words] of [
      ['ingress-whip', /^The connection to the encoder was lost\. LiveKit says: i\/o timeout$/],
      [
        'ingress-url-not-found',
        /^The source’s server answered with 404\. Check the address\. LiveKit says: Not Found$/,
      ],
      ['ingress-url-not-ready', /^Nothing to play arrived from the source in time.*source encoder not ready$/],
      [
        'ingress-whip-no-capacity',
        /If none runs, start LiveKit’s ingress service.*2 are set aside.*server capacity exceeded$/,
      ],
    ] as const) {
      const events = await fixture(name);
      const sessions = await play(events);
      assert.equal(sessions.length, name === 'ingress-whip' ? 2 : 1, sessions.join());
      assert.match(sessions.at(-1) as string, /^ingress_ended \w+ error$/);
      assert.match(told().findLast(({ data }) => data.error !== undefined)?.data.error, words, name);
    }
  });

  test('a refused second encoder leaves the live one alone', async () => {
    const events = await fixture('ingress-rtmp');
    const first = events.findIndex(({ event }) => event === 'ingress_started');
    const refused = structuredClone(events[first]!);
    refused.id += 'r';
    refused.event = 'ingress_ended';
    Object.assign(refused.ingressInfo.state, {
      status: 'ENDPOINT_ERROR',
      error: 'server capacity exceeded',
      startedAt: String(BigInt(refused.ingressInfo.state.startedAt) + 5_000_000_000n),
      resourceId: 'RT_0xrefused',
    });
    const all = [...events.slice(0, first + 1), refused, ...events.slice(first + 1)];
    const [, told, over] = await play(all);
    assert.equal(told, 'ingress_ended refused error');
    assert.match(over ?? '', /^ingress_ended \w+ taken_over$/, 'it was live until another one came');
  });

  test('no stream key and no password of a room is passed on, stored or logged', async () => {
    assert.ok(secrets.size >= 3, [...secrets].join());
    const log = await readFile(path.join(daemon.dataDir, 'logs/streamhub.log'), 'utf8');
    const answers = await Promise.all(
      ['streams?status=all', 'callbacks/deliveries?limit=200', 'stats'].map((to) => daemon.api.get(`/apps/ing/${to}`)),
    );
    const database = await readFile(path.join(daemon.dataDir, 'apps/ing/app.db'), 'latin1');
    const journal = await readFile(path.join(daemon.dataDir, 'apps/ing/app.db-wal'), 'latin1').catch(() => '');
    for (const secret of secrets) {
      for (const where of [log, database, journal, ...answers.map(({ text }) => text)])
        assert.ok(!where.includes(secret));
    }
  });
});
