import { create } from 'zustand';

export interface Crumb {
  label: string;
  to?: string;
}

/** Where one is, for the top bar. */
export const useCrumbs = create<{ trail: readonly Crumb[] }>(() => ({ trail: [] }));

export function setCrumbs(trail: readonly Crumb[]): void {
  useCrumbs.setState({ trail });
}
