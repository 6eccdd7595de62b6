import { type Static, Type } from 'typebox';
import { object } from '#shared/schema/common.ts';

export const SavedWindow = object({
  x: Type.Integer(),
  y: Type.Integer(),
  width: Type.Integer({ minimum: 1 }),
  height: Type.Integer({ minimum: 1 }),
  isMaximized: Type.Boolean(),
  isFullScreen: Type.Boolean(),
});
export type SavedWindow = Static<typeof SavedWindow>;

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const MINIMUM = { width: 720, height: 480 };
const DEFAULT = { width: 1280, height: 800 };
/** Pixels of the title bar that must be on a screen for the window to be found and moved. */
const GRIP = { width: 120, height: 40 };

/** Where the window opens: where it was, unless that screen is gone; never larger than its screen. */
export function boundsFor(
  saved: SavedWindow | null,
  screens: readonly Rectangle[],
): Partial<Rectangle> & { width: number; height: number } {
  const first = screens[0];
  const fit = (screen: Rectangle | undefined, size: { width: number; height: number }) => ({
    width: Math.max(Math.min(size.width, screen?.width ?? size.width), MINIMUM.width),
    height: Math.max(Math.min(size.height, screen?.height ?? size.height), MINIMUM.height),
  });
  if (saved === null) return fit(first, DEFAULT);
  const home = screens.find((screen) => {
    const across = Math.min(saved.x + saved.width, screen.x + screen.width) - Math.max(saved.x, screen.x);
    const isTitleVisible = saved.y >= screen.y - 8 && saved.y + GRIP.height <= screen.y + screen.height;
    return across >= GRIP.width && isTitleVisible;
  });
  if (home === undefined) return fit(first, saved);
  return { x: saved.x, y: saved.y, ...fit(home, saved) };
}
