import { Cron } from 'croner';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import { fieldError } from '#shared/errors.ts';
import type { BackupPlan } from '#shared/schema/backups.ts';

/** What operators choose, and what happened. Stored in the registry. */
export type StoredPlan = Pick<
  BackupPlan,
  'cron' | 'destination' | 'recordings' | 'logs' | 'keepLast' | 'keepDays' | 'monthlyTest' | 'lastTest'
> & {
  /** Since when the schedule applies: backups that were due before it are not missing. */
  since: string;
};

const KEY = 'backup.plan';
/** More often than the shortest interval of a cron text needs, so that a clock that was set is noticed. */
const LOOK_MS = 20_000;
const TEST_EVERY_MS = 30 * 86_400_000;
/** After a test that failed. */
const TEST_AGAIN_MS = 86_400_000;
/** So long after its time, a scheduled backup that isn't there is a problem. */
const GRACE_MS = 6 * 3_600_000;

const NONE: StoredPlan = {
  cron: null,
  destination: '',
  recordings: false,
  logs: true,
  keepLast: 7,
  keepDays: 30,
  monthlyTest: false,
  lastTest: null,
  since: '1970-01-01T00:00:00.000Z',
};

/** @throws ApiError that names `cron` */
export function cronOf(text: string): Cron {
  try {
    const cron = new Cron(text, { paused: true, timezone: 'UTC', mode: '5-part' });
    if (cron.nextRun() === null) throw new Error('it never comes');
    return cron;
  } catch (error) {
    throw fieldError('body.cron', `is not a time of a schedule: ${(error as Error).message}`);
  }
}

export interface SchedulerDeps {
  meta: Meta;
  clock: Clock;
  background: Background;
  /** When the newest scheduled backup was begun, milliseconds since 1970. */
  lastBegun(): number | undefined;
  begin(plan: StoredPlan): void;
  test(plan: StoredPlan): void;
  tidy(plan: StoredPlan): void | Promise<void>;
}

/** Begins scheduled backups and tests. What is due is decided from the clock, so a stopped daemon makes up for the last one. */
export class BackupScheduler {
  readonly #deps: SchedulerDeps;
  #stop = async (): Promise<void> => {};

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#stop = this.#deps.background.every('scheduled backups', LOOK_MS, () => this.look()).stop;
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  read(): StoredPlan {
    const text = this.#deps.meta.get(KEY);
    return text === undefined ? NONE : { ...NONE, ...(JSON.parse(text) as Partial<StoredPlan>) };
  }

  write(plan: StoredPlan): void {
    this.#deps.meta.set(KEY, JSON.stringify(plan));
  }

  /** Time of the next scheduled backup, milliseconds since 1970. */
  next(plan = this.read()): number | null {
    if (plan.cron === null) return null;
    const from = Math.max(this.#deps.lastBegun() ?? 0, Date.parse(plan.since));
    return cronOf(plan.cron).nextRun(new Date(from))?.getTime() ?? null;
  }

  /** The time at which a backup was due that is missing; undefined = none. */
  overdue(): number | undefined {
    const next = this.next();
    return next !== null && this.#deps.clock.now() - next > GRACE_MS ? next : undefined;
  }

  /** Begins what is due now. */
  async look(): Promise<void> {
    const { clock, begin, test, tidy } = this.#deps;
    const plan = this.read();
    const now = clock.now();
    const next = this.next(plan);
    if (next !== null && next <= now) begin(plan);
    const wait = plan.lastTest?.ok === false ? TEST_AGAIN_MS : TEST_EVERY_MS;
    if (plan.monthlyTest && now - Date.parse(plan.lastTest?.at ?? plan.since) >= wait) test(plan);
    await tidy(plan);
  }
}
