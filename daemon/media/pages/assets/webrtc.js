import { tellQuality } from './quality.js';
import { livekit } from './sdk.js';

const { DisconnectReason, ParticipantKind, Room, RoomEvent, Track, VideoQuality } = livekit;

/** @typedef {import('livekit-client').Room} LiveRoom */

/** Adaptive playback goes up to the best quality by itself, so "high" would be the same choice. */
const QUALITIES = {
  auto: { label: 'Auto', quality: VideoQuality.HIGH },
  high: { label: 'High', quality: VideoQuality.HIGH },
  medium: { label: 'Medium', quality: VideoQuality.MEDIUM },
  low: { label: 'Low', quality: VideoQuality.LOW },
};

/**
 * Who only watches. LiveKit tells nobody about hidden participants, so they never count.
 * @param {LiveRoom} room
 */
export function countViewers(room) {
  const { localParticipant: me } = room;
  const others = [...room.remoteParticipants.values()].filter(
    ({ kind, trackPublications }) => kind === ParticipantKind.STANDARD && trackPublications.size === 0,
  );
  const counts = me.permissions?.hidden !== true && me.trackPublications.size === 0;
  return others.length + (counts ? 1 : 0);
}

/** Plays what is published in a room. */
export class WebrtcPlayer {
  #tiles;
  #hooks;
  #isAdaptive;
  /** By the sid of their track. @type {Map<string, HTMLMediaElement>} */
  #elements = new Map();
  #endQuality = () => {};
  #volume = 1;
  #isMuted = false;
  /** @type {keyof typeof QUALITIES} */
  #quality;

  /**
   * @param {HTMLElement} tiles where pictures go
   * @param {{
   *   isAdaptive: boolean,
   *   onMedia(media: { videos: number, hasSound: boolean }): void,
   *   onSound(isBlocked: boolean): void,
   *   onPeople(room: LiveRoom): void,
   *   onReconnecting(isReconnecting: boolean): void,
   *   onEnd(reason: string): void,
   * }} hooks
   */
  constructor(tiles, hooks) {
    this.#tiles = tiles;
    this.#hooks = hooks;
    this.#isAdaptive = hooks.isAdaptive;
    this.#quality = hooks.isAdaptive ? 'auto' : 'high';
    this.room = new Room({ adaptiveStream: hooks.isAdaptive });
    this.#listen();
  }

  /** @param {string} url @param {string} token @param {boolean} hasMedia false: only chat and reactions */
  async start(url, token, hasMedia = true) {
    await this.room.connect(url, token, { autoSubscribe: hasMedia });
    this.#endQuality = tellQuality(this.room, token);
    this.#hooks.onPeople(this.room);
    this.#tell();
  }

  async stop() {
    this.#endQuality();
    this.room.removeAllListeners();
    await this.room.disconnect();
    this.#clear();
  }

  /** In an event of the viewer's own, or the browser refuses. */
  async unmute() {
    this.setMuted(false);
    await this.room.startAudio();
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    this.#isMuted = isMuted;
    this.#adjust();
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.#volume = volume;
    this.#adjust();
  }

  /** @returns {{ value: string, label: string }[]} none where there is one quality only */
  qualities() {
    const hasSeveral = this.#pictures().some(({ simulcasted }) => simulcasted === true);
    const leftOut = this.#isAdaptive ? 'high' : 'auto';
    if (!hasSeveral) return [];
    return Object.entries(QUALITIES).flatMap(([value, { label }]) => (value === leftOut ? [] : [{ value, label }]));
  }

  /** @param {string} value */
  setQuality(value) {
    this.#quality = /** @type {keyof typeof QUALITIES} */ (value);
    for (const picture of this.#pictures()) picture.setVideoQuality(QUALITIES[this.#quality].quality);
  }

  #pictures() {
    return [...this.room.remoteParticipants.values()]
      .flatMap(({ videoTrackPublications }) => [...videoTrackPublications.values()])
      .filter(({ isSubscribed }) => isSubscribed);
  }

  #listen() {
    const people = () => this.#hooks.onPeople(this.room);
    const media = () => this.#tell();
    this.room
      .on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
        const element = track.attach();
        this.#elements.set(publication.trackSid, element);
        element.setAttribute('aria-label', `Video of ${participant.name || participant.identity}`);
        if (track.kind === Track.Kind.Video) {
          if (this.#quality !== 'auto') publication.setVideoQuality(QUALITIES[this.#quality].quality);
          this.#tiles.append(element);
        } else {
          element.hidden = true;
          document.body.append(element);
          this.#adjust();
        }
        media();
      })
      .on(RoomEvent.TrackUnsubscribed, (track, { trackSid }) => {
        // the client may have detached it by now, and then does not name it
        track.detach();
        this.#elements.get(trackSid)?.remove();
        this.#elements.delete(trackSid);
        media();
      })
      .on(RoomEvent.TrackMuted, media)
      .on(RoomEvent.TrackUnmuted, media)
      .on(RoomEvent.AudioPlaybackStatusChanged, media)
      .on(RoomEvent.ParticipantConnected, people)
      .on(RoomEvent.ParticipantDisconnected, people)
      .on(RoomEvent.TrackPublished, people)
      .on(RoomEvent.TrackUnpublished, people)
      .on(RoomEvent.Reconnecting, () => this.#hooks.onReconnecting(true))
      .on(RoomEvent.Reconnected, () => {
        this.#hooks.onReconnecting(false);
        people();
        media();
      })
      .on(RoomEvent.Disconnected, (reason) => {
        this.#clear();
        this.#hooks.onEnd(DisconnectReason[reason ?? 0] ?? '');
      });
  }

  #tell() {
    const pictures = this.#pictures();
    for (const { track, isMuted } of pictures)
      for (const element of track?.attachedElements ?? []) element.hidden = isMuted;
    const videos = pictures.filter(({ isMuted }) => !isMuted).length;
    this.#tiles.style.setProperty('--columns', String(Math.ceil(Math.sqrt(Math.max(1, videos)))));
    const hasSound = this.#sounds().length > 0;
    this.#hooks.onMedia({ videos, hasSound });
    this.#hooks.onSound(hasSound && !this.room.canPlaybackAudio);
  }

  #sounds() {
    return [...this.#elements.values()].filter((element) => element instanceof HTMLAudioElement);
  }

  #adjust() {
    for (const element of this.#sounds()) {
      element.muted = this.#isMuted;
      element.volume = this.#volume;
    }
  }

  #clear() {
    for (const element of this.#elements.values()) element.remove();
    this.#elements.clear();
  }
}
