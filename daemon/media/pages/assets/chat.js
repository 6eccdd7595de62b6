import { $, say, show } from './look.js';
import { livekit } from './sdk.js';

/** The topic of LiveKit's own components, so that other clients take part. */
const CHAT = 'lk.chat';
const REACTION = 'reaction';
const REACTIONS = ['👍', '❤️', '👏', '😂', '🎉'];
const REACTION_NAMES = ['Thumbs up', 'Heart', 'Applause', 'Laughing', 'Party'];
const TEXT_MAX = 500;
const NAME_MAX = 40;
const LINES_KEPT = 200;
const FLOATS_MAX = 40;

/** @typedef {import('livekit-client').Room} LiveRoom */

/** Chat and reactions over the data of a room. */
export class Chat {
  /** @type {LiveRoom | null} */
  #room = null;
  #name = '';

  constructor() {
    $('chat-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    const name = /** @type {HTMLInputElement} */ ($('chat-name'));
    name.value = stored();
    $('reactions').replaceChildren(
      ...REACTIONS.map((text, index) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = text;
        button.setAttribute('aria-label', /** @type {string} */ (REACTION_NAMES[index]));
        button.addEventListener('click', () => this.#react(text));
        return button;
      }),
    );
  }

  /**
   * @param {LiveRoom} room
   * @param {{ chat: boolean, reactions: boolean }} features
   * @param {{ canSend: boolean, name: string }} me the name in the token cannot be changed here
   */
  use(room, features, { canSend, name }) {
    this.#room = room;
    this.#name = name;
    show('chat', features.chat);
    show('chat-form', canSend);
    show('chat-name-label', name === '');
    show('reactions', features.reactions && canSend);
    room.on(livekit.RoomEvent.DataReceived, (data, _participant, _kind, topic) => {
      if (topic === REACTION && features.reactions && data.byteLength <= 16) float(new TextDecoder().decode(data));
    });
    if (features.chat)
      room.registerTextStreamHandler(CHAT, (reader, { identity }) => void this.#read(room, reader, identity));
  }

  /** @param {LiveRoom} room @param {import('livekit-client').TextStreamReader} reader @param {string} identity */
  async #read(room, reader, identity) {
    let text = '';
    for await (const chunk of reader) {
      text += chunk;
      if (text.length > TEXT_MAX) break;
    }
    const given = reader.info.attributes?.['name'];
    addLine(room.remoteParticipants.get(identity)?.name || given || shortName(identity), text.slice(0, TEXT_MAX));
  }

  async #send() {
    const field = /** @type {HTMLInputElement} */ ($('chat-text'));
    const text = field.value.trim();
    const room = this.#room;
    if (text === '' || room === null) return;
    const typed = /** @type {HTMLInputElement} */ ($('chat-name')).value.trim();
    const name = this.#name || typed || shortName(room.localParticipant.identity);
    store(typed);
    try {
      await room.localParticipant.sendText(text, { topic: CHAT, attributes: { name } });
      field.value = '';
      addLine(name, text);
      say('chat-error', '');
    } catch {
      say('chat-error', 'The message was not sent. Check your connection, then try again.');
    }
  }

  /** @param {string} text */
  #react(text) {
    float(text);
    const data = new TextEncoder().encode(text);
    this.#room?.localParticipant.publishData(data, { topic: REACTION, reliable: false }).catch(() => undefined);
  }
}

/** @param {string} identity e.g. `viewer-4f…` */
const shortName = (identity) => (/^(?:viewer|anon)-/.test(identity) ? `Guest ${identity.slice(-4)}` : identity);

/** @param {string} name @param {string} text */
function addLine(name, text) {
  show('chat-empty', false);
  const log = $('chat-log');
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = document.createElement('p');
  const who = document.createElement('b');
  who.textContent = name.slice(0, NAME_MAX);
  line.append(who, text);
  log.append(line);
  while (log.childElementCount > LINES_KEPT) log.firstElementChild?.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

/** @param {string} text */
function float(text) {
  const floats = $('floats');
  if (!REACTIONS.includes(text) || floats.childElementCount >= FLOATS_MAX) return;
  const element = document.createElement('span');
  element.textContent = text;
  element.style.setProperty('left', `${10 + Math.random() * 80}%`);
  element.addEventListener('animationend', () => element.remove());
  // where the system asks for less motion there is no animation, and no end of one
  setTimeout(() => element.remove(), 2600);
  floats.append(element);
}

const NAME_KEY = 'streamhub.name';

function stored() {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    // a frame of another site may have no storage
    return '';
  }
}

/** @param {string} name */
function store(name) {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // then it is typed again
  }
}
