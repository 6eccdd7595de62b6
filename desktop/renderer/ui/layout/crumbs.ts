import { create } from 'zustand';
import type { Crumb } from './page.tsx';

/** Where one is, for the top bar. */
export const useCrumbs = create<{ trail: readonly Crumb[] }>(() => ({ trail: [] }));

export function setCrumbs(trail: readonly Crumb[]): void {
  useCrumbs.setState({ trail });
}
