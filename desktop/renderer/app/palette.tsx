import { lazy, Suspense } from 'react';
import { usePalette } from '../ui/palette/palette-store.ts';

const PaletteDialog = lazy(() => import('./palette-dialog.tsx'));

/** The command palette, loaded when it is first opened. */
export function Palette() {
  const wasOpened = usePalette((state) => state.wasOpened);
  return wasOpened ? (
    <Suspense>
      <PaletteDialog />
    </Suspense>
  ) : null;
}
