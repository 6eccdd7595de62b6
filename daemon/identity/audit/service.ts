import type { Background, Repeated } from '#daemon/platform/background.ts';
import { boundedCache } from '#daemon/platform/bounded-cache.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { DaemonEvent } from '#daemon/platform/events/bus.ts';
import type { Actor, AuditNote } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { isGlobal } from '#shared/access.ts';
import { readPeriod } from '#shared/instants.ts';
import type { AuditEntry, AuditQuery } from '#shared/schema/audit.ts';
import type { EventType } from '#shared/schema/events.ts';
import { summarize } from './redact.ts';
import type { AuditRepository, AuditRow, NewAuditRow } from './repository.ts';

const DAY_MS = 86_400_000;
const PRUNE_MS = 60_000;
const PRUNE_BATCH = 2000;
const MAX_ROWS = 250_000;
const QUIET_MS = 10_000;
const MAX_QUIET = 10_000;
/** Entries that wait in memory while the registry can't be written; beyond, the oldest are lost. */
const MAX_WAITING = 20_000;

/** An entry as the HTTP layer puts it together. */
export interface NewEntry extends AuditNote {
  action: string;
  outcome: AuditRow['outcome'];
  status: number | null;
  actor: Actor;
  actorIsGlobal?: boolean;
}

/**
 * What a service announces outside of any request (a job that ends, a file edited by hand) and belongs in the trail:
 * type of the event → action.
 */
const EVENT_ACTIONS: Readonly<Partial<Record<EventType, string>>> = {
  'app.created': 'app.create',
  'app.deleted': 'app.delete',
  'config.changed': 'config.write',
  'token.created': 'token.create',
  'node.joined': 'node.join',
  'node.removed': 'node.delete',
};

export interface AuditServiceDeps {
  repository: AuditRepository;
  tenantOf(app: string): string | undefined;
  /** 0 = no age limit. */
  retentionDays: number;
  background: Background;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  log: Log<'error'>;
  clock?: Clock;
}

/** Who changed what. Entries are written together at the end of the tick in which they are made. */
export class AuditTrail {
  readonly #deps: AuditServiceDeps;
  readonly #clock: Clock;
  readonly #queue: NewAuditRow[] = [];
  /** Requests under way and what services announced for them. */
  readonly #open = new Map<string, DaemonEvent[]>();
  readonly #quiet = boundedCache<string, number>(MAX_QUIET);
  #timer: Repeated | undefined;

