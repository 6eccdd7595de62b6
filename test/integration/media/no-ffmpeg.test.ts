import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { makeFilm } from '#test/helpers/films.ts';
import { recordFilm, untilTranscoded, wantLadder } from '#test/helpers/ladders.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

test('without ffmpeg a recording is ready without a ladder, and the overview has the command that installs it', async (t) => {
  const dir = await temporaryDir(t);
  const film = await makeFilm(dir, 'film.mp4', { width: 320, height: 180, seconds: 1 });
  const { PATH } = process.env;
  t.after(() => {
    process.env['PATH'] = PATH;
  });
  process.env['PATH'] = dir;
  const daemon = await testDaemon(t, { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9', TRANSCODING_NICE: '0' });
  await wantLadder(daemon.api, 'live', { vodRenditions: [144] });
  const warning = await until('it warns', async () => {
    const { warnings } = (await daemon.api.get('/system/settings')).body.data;
    return warnings.find(({ code }: { code: string }) => code === 'FFMPEG_MISSING');
  });
  assert.match(warning.message, /^Recordings of the app live get no HLS ladder: .* Install it with: .*ffmpeg$/);
  const file = path.join(daemon.dataDir, 'apps/live/recordings/film.mp4');
  await mkdir(path.dirname(file), { recursive: true });
  await copyFile(film, file);
  const { id } = await recordFilm(daemon, 'live', { file });
  const vod = (await daemon.api.get(`/apps/live/vods/${id}`)).body;
  assert.deepEqual([vod.status, vod.transcoding, vod.hlsUrl], ['ready', null, null]);
  const refused = await daemon.api.post(`/apps/live/vods/${id}/transcode`);
  assert.deepEqual([refused.status, refused.body.code], [409, 'VOD_NOT_TRANSCODABLE']);
  assert.match(refused.body.message, /ffmpeg is not installed/);

  process.env['PATH'] = PATH;
  assert.equal((await daemon.api.post(`/apps/live/vods/${id}/transcode`)).status, 202);
  assert.equal((await untilTranscoded(daemon.api, 'live', id)).transcoding.state, 'ready');
  // any change makes it look again
  await wantLadder(daemon.api, 'live', { vodRenditions: [240, 144] });
  await until('it warns no more', async () => {
    const { warnings } = (await daemon.api.get('/system/settings')).body.data;
    return !warnings.some(({ code }: { code: string }) => code === 'FFMPEG_MISSING');
  });
});
