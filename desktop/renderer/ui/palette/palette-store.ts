import { create } from 'zustand';

interface PaletteState {
  isOpen: boolean;
  /** Set once it was opened: its code is loaded then. */
  wasOpened: boolean;
}

export const usePalette = create<PaletteState>(() => ({ isOpen: false, wasOpened: false }));

export const openPalette = (): void => usePalette.setState({ isOpen: true, wasOpened: true });
export const closePalette = (): void => usePalette.setState({ isOpen: false });

/** Something that the palette offers while a page shows it. */
export interface Command {
  id: string;
  label: string;
  group: string;
  hint?: string;
  /** Keys that do the same; not told where there is no keyboard. */
  keys?: string;
  keywords?: string;
  run: () => void;
}

const useCommands = create<{ byPage: Record<string, readonly Command[]> }>(() => ({ byPage: {} }));

/** Commands of the pages that are open, in one list. */
export const pageCommands = (): readonly Command[] => Object.values(useCommands.getState().byPage).flat();

export function setPageCommands(page: string, commands: readonly Command[]): void {
  useCommands.setState(({ byPage }) => ({ byPage: { ...byPage, [page]: commands } }));
}