  constructor(deps: AuditServiceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  start(): void {
    const { background } = this.#deps;
    const tidy = (): void => {
      this.#writeWaiting();
      this.#prune();
    };
    background.run('audit trail', tidy);
    this.#timer = background.every('audit trail', PRUNE_MS, tidy);
  }

  stop(): void {
    this.#timer?.stop();
    this.flush();
  }

  /** A request that may change something begins: events of services that carry its id belong to its entry. */
  begin(requestId: string): void {
    this.#open.set(requestId, []);
  }

  /** @returns what was announced for the request */
  end(requestId: string): readonly DaemonEvent[] {
    const events = this.#open.get(requestId) ?? [];
    this.#open.delete(requestId);
    return events;
  }

  /** Listens to the bus. */
  hear(event: DaemonEvent): void {
    const open = event.actor?.requestId === undefined ? undefined : this.#open.get(event.actor.requestId);
    if (open !== undefined) {
      if (open.length < 20) open.push(event);
      return;
    }
    const action = EVENT_ACTIONS[event.type];
    if (action === undefined) return;
    this.write({
      action,
      outcome: 'done',
      status: null,
      actor: event.actor ?? { id: 'system' },
      app: event.app,
      tenant: event.tenant,
      target: nameOf(event.data),
      after: event.data,
    });
  }

  write(entry: NewEntry): void {
    const { actor, app } = entry;
    if (entry.outcome === 'refused' && this.#isRepeated(entry)) return;
    this.#queue.push({
      ts: new Date(this.#clock.now()).toISOString(),
      action: entry.action,
      outcome: entry.outcome,
      status: entry.status,
      actor_kind: kindOf(actor.id),
      actor_id: actor.id,
      actor_label: actor.label ?? null,
      actor_is_global: entry.actorIsGlobal || actor.id === 'system' ? 1 : 0,
      tenant_id: entry.tenant ?? (app === undefined ? null : (this.#deps.tenantOf(app) ?? null)),
      app: app ?? null,
      target: entry.target?.slice(0, 200) ?? null,
      before_json: toJson(entry.before),
      after_json: toJson(entry.after),
      ip: actor.ip ?? null,
      request_id: actor.requestId ?? null,
    });
    if (this.#queue.length === 1) this.#deps.background.soon('audit entries', () => this.flush());
  }

  /** Writes what waits. Entries that can't be written now wait for the next try, and don't undo the change. */
  flush(): void {
    try {
      this.#writeWaiting();
    } catch (error) {
      this.#deps.background.failed('audit trail', error);
    }
  }

  #writeWaiting(): void {
    if (this.#queue.length === 0) return;
    try {
      this.#deps.repository.insertAll(this.#queue);
      this.#queue.length = 0;
    } catch (error) {
      const lost = this.#queue.splice(0, Math.max(0, this.#queue.length - MAX_WAITING));
      if (lost.length > 0)
        this.#deps.log.error(
          { entries: lost.length, actions: lost.map((row) => row.action) },
          'audit entries were lost',
        );
      throw error;
    }
    this.#deps.background.succeeded('audit trail');
  }

  /** The entries that the caller may see: all with global scope, otherwise those of the caller's team. */
  list(query: AuditQuery, principal: Principal): { data: AuditEntry[]; total: number; limit: number; offset: number } {
    this.flush();
    const { limit = 100, offset = 0, tenant, ...rest } = query;
    const { since, until } = readPeriod(query);
    const global = isGlobal(principal);
    const { rows, total } = this.#deps.repository.page(
      {
        ...rest,
        tenant: global ? tenant : (principal.tenantId ?? ''),
        since: since === undefined ? undefined : new Date(since).toISOString(),
        until: until === undefined ? undefined : new Date(until).toISOString(),
      },
      { limit, offset },
    );
    return { data: rows.map((row) => toEntry(row, global)), total, limit, offset };
  }

  /** The same refusal again and again is one entry in ten seconds. */
  #isRepeated({ actor, action, status }: NewEntry): boolean {
    const key = `${actor.id === 'anonymous' ? actor.ip : actor.id} ${action} ${status}`;
    const now = this.#clock.monotonic();
    if ((this.#quiet.get(key) ?? Number.NEGATIVE_INFINITY) > now) return true;
    this.#quiet.set(key, now + QUIET_MS);
    return false;
  }

  #prune(): void {
    const { repository, retentionDays } = this.#deps;
    const now = (this.#deps.retentionNow ?? (() => this.#clock.now()))();
    const before = retentionDays > 0 ? new Date(now - retentionDays * DAY_MS).toISOString() : null;
    repository.prune(before, MAX_ROWS, PRUNE_BATCH);
  }
}

const nameOf = (data: object): string | undefined => {
  const { name, id } = data as { name?: unknown; id?: unknown };
  const target = name ?? id;
  return typeof target === 'string' || typeof target === 'number' ? String(target) : undefined;
};

function kindOf(id: string): AuditRow['actor_kind'] {
  if (id === 'system' || id === 'anonymous') return id;
  if (id.startsWith('token:')) return 'token';
  return id.startsWith('node:') ? 'node' : 'user';
}

function toJson(value: object | null | undefined): string | null {
  const short = summarize(value);
  return short === null ? null : JSON.stringify(short);
}

function fromJson(text: string | null): Record<string, unknown> | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** A team is told who acted on its apps from outside, not from where. */
function toEntry(row: AuditRow, global: boolean): AuditEntry {
  return {
    id: row.id,
    ts: row.ts,
    action: row.action,
    outcome: row.outcome,
    status: row.status,
    actor: { kind: row.actor_kind, id: row.actor_id, label: row.actor_label },
    tenantId: row.tenant_id,
    app: row.app,
    target: row.target,
    before: fromJson(row.before_json),
    after: fromJson(row.after_json),
    ip: global || row.actor_is_global === 0 ? row.ip : null,
    requestId: row.request_id,
  };
}
