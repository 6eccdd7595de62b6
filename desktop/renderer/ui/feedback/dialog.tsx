import { ModalsProvider, modals } from '@mantine/modals';
import type { ReactNode } from 'react';

export interface Dialog {
  title: ReactNode;
  /** Width in pixels, or any CSS width; 480 by default. */
  size?: number | string;
  /** Made once; what changes while the dialog is open has to be read inside. */
  content: (close: () => void) => ReactNode;
}

/** Opens a dialog over the page. */
export function openDialog({ title, size = 480, content }: Dialog): void {
  const id: string = modals.open({ title, size, children: content(() => modals.close(id)) });
}

// above the side panel that a dialog is opened from
const LAYER = { zIndex: 300 };

/** Shows the dialogs; once in the frame, inside everything that their content reads. */
export function DialogHost({ children }: { children: ReactNode }) {
  return <ModalsProvider modalProps={LAYER}>{children}</ModalsProvider>;
}
