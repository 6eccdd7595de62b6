import { askWatch } from './api.js';
import { Audience } from './audience.js';
import { Chat } from './chat.js';
import { Devices } from './devices.js';
import { $, say, setChoices, setState, show, wear } from './look.js';
import { placeOf, rightsIn } from './place.js';
import { tellQuality } from './quality.js';
import { livekit } from './sdk.js';
import { clockText, daemonWords, disconnectWords, isFinal } from './words.js';

const { ConnectionQuality, ConnectionState, DisconnectReason, Room, RoomEvent, Track } = livekit;

/** @type {Record<string, [tone: string, text: string]>} */
const NETWORK = {
  [ConnectionQuality.Excellent]: ['ok', 'Network: good'],
  [ConnectionQuality.Good]: ['ok', 'Network: good'],
  [ConnectionQuality.Poor]: ['warn', 'Network: poor. Choose a lower quality if viewers see breaks.'],
  [ConnectionQuality.Lost]: ['danger', 'Network: lost. Trying to reconnect.'],
};

const place = placeOf(location);
const rights = rightsIn(place.token);
const chat = new Chat();
const audience = new Audience(place);
/** @typedef {import('./api.js').WatchView} WatchView @typedef {NonNullable<WatchView['publish']>} PublishOptions */
/** @type {WatchView} */
let view;
/** @type {PublishOptions} */
let options;
/** @type {Devices} */
let devices;
/** @type {import('livekit-client').Room | null} */
let room = null;
/** @type {ReturnType<typeof setInterval> | undefined} */
let clock;
let endQuality = () => {};

/** @param {string} id */
const box = (id) => /** @type {HTMLInputElement} */ ($(id));
const mayCamera = rights?.sources == null || rights.sources.includes('camera');
const mayScreen = (rights?.sources == null || rights.sources.includes('screen_share')) && canShareScreen();

function canShareScreen() {
  return navigator.mediaDevices !== undefined && 'getDisplayMedia' in navigator.mediaDevices;
}

async function load() {
  show('panel', false);
  setState('loading', 'Loading');
  if (place.token === null)
    return setState('refused', 'This link has no token', 'Ask the operator for a publish link (publishUrl).');
  try {
    view = await askWatch(place);
  } catch (error) {
    setState(isFinal(error) ? 'refused' : 'failed', ...daemonWords(error));
    if (!isFinal(error)) setTimeout(() => void load(), 5000);
    return;
  }
  wear(view, 'Publish');
  if (view.publish === null) {
    const text = rights?.canPublish ? 'It has expired, or it is for another room.' : 'It can only be used to watch.';
    return setState('refused', 'You cannot publish with this link', `${text} Ask for a new one.`);
  }
  options = view.publish;
  say('room', `Room ${view.room}`);
  show('camera-field', mayCamera);
  show('quality-field', mayCamera);
  show('screen-field', mayScreen);
  showQualities();
  devices = new Devices(captureOf(), () => void setScreen(false));
  show('panel', true);
  setState('loading', 'Starting your camera', 'Allow the camera and the microphone if the browser asks.');
  await Promise.all([mayCamera ? setCamera(true) : undefined, setMicrophone(true)]);
  await devices.list();
  idle();
}

/** The picture alone, or why there is none. */
function idle() {
  const { camera, microphone, screen } = devices;
  setBusy(camera === null && microphone === null && screen.length === 0);
  const hasPicture = devices.camera?.isMuted === false || devices.screen.length > 0;
  if (room !== null) setState('playing', hasPicture ? '' : 'No picture', hasPicture ? '' : 'Viewers only hear you.');
  else setState('ready', hasPicture ? '' : 'No picture', hasPicture ? '' : 'Turn on the camera or share the screen.');
}

// --- sources -------------------------------------------------------------------

/** @param {boolean} isOn */
async function setCamera(isOn) {
  if (isOn && devices.camera === null) {
    if (await devices.openCamera()) await publish(devices.camera, Track.Source.Camera);
  } else if (!isOn && devices.camera !== null) {
    await room?.localParticipant.unpublishTrack(devices.camera);
    devices.closeCamera();
  }
  box('camera-on').checked = devices.camera !== null;
}

