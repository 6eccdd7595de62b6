import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserWords } from './user-agent.ts';

test('a session is named by its browser and system', () => {
  const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
  const names: [string | null, string][] = [
    ['Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0', 'Firefox on Linux'],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Edg/126.0`, 'Edge on Windows'],
    [`Mozilla/5.0 (Linux; Android 14) ${chrome}`, 'Chrome on Android'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
      'Safari on macOS',
    ],
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome} StreamHub/0.1.0 Electron/45.0`, 'StreamHub desktop on Linux'],
    ['StreamHub-Desktop', 'StreamHub desktop'],
    ['curl/8.1.0', 'curl'],
    ['', 'Unknown program'],
    [null, 'Unknown program'],
  ];
  assert.deepEqual(
    names.map(([agent]) => browserWords(agent)),
    names.map(([, name]) => name),
  );
});
