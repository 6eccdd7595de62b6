import { useWindowEvent } from '@mantine/hooks';
import { useEffect, useEffectEvent } from 'react';
import { focusCurrentRow } from './focus.ts';

/** What covers the page, the topmost last. */
const overlays: { close: () => void }[] = [];

/** Longer than any overlay takes to go, milliseconds. */
const GONE_MS = 200;

/**
 * Esc closes this while nothing covers it. Mantine's own listeners are off: of two overlays, one key would close both.
 * Mantine gives the focus back to what opened the overlay; if that was in a row that is gone by then, its table gets it.
 */
export function useOverlay(isOpen: boolean, onClose: () => void): void {
  const close = useEffectEvent(onClose);
  useEffect(() => {
    if (!isOpen) return;
    const overlay = { close };
    const table = document.activeElement?.closest('[role="grid"]');
    overlays.push(overlay);
    return () => {
      overlays.splice(overlays.indexOf(overlay), 1);
      setTimeout(() => focusCurrentRow(table), GONE_MS);
    };
  }, [isOpen]);
}

/** Listens for Esc; once in the frame. */
export function useEscape(): void {
  useWindowEvent(
    'keydown',
    (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      // a list that is open in a field closes first
      if ((event.target as Element).closest('[data-mantine-stop-propagation="true"]') === null)
        overlays.at(-1)?.close();
    },
    { capture: true },
  );
}
