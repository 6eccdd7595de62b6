import assert from 'node:assert/strict';
import { test } from 'node:test';

// browser modules without types for Node; their own types are checked by tsconfig.json beside this file
const load = (name: string): Promise<any> => import(new URL(`./assets/${name}`, import.meta.url).href);

test('a page finds its room and token in its address', async () => {
  const { placeOf, rightsIn } = await load('place.js');
  // where LiveKit is, the daemon tells: an address in a link could be anyone's
  const hash = '#url=wss%3A%2F%2Felsewhere.example.com&token=a.b.c';
  const place = { app: 'live', room: 'live-stage', token: 'a.b.c', region: null };
  assert.deepEqual(placeOf({ pathname: '/watch/live/live-stage', hash }), place);
  assert.deepEqual(placeOf({ pathname: '/below/a/path/embed/live/live-stage', hash }), place);
  assert.equal(placeOf({ pathname: '/watch/live/live-stage', hash: '' }).token, null);
  const inParis = { ...place, region: 'paris' };
  assert.deepEqual(placeOf({ pathname: '/watch/live/live-stage', hash: `${hash}&region=paris` }), inParis);
  assert.deepEqual(placeOf({ pathname: '/watch/live/live-stage', hash, search: '?region=paris' }), inParis);
  const token = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`;
  assert.deepEqual(rightsIn(token({ name: 'Zoë', video: { canPublish: false, hidden: true } })), {
    canPublish: false,
    canPublishData: true,
    isHidden: true,
    name: 'Zoë',
    sources: null,
  });
  for (const wrong of [null, '', 'x', 'x.%.y', token({})]) assert.equal(rightsIn(wrong), null, `${wrong}`);
});

test('text on the operator’s colour is always readable', async () => {
  const { textOn } = await load('look.js');
  const luminance = (colour: string): number =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
      const part = Number.parseInt(colour.slice(1 + index * 2, 3 + index * 2), 16) / 255;
      return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    }, 0);
  for (let step = 0; step < 4096; step += 7) {
    const colour = `#${[step >> 8, (step >> 4) & 15, step & 15].map((part) => (part * 17).toString(16).padStart(2, '0')).join('')}`;
    const [dark, light] = [luminance(colour), luminance(textOn(colour))].sort((a, b) => a - b) as [number, number];
    assert.ok((light + 0.05) / (dark + 0.05) >= 4.5, colour);
  }
});

test('failures are told in words that name the device and what to do', async () => {
  const { deviceWords, daemonWords, disconnectWords, isFinal, clockText, viewersText } = await load('words.js');
  const failure = (name: string) => Object.assign(new Error('raw'), { name });
  const words = ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'InsecureContextError', 'Other'].map((name) =>
    deviceWords(failure(name), 'camera'),
  );
  assert.equal(new Set(words).size, words.length);
  for (const text of words) assert.match(text, /camera/);
  assert.match(deviceWords(failure('NotReadableError'), 'microphone'), /microphone is in use/);
  for (const code of ['PLAYBACK_NOT_PUBLIC', 'JOIN_TOKEN_INVALID', 'APP_NOT_FOUND']) assert.ok(isFinal({ code }), code);
  assert.equal(isFinal({ code: 'RATE_LIMITED' }), false);
  assert.match(daemonWords(new TypeError('Failed to fetch')).join(' '), /server is not responding/);
  assert.equal(disconnectWords('SERVER_SHUTDOWN'), null, 'it connects again');
  assert.match(disconnectWords('DUPLICATE_IDENTITY').join(' '), /another window/);
  assert.deepEqual([0, 61, 3671].map(clockText), ['0:00', '1:01', '1:01:11']);
  assert.deepEqual([0, 1, 1200].map(viewersText), ['0 viewers', '1 viewer', '1,200 viewers']);
});
