import { useEffect, useState } from 'react';

const QUIET_MS = 180;

const waiting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Each newcomer puts it off for all: as long as a list scrolls, rows come and go. */
function wait(settle: () => void): () => void {
  waiting.add(settle);
  clearTimeout(timer);
  timer = setTimeout(() => {
    for (const one of waiting) one();
    waiting.clear();
  }, QUIET_MS);
  return () => void waiting.delete(settle);
}

/** True once the component is on the screen and no other came for a moment: rows that fly by while scrolling ask for nothing. */
export function useSettled(): boolean {
  const [isSettled, setSettled] = useState(false);
  useEffect(() => wait(() => setSettled(true)), []);
  return isSettled;
}