/** @param {boolean} isOn */
async function setMicrophone(isOn) {
  if (isOn && devices.microphone === null) {
    if (await devices.openMicrophone()) await publish(devices.microphone, Track.Source.Microphone);
  } else if (!isOn && devices.microphone !== null) {
    await room?.localParticipant.unpublishTrack(devices.microphone);
    await devices.closeMicrophone();
  }
  box('microphone-on').checked = devices.microphone !== null;
}

/** @param {boolean} isOn */
async function setScreen(isOn) {
  if (isOn && devices.screen.length === 0) {
    if (await devices.openScreen()) for (const track of devices.screen) await publish(track, track.source);
  } else if (!isOn) {
    for (const track of devices.screen) await room?.localParticipant.unpublishTrack(track);
    devices.closeScreen();
  }
  box('screen-on').checked = devices.screen.length > 0;
  const count = Number(devices.camera !== null) + Number(devices.screen.length > 0);
  $('tiles').style.setProperty('--columns', String(Math.max(1, count)));
  idle();
}

/** @param {import('livekit-client').LocalTrack | null} track @param {import('livekit-client').Track.Source} source */
async function publish(track, source) {
  if (track === null || room === null) return;
  try {
    await room.localParticipant.publishTrack(track, { source });
  } catch (error) {
    say('publish-error', `LiveKit refused the ${source.replace('_', ' ')}: ${/** @type {Error} */ (error).message}`);
  }
}

// --- quality --------------------------------------------------------------------

/** The configured layers, best first. */
function layers() {
  const { publishDefaults, videoCaptureDefaults } = options;
  const { width, height } = videoCaptureDefaults.resolution;
  const top = { width, height, encoding: publishDefaults.videoEncoding };
  return [top, ...publishDefaults.videoSimulcastLayers.toSorted((a, b) => b.height - a.height)];
}

function showQualities() {
  setChoices(
    'quality',
    layers().map(({ height, encoding }, index) => ({
      value: String(index),
      label: `${height}p · ${(encoding.maxBitrate / 1_000_000).toFixed(1)} Mbit/s`,
    })),
  );
}

/** The chosen layer and those below it. */
function chosenLayers() {
  return layers().slice(Number(/** @type {HTMLSelectElement} */ ($('quality')).value) || 0);
}

function captureOf() {
  const [top] = chosenLayers();
  if (top === undefined) throw new Error('there is no quality');
  return { resolution: { width: top.width, height: top.height, frameRate: top.encoding.maxFramerate } };
}

// --- live -----------------------------------------------------------------------

async function goLive() {
  const { token } = place;
  const url = view.wsUrl;
  if (token === null || url === null) return;
  const [top, ...rest] = chosenLayers();
  const next = new Room({
    dynacast: true,
    publishDefaults: {
      ...options.publishDefaults,
      ...(top === undefined ? {} : { videoEncoding: top.encoding }),
      videoSimulcastLayers: /** @type {any} */ (rest.toReversed()),
      stopMicTrackOnMute: false,
    },
  });
  setBusy(true);
  say('publish-error', '');
  setState('loading', 'Connecting');
  audience.show(view);
  listen(next);
  chat.use(next, view.features, { canSend: rights?.canPublishData === true, name: rights?.name ?? '' });
  try {
    await next.connect(url, token, { autoSubscribe: false });
  } catch (error) {
    say('publish-error', `The room could not be joined: ${/** @type {Error} */ (error).message}`);
    return idle();
  }
  room = next;
  endQuality = tellQuality(next, token);
  await publish(devices.camera, Track.Source.Camera);
  await publish(devices.microphone, Track.Source.Microphone);
  for (const track of devices.screen) await publish(track, track.source);
  startClock();
  showLive(true);
  if (view.first === 'hls' || view.hlsUrl !== null) audience.start(null);
}

