import type { ConnectionState, Snapshot } from '#shared/ipc/connections.ts';
import type { JsonFile } from '../files/json-file.ts';
import { type Memory, memoriesFile } from './records.ts';

const NOTHING: Memory = { lastSeenAt: null, version: null, snapshot: null };
const WRITE_MS = 30_000;

/** The last known state of the daemons, kept over restarts of the app. It can be lost without harm. */
export class SnapshotStore {
  readonly #file: JsonFile<Record<string, Memory>>;
  #all: Record<string, Memory> = {};
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.#file = memoriesFile(folder);
  }

  async load(known: ReadonlySet<string>): Promise<void> {
    const { value } = await this.#file.read();
    this.#all = Object.fromEntries(Object.entries(value).filter(([id]) => known.has(id)));
  }

  get(id: string): Memory {
    return this.#all[id] ?? NOTHING;
  }

  sawState(id: string, { lastSeenAt, version }: ConnectionState): void {
    if (lastSeenAt === null || this.get(id).lastSeenAt === lastSeenAt) return;
    this.#put(id, { lastSeenAt, version });
  }

  sawNumbers(id: string, snapshot: Snapshot): void {
    this.#put(id, { snapshot });
  }

  forget(id: string): void {
    delete this.#all[id];
    this.#soon();
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#file.write(this.#all).catch(() => {});
  }

  #put(id: string, part: Partial<Memory>): void {
    this.#all[id] = { ...this.get(id), ...part };
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_MS).unref();
  }
}
