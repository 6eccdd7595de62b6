/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export function $(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element ${id}`);
  return /** @type {T} */ (element);
}

/** @param {string} id @param {boolean} isShown */
export function show(id, isShown) {
  $(id).hidden = !isShown;
}

/** Shows a sentence, or hides its element without one. @param {string} id @param {string} text */
export function say(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === '';
}

/**
 * Black or white: what is easier to read on a colour (WCAG 2.2, relative luminance).
 * @param {string} colour `#rrggbb`
 */
export function textOn(colour) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? '#000000' : '#ffffff';
}

/**
 * Puts the operator's title, logo and colour on the page.
 * @param {{ title: string, accent: string | null, logoUrl: string | null }} look @param {string} what e.g. `Watch`
 */
export function wear({ title, accent, logoUrl }, what) {
  $('title').textContent = title;
  document.title = `${title} · ${what}`;
  const logo = /** @type {HTMLImageElement} */ ($('logo'));
  if (logoUrl !== null && logo.getAttribute('src') !== logoUrl) {
    logo.onload = () => show('logo', true);
    logo.src = logoUrl;
  }
  if (accent !== null) {
    document.documentElement.style.setProperty('--accent', accent);
    document.documentElement.style.setProperty('--on-accent', textOn(accent));
  }
}

/**
 * State of the page: `loading`, `waiting`, `playing`, `reconnecting`, `ended`, `failed`, `refused` (trying again
 * does not help); with what is said over the picture.
 * @param {string} state @param {string} [title] @param {string} [text]
 */
export function setState(state, title = '', text = '') {
  document.body.dataset['state'] = state;
  show('message', title !== '');
  $('message-title').textContent = title;
  say('message-text', text);
  show('retry', state === 'failed');
  show('live', state === 'playing');
}

const ICONS = {
  sound: 'M4 9v6h4l5 4V5L8 9zM16 8.5a5 5 0 0 1 0 7M18.5 6a8.5 8.5 0 0 1 0 12',
  muted: 'M4 9v6h4l5 4V5L8 9zM16.5 9.5l5 5M21.5 9.5l-5 5',
  fullscreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  restore: 'M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5',
};

/** Gives a button a picture and a name. @param {string} id @param {keyof typeof ICONS} icon @param {string} label */
export function setIcon(id, icon, label) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [name, value] of Object.entries({
    viewBox: '0 0 24 24',
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': '2',
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    'aria-hidden': 'true',
  }))
    svg.setAttribute(name, value);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', ICONS[icon]);
  svg.append(path);
  const button = $(id);
  button.replaceChildren(svg);
  button.setAttribute('aria-label', label);
  button.title = label;
}

/** Fills a list of choices, keeping what is chosen. @param {string} id @param {{ value: string, label: string }[]} choices */
export function setChoices(id, choices) {
  const select = /** @type {HTMLSelectElement} */ ($(id));
  const chosen = select.value;
  select.replaceChildren(...choices.map(({ value, label }) => new Option(label, value)));
  if (choices.some(({ value }) => value === chosen)) select.value = chosen;
}
