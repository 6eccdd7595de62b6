import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playlistKeys, rewritePlaylist } from './playlist-text.ts';

const place = { key: 'p/film/hls/720p/index.m3u8', scope: 'p/film/hls' };

test('each address below the scope is replaced, in lines and in tags', () => {
  const text = [
    '#EXTM3U',
    '#EXT-X-MAP:URI="init.mp4",BYTERANGE="10@0"',
    '#EXT-X-MEDIA:TYPE=AUDIO,URI="../audio/index.m3u8",NAME="x"',
    '#EXTINF:4.0,',
    'seg_00000.ts',
    '',
    '# URI="comment.ts"',
    'a%20b.ts?x=1#y',
    '#EXT-X-ENDLIST',
    '',
  ].join('\r\n');
  assert.deepEqual(playlistKeys(text, place), [
    'p/film/hls/720p/init.mp4',
    'p/film/hls/audio/index.m3u8',
    'p/film/hls/720p/seg_00000.ts',
    'p/film/hls/720p/a b.ts',
  ]);
  const rewritten = rewritePlaylist(text, place, (key) => `<${key.split('/').at(-1)}>`);
  assert.deepEqual(rewritten.split('\n'), [
    '#EXTM3U',
    '#EXT-X-MAP:URI="<init.mp4>",BYTERANGE="10@0"',
    '#EXT-X-MEDIA:TYPE=AUDIO,URI="<index.m3u8>",NAME="x"',
    '#EXTINF:4.0,',
    '<seg_00000.ts>',
    '',
    '# URI="comment.ts"',
    '<a b.ts>',
    '#EXT-X-ENDLIST',
    '',
  ]);
});

test('a playlist leads to nothing outside of its scope, and to no file that is not media', () => {
  const refused = [
    '../../other.ts',
    '../../../../config.yaml',
    '..%2F..%2F..%2Fx.ts',
    '/etc/passwd.ts',
    '//host/x.ts',
    'https://example.com/x.ts',
    'file:///etc/x.ts',
    'data:video/mp2t,x.ts',
    'app.db',
    '%zz.ts',
    'a%00.ts',
    '../720p.ts/../../../x.ts',
  ];
  const text = ['#EXTM3U', ...refused].join('\n');
  assert.deepEqual(playlistKeys(text, place), []);
  assert.equal(
    rewritePlaylist(text, place, () => 'signed'),
    text,
  );
  assert.deepEqual(playlistKeys('#EXTM3U\nx.ts', { key: 'top.m3u8', scope: '.' }), ['x.ts']);
  assert.deepEqual(playlistKeys('#EXTM3U\n../x.ts', { key: 'top.m3u8', scope: '.' }), []);
});
