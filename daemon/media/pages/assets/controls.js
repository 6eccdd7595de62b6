import { $, setChoices, setIcon, show } from './look.js';

const IDLE_MS = 3000;

/** @typedef {{ setMuted(isMuted: boolean): void, setVolume(volume: number): void, qualities(): { value: string, label: string }[], setQuality(value: string): void, unmute(): Promise<void> }} Player */

/** The buttons over the picture. */
export class Controls {
  /** @type {Player | null} */
  #player = null;
  #isMuted = false;

  constructor() {
    const stage = $('stage');
    const volume = /** @type {HTMLInputElement} */ ($('volume'));
    const quality = /** @type {HTMLSelectElement} */ ($('quality'));
    this.#showMuted();
    $('mute').addEventListener('click', () => this.#setMuted(!this.#isMuted));
    volume.addEventListener('input', () => {
      this.#player?.setVolume(volume.valueAsNumber / 100);
      this.#setMuted(volume.valueAsNumber === 0);
    });
    quality.addEventListener('change', () => this.#player?.setQuality(quality.value));
    $('unmute').addEventListener('click', () => {
      show('unmute', false);
      this.#setMuted(false);
      void this.#player?.unmute();
    });
    $('fullscreen').addEventListener('click', () => void this.#toggleFullscreen());
    document.addEventListener('fullscreenchange', () => this.#showFullscreen());
    this.#showFullscreen();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const wake = () => {
      stage.classList.remove('idle');
      clearTimeout(timer);
      timer = setTimeout(() => stage.classList.add('idle'), IDLE_MS);
    };
    for (const name of ['pointermove', 'pointerdown', 'keydown']) stage.addEventListener(name, wake);
    wake();
  }

  /** @param {Player} player */
  use(player) {
    this.#player = player;
    const volume = /** @type {HTMLInputElement} */ ($('volume'));
    player.setVolume(volume.valueAsNumber / 100);
    player.setMuted(this.#isMuted);
    show('controls', true);
    this.showQualities();
  }

  /** @param {boolean} isBlocked the browser plays no sound before the viewer asks for it */
  showBlocked(isBlocked) {
    show('unmute', isBlocked);
  }

  showQualities() {
    const choices = this.#player?.qualities() ?? [];
    setChoices('quality', choices);
    show('quality-label', choices.length > 0);
  }

  /** @param {boolean} isMuted */
  #setMuted(isMuted) {
    this.#isMuted = isMuted;
    this.#player?.setMuted(isMuted);
    this.#showMuted();
  }

  #showMuted() {
    setIcon('mute', this.#isMuted ? 'muted' : 'sound', this.#isMuted ? 'Unmute' : 'Mute');
  }

  async #toggleFullscreen() {
    if (document.fullscreenElement !== null) return document.exitFullscreen();
    const stage = $('stage');
    if ('requestFullscreen' in stage) return stage.requestFullscreen().catch(() => undefined);
    // iPhones show only a video in full screen
    /** @type {any} */ (document.querySelector('.tiles video'))?.webkitEnterFullscreen?.();
  }

  #showFullscreen() {
    const isFull = document.fullscreenElement !== null;
    setIcon('fullscreen', isFull ? 'restore' : 'fullscreen', isFull ? 'Leave full screen' : 'Full screen');
  }
}
