import { $, say, setChoices, show } from './look.js';
import { livekit } from './sdk.js';
import { deviceWords } from './words.js';

const LEVEL_MS = 100;

/** @typedef {import('livekit-client').LocalVideoTrack} VideoTrack @typedef {import('livekit-client').LocalAudioTrack} AudioTrack */
/** @typedef {import('livekit-client').VideoCaptureOptions} Capture */

/** Camera, microphone and screen of this machine, with their preview. */
export class Devices {
  /** @type {VideoTrack | null} */
  camera = null;
  /** @type {AudioTrack | null} */
  microphone = null;
  /** @type {import('livekit-client').LocalTrack[]} */
  screen = [];
  #capture;
  /** @type {(() => Promise<void>) | null} */
  #stopLevel = null;
  #onScreenEnd;

  /**
   * @param {Capture} capture
   * @param {() => void} onScreenEnd the person stopped sharing, in the browser's own bar
   */
  constructor(capture, onScreenEnd) {
    this.#capture = capture;
    this.#onScreenEnd = onScreenEnd;
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.list());
  }

  /** Opens the camera; a failure is said beside it. @returns {Promise<boolean>} */
  openCamera() {
    return this.#open('camera', async () => {
      const deviceId = chosen('camera');
      this.camera = await livekit.createLocalVideoTrack({ ...this.#capture, ...(deviceId && { deviceId }) });
      this.camera.attach(/** @type {HTMLVideoElement} */ ($('preview')));
      show('preview', true);
    });
  }

  /** @returns {Promise<boolean>} */
  openMicrophone() {
    return this.#open('microphone', async () => {
      const deviceId = chosen('microphone');
      const options = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      this.microphone = await livekit.createLocalAudioTrack({ ...options, ...(deviceId && { deviceId }) });
      await this.#measure();
    });
  }

  /** @returns {Promise<boolean>} */
  openScreen() {
    return this.#open('screen', async () => {
      this.screen = await livekit.createLocalScreenTracks({ audio: true });
      for (const track of this.screen) {
        track.on(livekit.TrackEvent.Ended, this.#onScreenEnd);
        if (track.kind === livekit.Track.Kind.Video)
          track.attach(/** @type {HTMLVideoElement} */ ($('screen-preview')));
      }
      show('screen-preview', true);
    });
  }

  closeCamera() {
    this.camera?.detach();
    this.camera?.stop();
    this.camera = null;
    show('preview', false);
  }

  async closeMicrophone() {
    await this.#stopLevel?.();
    this.#stopLevel = null;
    this.microphone?.stop();
    this.microphone = null;
  }

  closeScreen() {
    for (const track of this.screen) {
      track.removeAllListeners();
      track.detach();
      track.stop();
    }
    this.screen = [];
    show('screen-preview', false);
  }

  /** Another device or size, without a break for those who watch. @param {'camera' | 'microphone'} what @param {Capture} [capture] */
  change(what, capture = this.#capture) {
    this.#capture = capture;
    return this.#open(what, async () => {
      const deviceId = { exact: chosen(what) ?? '' };
      if (what === 'camera') await this.camera?.restartTrack({ ...capture, deviceId });
      else {
        await this.microphone?.restartTrack({ deviceId });
        await this.#measure();
      }
    });
  }

  /** Names are only known once one device may be used. */
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    for (const { id, kind, track } of [
      { id: 'camera', kind: 'videoinput', track: this.camera },
      { id: 'microphone', kind: 'audioinput', track: this.microphone },
    ]) {
      const found = devices.filter((device) => device.kind === kind && device.deviceId !== '');
      setChoices(
        id,
        found.map(({ deviceId, label }, index) => ({ value: deviceId, label: label || `${id} ${index + 1}` })),
      );
      const used = track?.mediaStreamTrack.getSettings().deviceId;
      if (used !== undefined) /** @type {HTMLSelectElement} */ ($(id)).value = used;
      show(id, found.length > 0);
    }
  }

  async #measure() {
    await this.#stopLevel?.();
    const { microphone } = this;
    if (microphone === null) return;
    const { calculateVolume, cleanup } = livekit.createAudioAnalyser(microphone, { cloneTrack: true });
    const meter = /** @type {HTMLMeterElement} */ ($('level'));
    const timer = setInterval(() => {
      meter.value = microphone.isMuted ? 0 : calculateVolume();
    }, LEVEL_MS);
    this.#stopLevel = async () => {
      clearInterval(timer);
      meter.value = 0;
      await cleanup();
    };
  }

  /** @param {'camera' | 'microphone' | 'screen'} what @param {() => Promise<void>} open */
  async #open(what, open) {
    try {
      if (navigator.mediaDevices === undefined) throw new DOMException('', 'InsecureContextError');
      await open();
      say(`${what}-error`, '');
      return true;
    } catch (error) {
      say(`${what}-error`, deviceWords(error, what));
      return false;
    }
  }
}

/** @param {string} id @returns {string | undefined} */
const chosen = (id) => /** @type {HTMLSelectElement} */ ($(id)).value || undefined;