/** @param {import('livekit-client').Room} next */
function listen(next) {
  const people = () => audience.people(next);
  for (const event of [
    RoomEvent.Connected,
    RoomEvent.ParticipantConnected,
    RoomEvent.ParticipantDisconnected,
    RoomEvent.TrackPublished,
    RoomEvent.LocalTrackPublished,
    RoomEvent.TrackUnpublished,
  ])
    next.on(event, people);
  next
    .on(RoomEvent.ConnectionQualityChanged, (quality, participant) => {
      if (participant.isLocal) showNetwork(quality);
    })
    .on(RoomEvent.Reconnecting, () => setState('reconnecting', 'Reconnecting', 'The connection was lost.'))
    .on(RoomEvent.Reconnected, idle)
    .on(RoomEvent.Disconnected, (reason) => {
      if (room !== next) return;
      const name = DisconnectReason[reason ?? 0] ?? '';
      const words = disconnectWords(name) ?? ['The connection was lost', 'Choose “Go live” to start again.'];
      ended();
      say('publish-error', name === 'CLIENT_INITIATED' ? '' : `${words[0]}. ${words[1]}`);
    });
}

async function stop() {
  const last = room;
  if (last === null) return;
  // what is published stays open, for the preview
  for (const { track } of last.localParticipant.trackPublications.values())
    if (track !== undefined) await last.localParticipant.unpublishTrack(track, false).catch(() => undefined);
  if (last.state !== ConnectionState.Disconnected) await last.disconnect(false);
  if (room === last) ended();
}

function ended() {
  endQuality();
  room = null;
  clearInterval(clock);
  audience.stop();
  showLive(false);
}

/** @param {boolean} isLive */
function showLive(isLive) {
  show('start', !isLive);
  show('stop', isLive);
  show('copy', isLive && view.features.publicPlayback);
  show('time', isLive);
  show('controls', isLive);
  if (!isLive) for (const id of ['network', 'viewers']) say(id, '');
  /** @type {HTMLSelectElement} */ ($('quality')).disabled = isLive;
  idle();
  (isLive ? $('stop') : $('start')).focus();
}

/** @param {boolean} isBusy */
function setBusy(isBusy) {
  /** @type {HTMLButtonElement} */ ($('start')).disabled = isBusy;
}

function startClock() {
  const began = Date.now();
  const tell = () => say('time', clockText((Date.now() - began) / 1000));
  clearInterval(clock);
  clock = setInterval(tell, 1000);
  tell();
}

/** @param {import('livekit-client').ConnectionQuality} quality */
function showNetwork(quality) {
  const [tone, text] = NETWORK[quality] ?? ['ok', ''];
  $('network').dataset['tone'] = tone;
  say('network', text);
}

// --- the form -------------------------------------------------------------------

box('camera-on').addEventListener('change', () => void setCamera(box('camera-on').checked).then(idle));
box('microphone-on').addEventListener('change', () => void setMicrophone(box('microphone-on').checked).then(idle));
box('screen-on').addEventListener('change', () => void setScreen(box('screen-on').checked));
$('camera').addEventListener('change', () => void devices.change('camera'));
$('microphone').addEventListener('change', () => void devices.change('microphone'));
$('quality').addEventListener('change', () => void devices.change('camera', captureOf()));
$('panel').addEventListener('submit', (event) => event.preventDefault());
$('start').addEventListener('click', () => void goLive());
$('stop').addEventListener('click', () => void stop());
$('retry').addEventListener('click', () => void load());
$('copy').addEventListener('click', () => {
  const address = new URL(`watch/${encodeURIComponent(place.app)}/${encodeURIComponent(view.room)}`, document.baseURI);
  navigator.clipboard.writeText(address.href).then(
    () => say('copy', 'Link copied'),
    () => say('publish-error', `The link could not be copied: ${address.href}`),
  );
});
window.addEventListener('beforeunload', (event) => {
  if (room !== null) event.preventDefault();
});
window.addEventListener('hashchange', () => location.reload());
void load();
