import { askWatch, DaemonError } from './api.js';
import { Audience } from './audience.js';
import { Chat } from './chat.js';
import { Controls } from './controls.js';
import { HlsPlayer } from './hls-player.js';
import { $, setState, wear } from './look.js';
import { placeOf, rightsIn } from './place.js';
import { WebrtcPlayer } from './webrtc.js';
import { daemonWords, disconnectWords, isFinal } from './words.js';

const ASK_MS = 3000;
const ASK_SLOWLY_MS = 10_000;
/** Live HLS needs some segments first. So long is it waited for; then WebRTC plays. */
const HLS_PATIENCE_MS = 30_000;

const place = placeOf(location);
const controls = new Controls();
const chat = new Chat();
const audience = new Audience(place);
const tiles = $('tiles');

/** @type {WebrtcPlayer | null} */
let webrtc = null;
/** @type {HlsPlayer | null} */
let hls = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let asked = 0;
let wasLive = false;
let hlsFailures = 0;
let liveSince = 0;
/** A newer run makes what an older one still waits for void. */
let run = 0;

/** Asks again later; sooner at first, and not all viewers at the same moment. @param {number} [least] milliseconds */
function later(least = 0) {
  const pause = Math.max(least, asked < 20 ? ASK_MS : ASK_SLOWLY_MS);
  clearTimeout(timer);
  timer = setTimeout(() => void start(), pause * (0.8 + Math.random() * 0.4));
}

async function start() {
  const mine = ++run;
  clearTimeout(timer);
  asked += 1;
  let view;
  try {
    view = await askWatch(place);
  } catch (error) {
    if (mine !== run) return;
    setState(isFinal(error) ? 'refused' : 'failed', ...daemonWords(error));
    if (!isFinal(error)) later(error instanceof DaemonError ? error.retryAfter * 1000 : 0);
    return;
  }
  if (mine !== run) return;
  wear(view, 'Watch');
  await leave();
  if (mine !== run) return;
  audience.show(view);
  if (!view.isLive) liveSince = 0;
  else if (liveSince === 0) liveSince = Date.now();
  const token = view.token ?? place.token;
  const url = view.wsUrl;
  const isPatient = Date.now() - liveSince < HLS_PATIENCE_MS;
  const waitsForHls = view.first === 'hls' && hlsFailures === 0 && view.hlsUrl === null && (!view.isLive || isPatient);
  const playsHls = view.first === 'hls' && hlsFailures < 2 && view.hlsUrl !== null;
  try {
    if (playsHls && view.hlsUrl !== null) await playHls(view, view.hlsUrl, url, token);
    else if (waitsForHls || url === null || token === null) idle(true);
    else await playWebrtc(view, url, token);
  } catch {
    if (mine !== run) return;
    if (view.hlsUrl !== null && !playsHls) await playHls(view, view.hlsUrl, null, null).catch(() => unreachable());
    else unreachable();
  }
}

function unreachable() {
  setState('failed', 'The stream could not be reached', 'A firewall or VPN may block it. Trying again.');
  later(ASK_SLOWLY_MS);
}

/** @param {boolean} asksAgain */
function idle(asksAgain) {
  if (wasLive) setState('ended', 'The stream has ended', 'If it starts again, it plays here.');
  else setState('waiting', 'Waiting for the stream', 'It starts here as soon as someone publishes.');
  if (asksAgain) later();
}

async function leave() {
  const [a, b] = [webrtc, hls];
  webrtc = null;
  hls = null;
  audience.stop();
  b?.stop();
  await a?.stop();
}

/** @param {import('./api.js').WatchView} view @param {string} url @param {string} token */
async function playWebrtc(view, url, token) {
  const player = makeRoom(view, tiles, {
    onMedia: ({ videos, hasSound }) => {
      controls.showQualities();
      if (videos > 0) playing();
      else if (hasSound) setState('playing', 'Audio only', 'There is no picture at the moment.');
      else idle(false);
    },
  });
  setState('loading', 'Connecting');
  chat.use(player.room, view.features, meIn(token));
  await player.start(url, token);
  controls.use(player);
  // only then there can be viewers outside the room
  if (view.first === 'hls' || view.hlsUrl !== null) audience.start(null);
}

/**
 * HLS carries the picture; chat and reactions come from the room.
 * @param {import('./api.js').WatchView} view @param {string} playlist @param {string | null} url @param {string | null} token
 */
async function playHls(view, playlist, url, token) {
  const player = new HlsPlayer(tiles, {
    isAdaptive: view.features.adaptivePlayer,
    onPlaying: () => {
      playing();
      audience.soon();
    },
    onWaiting: () => setState('reconnecting', 'Buffering'),
    onSound: (isBlocked) => controls.showBlocked(isBlocked),
    onQualities: () => controls.showQualities(),
    onEnd: (reason) => {
      if (hls !== player) return;
      if (reason === 'failed') hlsFailures += 1;
      idle(true);
    },
  });
  hls = player;
  setState('loading', 'Connecting');
  controls.use(player);
  await player.start(new URL(playlist, document.baseURI).href);
  const { chat: hasChat, reactions } = view.features;
  let isInRoom = false;
  if ((hasChat || reactions) && url !== null && token !== null) {
    const room = makeRoom(view, document.createElement('div'), { onMedia: () => undefined });
    chat.use(room.room, view.features, meIn(token));
    isInRoom = await room.start(url, token, false).then(
      () => true,
      () => false,
    );
  }
  // who is in the room is counted there
  if (hls === player) audience.start(isInRoom ? null : () => !player.video.paused);
}

/**
 * @param {import('./api.js').WatchView} view @param {HTMLElement} pictures
 * @param {{ onMedia(media: { videos: number, hasSound: boolean }): void }} hooks
 */
function makeRoom(view, pictures, { onMedia }) {
  /** @type {WebrtcPlayer} */
  const player = new WebrtcPlayer(pictures, {
    isAdaptive: view.features.adaptivePlayer,
    onMedia,
    onSound: (isBlocked) => controls.showBlocked(isBlocked),
    onPeople: (room) => audience.people(room),
    onReconnecting: (isReconnecting) => {
      if (isReconnecting && hls === null) setState('reconnecting', 'Reconnecting', 'The connection was lost.');
    },
    onEnd: (reason) => {
      if (webrtc !== player || hls !== null) return;
      const words = disconnectWords(reason);
      if (words !== null) setState('failed', ...words);
      else idle(true);
    },
  });
  webrtc = player;
  return player;
}

/** @param {string} token */
function meIn(token) {
  const rights = rightsIn(token);
  // a message would give away who is hidden
  return { canSend: rights?.canPublishData === true && !rights.isHidden, name: rights?.name ?? '' };
}

function playing() {
  wasLive = true;
  asked = 0;
  setState('playing');
}

$('retry').addEventListener('click', () => {
  hlsFailures = 0;
  setState('loading', 'Connecting');
  void start();
});
window.addEventListener('hashchange', () => location.reload());
window.addEventListener('pagehide', () => void leave());
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted) void start();
});
setState('loading', 'Connecting');
void start();
