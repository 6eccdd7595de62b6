import type { ConnectionState } from '#shared/ipc/connections.ts';
import type { Preferences, ShellCommand } from '#shared/ipc/desktop.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { type JudgedNode, nodeSentence, nodeState, nodesInNeedWords } from '#shared/rules/nodes.ts';
import type { EventType } from '#shared/schema/events.ts';

/** A notification of the system, and where a click on it leads. */
export interface Notice {
  title: string;
  body: string;
  command: ShellCommand;
}

export interface NoticesOptions {
  show(notice: Notice): void;
  preferences(): Preferences;
  nameOf(connectionId: string): string;
  now?: () => number;
  gatherMs?: number;
  awayMs?: number;
}

type Kind = 'node' | 'job';

interface Gathered {
  connectionId: string;
  kind: Kind;
  lines: string[];
  /** What the first line is about. */
  id: unknown;
}

/** The same thing is not said again within this time, unless it was well in between. */
const AGAIN_MS = 3_600_000;
const GATHER_MS = 1500;
/** A connection that is back by then was never worth a word. */
const AWAY_MS = 30_000;

/** Decides what deserves a notification: a node with a problem, a failed job, an unreachable daemon. Each once. */
export class Notices {
  readonly #options: Required<NoticesOptions>;
  readonly #said = new Map<string, number>();
  readonly #gathered = new Map<string, Gathered>();
  readonly #away = new Map<string, NodeJS.Timeout>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NoticesOptions) {
    this.#options = { now: Date.now, gatherMs: GATHER_MS, awayMs: AWAY_MS, ...options };
  }

  onEvents(connectionId: string, events: readonly StreamEvent[]): void {
    for (const event of events) this.#onEvent(connectionId, event);
  }

  onState(connectionId: string, { status, error }: ConnectionState): void {
    const isAway = status === 'offline' || status === 'untrusted' || status === 'unusable';
    if (!isAway) {
      clearTimeout(this.#away.get(connectionId));
      this.#away.delete(connectionId);
      if (status === 'online') this.#said.delete(`${connectionId} connection`);
      return;
    }
    if (this.#away.has(connectionId)) return;
    const timer = setTimeout(() => {
      if (!this.#options.preferences().notifyConnectionLost || !this.#isNew(`${connectionId} connection`)) return;
      this.#options.show({
        title: `${this.#options.nameOf(connectionId)} cannot be reached`,
        body: error?.message ?? 'It isn’t responding.',
        command: { kind: 'navigate', path: '/', connectionId },
      });
    }, this.#options.awayMs);
    this.#away.set(connectionId, timer.unref());
  }

  forget(connectionId: string): void {
    clearTimeout(this.#away.get(connectionId));
    this.#away.delete(connectionId);
    for (const key of this.#said.keys()) if (key.startsWith(`${connectionId} `)) this.#said.delete(key);
    for (const [key, { connectionId: id }] of this.#gathered) if (id === connectionId) this.#gathered.delete(key);
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const timer of this.#away.values()) clearTimeout(timer);
    this.#away.clear();
  }

  #onEvent(connectionId: string, { type, data }: StreamEvent): void {
    const fields = ((data as { data?: unknown } | null)?.data ?? {}) as Record<string, unknown>;
    const { id } = fields;
    const preferences = this.#options.preferences();
    // a newer daemon may send types that are not known here: they match no case
    switch (type as EventType) {
      case 'node.stale':
      case 'node.down':
      case 'node.alive':
      case 'node.joined':
      case 'node.updated': {
        if (typeof fields['health'] !== 'string') return;
        const { name, ...node } = fields as unknown as JudgedNode & { name: unknown };
        const state = nodeState(node);
        if (state.urgency === null) this.#said.delete(`${connectionId} node ${id}`);
        else if (preferences.notifyNodeLost && this.#isNew(`${connectionId} node ${id}`))
          this.#gather(connectionId, 'node', `${nodeSentence(String(name), state)}.`, id);
        return;
      }
      case 'node.removed':
        this.#said.delete(`${connectionId} node ${id}`);
        return;
      case 'job.failed': {
        const job = (fields['job'] ?? fields) as {
          id?: unknown;
          title?: unknown;
          error?: { message?: unknown } | null;
        };
        if (!preferences.notifyJobFailed || !this.#isNew(`${connectionId} job ${job.id}`)) return;
        const why = typeof job.error?.message === 'string' ? ` ${job.error.message}` : '';
        this.#gather(connectionId, 'job', `${job.title ?? `Job ${job.id}`}:${why || ' it failed.'}`, job.id);
      }
    }
  }

  /** A rack that loses power is one piece of news, not forty. */
  #gather(connectionId: string, kind: Kind, line: string, id: unknown): void {
    const key = `${connectionId} ${kind}`;
    const gathered = this.#gathered.get(key) ?? { connectionId, kind, lines: [], id };
    gathered.lines.push(line);
    this.#gathered.set(key, gathered);
    this.#timer ??= setTimeout(() => this.#show(), this.#options.gatherMs);
  }

  #show(): void {
    this.#timer = undefined;
    for (const { connectionId, kind, lines, id } of this.#gathered.values()) {
      const where = this.#options.nameOf(connectionId);
      const count = lines.length;
      const what = kind === 'node' ? nodesInNeedWords(count) : `${count === 1 ? 'job' : `${count} jobs`} failed`;
      const page = kind === 'node' ? '/cluster' : '/jobs';
      const path = count === 1 ? `${page}?${kind}=${encodeURIComponent(String(id))}` : page;
      this.#options.show({
        title: `${where}: ${what}`,
        body: lines.slice(0, 3).join('\n') + (count > 3 ? `\nand ${count - 3} more` : ''),
        command: { kind: 'navigate', path, connectionId },
      });
    }
    this.#gathered.clear();
  }

  #isNew(key: string): boolean {
    const now = this.#options.now();
    const last = this.#said.get(key);
    if (last !== undefined && now - last < AGAIN_MS) return false;
    this.#said.set(key, now);
    return true;
  }
}
