import { stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { earliestBefore, recordedLength, recordedSince, STORED_BYTES } from '#daemon/platform/db/app/sums.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import type { VodStatus } from '#shared/schema/vods.ts';

/** What one app's database holds. */
export interface AppFootprint {
  app: string;
  /** app.db with its WAL and shared memory file. */
  dbBytes: number;
  vodBytes: number;
  /** Recorded in this month, UTC; what runs counts up to now. */
  recordedSecondsMonth: number;
  vods: Record<VodStatus, number>;
  activeStreams: number;
  /** Somebody published here, now or before. */
  wasLive: boolean;
}

interface Known {
  /** Of the files, and of the month that was counted. */
  signature: string;
  footprint: AppFootprint;
}

export interface AppScanOptions {
  /** Names of all apps. */
  names(): Iterable<string>;
  /** Path of an app's database. */
  file(app: string): string;
}

/**
 * Looks through the apps' databases. A database is opened only when its files changed since the last look, or while it
 * records; each is read in a separate step, so that a thousand apps never hold up a request. What cannot be read counts as empty.
 */
export class AppScan {
  readonly #options: AppScanOptions;
  #known = new Map<string, Known>();

  constructor(options: AppScanOptions) {
    this.#options = options;
  }

  async scan(): Promise<AppFootprint[]> {
    const next = new Map<string, Known>();
    const now = new Date().toISOString();
    const month = now.slice(0, 7);
    for (const app of [...this.#options.names()]) {
      const file = this.#options.file(app);
      const { bytes, signature: files } = await look(file);
      const signature = `${month} ${files}`;
      const before = this.#known.get(app);
      if (before?.signature === signature && !isRecording(before.footprint)) {
        next.set(app, { signature, footprint: { ...before.footprint, dbBytes: bytes } });
      } else {
        next.set(app, { signature, footprint: read(app, file, bytes, now) });
        await nextTurn();
      }
    }
    this.#known = next;
    return [...next.values()].map(({ footprint }) => footprint);
  }
}

const isRecording = ({ vods }: AppFootprint): boolean => vods.recording + vods.uploading > 0;

/** The signature leaves out the shared memory file: reading alone touches it. */
async function look(file: string): Promise<{ bytes: number; signature: string }> {
  const parts = await Promise.all(
    [file, `${file}-wal`, `${file}-shm`].map((name) => stat(name).catch(() => undefined)),
  );
  const bytes = parts.reduce((sum, part) => sum + (part?.size ?? 0), 0);
  const signature = parts
    .slice(0, 2)
    .map((part) => `${part?.size ?? 0}@${part?.mtimeMs ?? 0}#${part?.ino ?? 0}`)
    .join(' ');
  return { bytes, signature };
}

function read(app: string, file: string, dbBytes: number, now: string): AppFootprint {
  const footprint: AppFootprint = {
    app,
    dbBytes,
    vodBytes: 0,
    recordedSecondsMonth: 0,
    vods: { starting: 0, recording: 0, uploading: 0, ready: 0, failed: 0, cancelled: 0 },
    activeStreams: 0,
    wasLive: false,
  };
  if (dbBytes === 0) return footprint;
  let db: ReturnType<typeof openDatabase> | undefined;
  try {
    db = openDatabase(file, { readonly: true });
    const vods = db
      .prepare(`SELECT status, count(*) AS count, ${STORED_BYTES} AS bytes FROM vods GROUP BY status`)
      .all() as { status: VodStatus; count: number; bytes: number }[];
    for (const { status, count, bytes } of vods) {
      footprint.vods[status] = count;
      footprint.vodBytes += bytes;
    }
    footprint.recordedSecondsMonth = db
      .prepare(
        `SELECT ${recordedSince('@month', recordedLength('@now'))} FROM vods WHERE started_at >= ${earliestBefore('@month')}`,
      )
      .pluck()
      .get({ now, month: `${now.slice(0, 7)}-01T00:00:00.000Z` }) as number;
    footprint.activeStreams = db
      .prepare("SELECT count(*) FROM streams WHERE status = 'active'")
      .pluck()
      .get() as number;
    footprint.wasLive = db.prepare('SELECT EXISTS (SELECT 1 FROM streams)').pluck().get() === 1;
  } catch {
    // a broken database is the app's own trouble and shows there
  } finally {
    db?.close();
  }
  return footprint;
}
