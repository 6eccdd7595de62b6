import { askWatch, countViewer } from './api.js';
import { say } from './look.js';
import { countViewers } from './webrtc.js';
import { viewersText } from './words.js';

const EVERY_MS = 30_000;

/**
 * Shows how many watch. LiveKit tells at once who is in the room. Viewers of live HLS are in no room: their pages tell the
 * daemon that they play, and all pages ask it for their number.
 */
export class Audience {
  #place;
  #viewer = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  /** @type {import('./api.js').WatchViewers} */
  #told = { viewers: null, hlsViewers: null };
  /** Null: this page is in no room. @type {number | null} */
  #inRoom = null;
  #isCounted = false;
  /** @type {(() => boolean) | null} */
  #isPlaying = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {import('./api.js').Place} place */
  constructor(place) {
    this.#place = place;
  }

  /** What the daemon says; null numbers are not to be shown. @param {import('./api.js').WatchViewers} told */
  show(told) {
    this.#told = told;
    this.#tell();
  }

  /** @param {import('livekit-client').Room} room */
  people(room) {
    this.#inRoom = countViewers(room);
    this.#tell();
  }

  /** Keeps the number up to date. @param {(() => boolean) | null} isPlaying for live HLS: does this page play it? */
  start(isPlaying) {
    clearInterval(this.#timer);
    this.#isPlaying = isPlaying;
    this.#timer = setInterval(() => void this.#ask(), EVERY_MS);
    this.soon();
  }

  /** The page may play by now. */
  soon() {
    if (this.#timer !== undefined && !this.#isCounted && this.#isPlaying?.()) void this.#ask();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#inRoom = null;
    if (this.#isCounted) void countViewer(this.#place, this.#viewer, true).catch(() => undefined);
    this.#isCounted = false;
  }

  async #ask() {
    const timer = this.#timer;
    const counts = this.#isPlaying?.() === true;
    this.#isCounted ||= counts;
    // an answer that is missing comes with the next one
    const told = await (counts ? countViewer(this.#place, this.#viewer) : askWatch(this.#place)).catch(() => null);
    if (told !== null && timer === this.#timer) this.show(told);
  }

  #tell() {
    const { viewers, hlsViewers } = this.#told;
    if (viewers === null) say('viewers', '');
    else say('viewers', viewersText(this.#inRoom === null ? viewers : this.#inRoom + (hlsViewers ?? 0)));
  }
}
