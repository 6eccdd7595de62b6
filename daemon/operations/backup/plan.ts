import { Cron } from 'croner';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import { fieldError } from '#shared/errors.ts';
import { iso } from '#shared/instants.ts';
import type { BackupPlan } from '#shared/schema/backups.ts';

/** What operators choose, and what happened. Stored in the registry. */
export type StoredPlan = Pick<
  BackupPlan,
  'cron' | 'destination' | 'recordings' | 'logs' | 'keepLast' | 'keepDays' | 'monthlyTest' | 'lastTest'
> & {
  /** Since when the schedule applies: backups that were due before it are not missing. */
  since: string;
  /** When the schedule last began a backup; it may be deleted since. */
  begunAt: string | null;
  /** Why the backup that is due could not begin, in words. */
  refusal: string | null;
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
  begunAt: null,
  refusal: null,
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
  /** @returns whether a backup began */
  begin(plan: StoredPlan): Promise<boolean>;
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
    const from = Math.max(Date.parse(plan.begunAt ?? plan.since), Date.parse(plan.since));
    return cronOf(plan.cron).nextRun(new Date(from))?.getTime() ?? null;
  }

  /** The time at which a backup was due that is missing; undefined = none. */
  overdue(): number | undefined {
    const next = this.next();
    return next !== null && this.#deps.clock.now() - next > GRACE_MS ? next : undefined;
  }

  /** Begins what is due now. */
  async look(): Promise<void> {
    const { clock, test, tidy } = this.#deps;
    const now = clock.now();
    const plan = this.#withoutFuture(now);
    const next = this.next(plan);
    if (next !== null && next <= now) await this.#begin(plan, now);
    const wait = plan.lastTest?.ok === false ? TEST_AGAIN_MS : TEST_EVERY_MS;
    if (plan.monthlyTest && now - Date.parse(plan.lastTest?.at ?? plan.since) >= wait) test(plan);
    await tidy(plan);
  }

  async #begin(plan: StoredPlan, now: number): Promise<void> {
    const { background, begin } = this.#deps;
    let refusal: string | null = null;
    await background.run('scheduled backup', async () => {
      try {
        if (await begin(plan)) this.write({ ...this.read(), begunAt: iso(now) });
      } catch (error) {
        refusal = (error as Error).message;
        throw error;
      }
    });
    const noted = this.read();
    if (noted.refusal !== refusal) this.write({ ...noted, refusal });
  }

  /** The plan. What happened in the future was noted by a wrong clock, and would delay what is due until then. */
  #withoutFuture(now: number): StoredPlan {
    const plan = this.read();
    const { since, begunAt, lastTest } = plan;
    const times = [since, begunAt, lastTest?.at].map((at) => Date.parse(at ?? since));
    if (times.every((at) => at <= now)) return plan;
    const past = (at: string): string => iso(Math.min(Date.parse(at), now));
    const corrected: StoredPlan = {
      ...plan,
      since: past(since),
      begunAt: begunAt && past(begunAt),
      lastTest: lastTest && { ...lastTest, at: past(lastTest.at) },
    };
    this.write(corrected);
    return corrected;
  }
}
