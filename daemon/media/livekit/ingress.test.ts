import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IngressInfo, IngressState, IngressState_Status } from '@livekit/protocol';
import { readIngress, readIngressDetails } from './ingress.ts';

const LARGEST = 2n ** 63n - 1n;
const nano = (ms: number): bigint => BigInt(ms) * 1_000_000n;
const withState = (state: ConstructorParameters<typeof IngressState>[0], more: object = {}) =>
  new IngressInfo({ ingressId: 'IN_1', streamKey: 'key-of-the-stream', state: new IngressState(state), ...more });
const errorOf = (error: string, more: object = {}): string =>
  readIngress(withState({ status: IngressState_Status.ENDPOINT_ERROR, error }, more)).error;

test('what the ingress service says of itself is believed within limits', () => {
  const now = Date.now();
  const said = readIngressDetails(
    withState({
      video: { mimeType: 'video/H264', width: 1920, height: 1080, framerate: 29.970_029 },
      audio: { mimeType: 'audio/opus', channels: 2, sampleRate: 48_000 },
      startedAt: nano(now - 5000),
      endedAt: nano(now),
    }),
  );
  assert.deepEqual(said.video, { codec: 'H264', width: 1920, height: 1080, framerate: 29.97 });
  assert.deepEqual(said.audio, { codec: 'opus', channels: 2, sampleRate: 48_000 });
  assert.deepEqual([said.startedAt, said.endedAt], [now - 5000, now]);
  const odd = readIngressDetails(
    withState({
      video: { mimeType: 'video/VP8', width: 4_000_000_000, height: 0, framerate: Number.NaN },
      audio: { mimeType: `audio/${'x'.repeat(500)}`, channels: 2, sampleRate: 48_000 },
      startedAt: LARGEST,
      endedAt: -1n,
    }),
  );
  assert.deepEqual(odd.video, { codec: 'VP8', width: null, height: null, framerate: null });
  assert.deepEqual([odd.audio, odd.startedAt, odd.endedAt], [null, null, null]);
  const empty = readIngressDetails(withState({ video: {}, audio: {} }));
  assert.deepEqual([empty.video, empty.audio], [null, null]);
  const live = withState({
    status: IngressState_Status.ENDPOINT_PUBLISHING,
    startedAt: nano(now),
    endedAt: nano(now - 9),
  });
  assert.equal(readIngress(live).endedAt, null, 'the end of an earlier session');
});

test('errors are in words, with what LiveKit says', () => {
  const cases: [said: string, words: RegExp][] = [
    ['', /^$/],
    ['Not Found', /^The source’s server answered with 404\. Check the address\. LiveKit says: Not Found$/],
    ['Unauthorized', /answered with 401\. Check the user name and password/],
    ['Forbidden', /answered with 403\. Check the user name and password/],
    ['Service Unavailable', /answered with 503\..*try again later/],
    ['Internal data stream error.', /^The source can’t be read: no server answers/],
    ['source encoder not ready', /^Nothing to play arrived/],
    ['Could not resolve server name.', /host name is not known/],
    ['dial tcp 10.0.0.1:554: connect: connection refused', /^No server answers at the source’s address/],
    ['i/o timeout\ni/o timeout', /^The connection to the encoder was lost\. LiveKit says: i\/o timeout$/],
    ['server capacity exceeded', /start LiveKit’s ingress service.*70 % of its machine/],
    ['unsupported codec', /^LiveKit can’t play what is sent/],
    ['something new', /^something new$/],
  ];
  for (const [said, words] of cases) assert.match(errorOf(said), words, said);
});

test('errors repeat no stream key, password or path, and have an end', () => {
  const said = errorOf(
    'Get "http://localhost:9090/rtmp/key-of-the-stream": open /var/lib/ingress/key-of-the-stream.sock, rtsp://ann:pass-word@cam/1',
  );
  assert.doesNotMatch(said, /key-of-the-stream|pass-word|var\/lib/);
  assert.match(said, /^Get/);
  assert.ok(errorOf('x'.repeat(10_000)).length <= 300);
});
