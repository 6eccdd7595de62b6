import { useWindowEvent } from '@mantine/hooks';
import { useEffect, useEffectEvent } from 'react';

/** What covers the page, the topmost last. */
const overlays: { close: () => void }[] = [];

/** Esc closes this while nothing covers it. Mantine's own listeners are off: of two overlays, one key would close both. */
export function useOverlay(isOpen: boolean, onClose: () => void): void {
  const close = useEffectEvent(onClose);
  useEffect(() => {
    if (!isOpen) return;
    const overlay = { close };
    overlays.push(overlay);
    return () => void overlays.splice(overlays.indexOf(overlay), 1);
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
