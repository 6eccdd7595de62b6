import type { ComponentType } from 'react';
import type { Input } from '#shared/client/input.ts';
import type { Opened } from '#shared/client/opened.ts';
import type { Operation, ResultOf } from '#shared/contract/operation.ts';
import type { LiveUpdates } from '../api/live-updates.ts';
import type { Command } from '../ui/palette/palette-store.ts';

/**
 * What a feature adds to the console. Each feature has one in its folder, and `app/features.ts` lists them: router,
 * sidebar, keyboard, palette and live updates derive from that list.
 */
export interface Feature {
  /** Pages of one daemon. */
  pages?: readonly Screen[];
  /** Pages about all daemons or about the app itself; only on a desktop. */
  desktopPages?: readonly Screen[];
  /** Pages that a link opens before anyone is signed in; only in a browser. */
  linkPages?: readonly Screen[];
  /** Entry in the sidebar. */
  section?: Section;
  /** Entries of the palette beside the section, from what is already cached. */
  palette?: (context: PaletteContext) => readonly Command[];
  live?: LiveUpdates;
}

/** A page whose code is loaded when it is first opened. */
export interface Screen {
  /** Below the daemon's own prefix; parameters as `$name`. */
  path: string;
  load: () => Promise<{ default: ComponentType }>;
}

export const screen = <K extends string>(
  path: string,
  load: () => Promise<Record<K, ComponentType>>,
  name: K,
): Screen => ({ path, load: async () => ({ default: (await load())[name] }) });

export interface Section {
  id: string;
  label: string;
  path: string;
  /** Second key after `g`. */
  key: string;
  Icon: ComponentType<{ size?: number | string; stroke?: number }>;
  /** A line separates the groups. */
  group: 'work' | 'server' | 'people';
  count?: Counter;
}

export interface SectionCount {
  count?: string;
  alert?: { count: number; title: string };
}

/** What a section counts: a read, and the numbers in its answer. Shown only to those who may read it. */
export interface Counter {
  op: Operation;
  input?: object | undefined;
  of: (data: unknown) => SectionCount;
}

export const counter = <O extends Operation>(
  op: O,
  of: (data: Opened<ResultOf<O>>) => SectionCount,
  input?: Input<O>,
): Counter => ({ op, input: input as object | undefined, of: of as Counter['of'] });

export interface PaletteContext {
  /** Moves to a page of the daemon at hand. */
  go: (path: string, search?: Record<string, string>) => void;
  /** The answer of a read that is already cached. */
  known: <O extends Operation>(op: O) => Opened<ResultOf<O>> | undefined;
}
