import { create } from 'zustand';

/** A config text being worked on, with the version it was begun from. */
export interface Draft {
  text: string;
  base: { yaml: string; etag: string };
  /** When it was last changed. */
  at: string;
}

const PREFIX = 'streamhub.draft:';
const WRITE_AFTER = 250;

const keyOf = (connectionId: string, app: string): string => `${PREFIX}${connectionId}:${app}`;

/** Drafts by their key. They outlive tabs, reloads, sign-outs and crashes. */
const useDrafts = create<Record<string, Draft | undefined>>(() => load());

export const useDraft = (connectionId: string, app: string): Draft | undefined =>
  useDrafts((drafts) => drafts[keyOf(connectionId, app)]);

export function setDraft(connectionId: string, app: string, draft: Draft): void {
  const key = keyOf(connectionId, app);
  useDrafts.setState({ [key]: draft });
  waiting.set(key, draft);
  timer ??= setTimeout(write, WRITE_AFTER);
}

export function dropDraft(connectionId: string, app: string): void {
  const key = keyOf(connectionId, app);
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
