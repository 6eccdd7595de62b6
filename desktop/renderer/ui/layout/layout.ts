import { create } from 'zustand';
import { persist } from 'zustand/middleware';

export interface Sort {
  column: string;
  isDescending: boolean;
}

interface Layout {
  /** Second column shown as icons although there is room. */
  isFolded: boolean;
  /** Sort order of each table, by the table's name. */
  sorts: Record<string, Sort | undefined>;
  /** Widths and switches of panes, by name. */
  panes: Record<string, number | boolean | undefined>;
  /** Pages opened lately, newest first, for the palette. */
  recent: string[];
}

/** How the person has arranged things; kept in this browser or window. */
export const useLayout = create<Layout>()(
  persist((): Layout => ({ isFolded: false, sorts: {}, panes: {}, recent: [] }), {
    name: 'streamhub.layout',
    version: 1,
  }),
);

export const setSort = (table: string, sort: Sort): void => {
  useLayout.setState(({ sorts }) => ({ sorts: { ...sorts, [table]: sort } }));
};
export const setPane = (pane: string, value: number | boolean): void => {
  useLayout.setState(({ panes }) => ({ panes: { ...panes, [pane]: value } }));
};
