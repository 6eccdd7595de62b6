import { ModalsProvider, modals, useModals } from '@mantine/modals';
import type { ReactNode } from 'react';
import { useEscape, useOverlay } from '../layout/overlays.ts';

export interface Dialog {
  title: ReactNode;
  /** Width in pixels, or any CSS width; 480 by default. */
  size?: number | string;
  /** Made once; what changes while the dialog is open has to be read inside. */
  content: (close: () => void) => ReactNode;
}

/** Opens a dialog over the page. */
export function openDialog({ title, size = 480, content }: Dialog): void {
  // the item of a menu is gone when the dialog closes: its button gets the focus back
  const menu = document.activeElement?.closest('[role="menu"]');
  document.getElementById(menu?.getAttribute('aria-labelledby') ?? '')?.focus();
  const id: string = modals.open({ title, size, children: content(() => modals.close(id)) });
}

// above the side panel that a dialog is opened from
const LAYER = { zIndex: 300, closeOnEscape: false };

/** Shows the dialogs; once in the frame, inside everything that their content reads. */
export function DialogHost({ children }: { children: ReactNode }) {
  useEscape();
  return (
    <ModalsProvider modalProps={LAYER}>
      <OpenDialogs />
      {children}
    </ModalsProvider>
  );
}

function OpenDialogs() {
  const { modals: open, closeModal } = useModals();
  useOverlay(open.length > 0, () => closeModal(open.at(-1)?.id ?? ''));
  return null;
}
