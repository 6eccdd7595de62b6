import { create } from 'zustand';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { BASE_PATH } from '../../host/base.ts';

/** A config text being worked on, with the version it was begun from. */
export interface Draft {
  text: string;
  base: { yaml: string; etag: string };
  /** When it was last changed. */
  at: string;
}

const PREFIX = 'streamhub.config-draft:';
/** Of earlier versions, which did not note whose a draft is. */
const FORMER_PREFIX = 'streamhub.draft:';
const WRITE_AFTER = 250;

/** Names the draft that the person signed in has of an app; undefined until the daemon has said who that is. */
export function useDraftKey(app: string): string | undefined {
  const { id, user } = useDaemon();
  return user === undefined ? undefined : `${PREFIX}${BASE_PATH}:${id}:${user}:${app}`;
}

/** Drafts by their key. They outlive tabs, reloads, sign-outs and crashes. */
const useDrafts = create<Record<string, Draft | undefined>>(() => load());

export function useDraft(app: string): Draft | undefined {
  const key = useDraftKey(app);
  return useDrafts((drafts) => (key === undefined ? undefined : drafts[key]));
}

/** Keeps a text; one that is as it was begun is not a draft. Without a key nothing is kept. */
export function keepDraft(key: string | undefined, text: string, base: Draft['base']): void {
  if (key === undefined) return;
  if (text === base.yaml) {
    dropDraft(key);
    return;
  }
  const draft = { text, base, at: new Date().toISOString() };
  useDrafts.setState({ [key]: draft });
  waiting.set(key, draft);
  timer ??= setTimeout(write, WRITE_AFTER);
}

/** After the text of a draft was saved: what was typed since then is a draft of what is stored now. */
export function savedDraft(key: string | undefined, text: string, base: Draft['base']): void {
  const draft = key === undefined ? undefined : useDrafts.getState()[key];
  if (draft !== undefined) keepDraft(key, draft.text === text ? base.yaml : draft.text, base);
}

export function dropDraft(key: string | undefined): void {
  if (key === undefined) return;
  waiting.delete(key);
  localStorage.removeItem(key);
  useDrafts.setState({ [key]: undefined });
}

const waiting = new Map<string, Draft>();
let timer: ReturnType<typeof setTimeout> | undefined;

function write(): void {
  clearTimeout(timer);
  timer = undefined;
  for (const [key, draft] of waiting) {
    try {
      localStorage.setItem(key, JSON.stringify(draft));
    } catch {
      // the browser's store is full or switched off: the draft lives as long as the page
    }
  }
  waiting.clear();
}

window.addEventListener('pagehide', write);
document.addEventListener('visibilitychange', write);

function load(): Record<string, Draft> {
  const drafts: Record<string, Draft> = {};
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(FORMER_PREFIX)) localStorage.removeItem(key);
    if (!key.startsWith(PREFIX)) continue;
    try {
      const draft = JSON.parse(localStorage.getItem(key) ?? '') as Draft;
      if (typeof draft.text === 'string' && typeof draft.base?.etag === 'string') drafts[key] = draft;
    } catch {
      localStorage.removeItem(key);
    }
  }
  return drafts;
}
