import { loadHls } from './sdk.js';

/** Failures in a row after which the page asks the daemon again. */
const MOST_FAILURES = 4;

/** Plays a live playlist: with hls.js, or with the browser itself where hls.js cannot run (iOS). */
export class HlsPlayer {
  #hooks;
  /** @type {InstanceType<typeof import('hls.js').default> | null} */
  #hls = null;
  #failures = 0;

  /**
   * @param {HTMLElement} tiles where the picture goes
   * @param {{
   *   isAdaptive: boolean,
   *   onPlaying(): void,
   *   onWaiting(): void,
   *   onSound(isBlocked: boolean): void,
   *   onQualities(): void,
   *   onEnd(reason: 'ended' | 'failed'): void,
   * }} hooks
   */
  constructor(tiles, hooks) {
    this.#hooks = hooks;
    this.video = document.createElement('video');
    this.video.playsInline = true;
    this.video.setAttribute('aria-label', 'Live video');
    tiles.replaceChildren(this.video);
    this.video.addEventListener('playing', () => {
      this.#failures = 0;
      hooks.onPlaying();
    });
    this.video.addEventListener('waiting', () => hooks.onWaiting());
    this.video.addEventListener('ended', () => hooks.onEnd('ended'));
  }

  /** @param {string} url */
  async start(url) {
    const Hls = await loadHls();
    if (Hls.isSupported()) this.#startHls(Hls, url);
    else if (this.video.canPlayType('application/vnd.apple.mpegurl') !== '') {
      this.video.addEventListener('error', () => this.#hooks.onEnd('failed'));
      this.video.src = url;
      await this.#play();
    } else throw new Error('This browser cannot play HLS.');
  }

  stop() {
    this.#hls?.destroy();
    this.#hls = null;
    this.video.remove();
  }

  async unmute() {
    this.video.muted = false;
    await this.#play();
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    this.video.muted = isMuted;
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.video.volume = volume;
  }

  /** @returns {{ value: string, label: string }[]} */
  qualities() {
    const levels = (this.#hls?.levels ?? []).map(({ height, bitrate }, index) => ({
      value: String(index),
      label: height > 0 ? `${height}p` : `${Math.round(bitrate / 1000)} kbit/s`,
    }));
    if (levels.length < 2) return [];
    return [...(this.#hooks.isAdaptive ? [{ value: 'auto', label: 'Auto' }] : []), ...levels.reverse()];
  }

  /** @param {string} value */
  setQuality(value) {
    if (this.#hls !== null) this.#hls.nextLevel = value === 'auto' ? -1 : Number(value);
  }

  /** @param {typeof import('hls.js').default} Hls @param {string} url */
  #startHls(Hls, url) {
    const hls = new Hls({
      workerPath: new URL('sdk/hls.worker.js', document.baseURI).href,
      capLevelToPlayerSize: this.#hooks.isAdaptive,
    });
    this.#hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      // without adaptive playback the best quality is played, unless the viewer chooses another
      if (!this.#hooks.isAdaptive) hls.nextLevel = hls.levels.length - 1;
      this.#hooks.onQualities();
      void this.#play();
    });
    hls.on(Hls.Events.ERROR, (_event, { fatal, type }) => {
      if (!fatal) return;
      this.#failures += 1;
      if (type === Hls.ErrorTypes.MEDIA_ERROR && this.#failures < MOST_FAILURES) hls.recoverMediaError();
      else this.#hooks.onEnd('failed');
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  /** Browsers play sound only after a person did something on the page; without sound they play always. */
  async #play() {
    try {
      await this.video.play();
      this.#hooks.onSound(false);
    } catch (error) {
      if (/** @type {Error} */ (error).name !== 'NotAllowedError') return;
      this.video.muted = true;
      this.#hooks.onSound(true);
      await this.video.play().catch(() => undefined);
    }
  }
}
