import { stat, statfs } from 'node:fs/promises';
import { CapacityMeter } from '#daemon/platform/host-capacity.ts';
import { Snapshot } from '#daemon/platform/snapshot.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { type Caller, type VisibleApps, visibleApps } from '#shared/access.ts';
import type { AppFigures, ServerStats } from '#shared/schema/stats.ts';
import { VOD_STATUSES } from '#shared/schema/vods.ts';
import type { AppFootprint, AppScan } from './app-scan.ts';
import type { LiveKitProbe, LiveKitSnapshot } from './livekit-probe.ts';

export interface StatsServiceOptions {
  /** Folder whose file system is told. */
  dataDir: string;
  /** The registry database. */
  registryFile: string;
  /** The apps that a caller may see. */
  visible(apps: VisibleApps): readonly { id: number; name: string }[];
  /** The app that a room belongs to. */
  appOf(room: string): { id: number } | undefined;
  uptimeSeconds(): number;
  livekit: LiveKitProbe;
  scan: AppScan;
}

/** An overview of the server. Expensive values come from short-lived snapshots, so frequent requests cost little. */
export class StatsService {
  readonly #capacity = new CapacityMeter();
  readonly #options: StatsServiceOptions;
  readonly #footprints: Snapshot<AppFootprint[]>;
  readonly #files: Snapshot<{ disk: ServerStats['disk']; registryBytes: number }>;
  readonly #stats: Snapshot<ServerStats>;

  constructor(options: StatsServiceOptions) {
    this.#options = options;
    this.#footprints = new Snapshot({ load: () => options.scan.scan(), freshMs: 2000, staleMs: 10_000 });
    this.#files = new Snapshot({ load: () => this.#lookAtFiles(), freshMs: 2000, staleMs: 10_000 });
    this.#stats = new Snapshot({ load: () => this.#gather(), freshMs: 500, staleMs: 2000 });
  }

  /** Of the whole installation. At most about a second old. */
  stats(): ServerStats | Promise<ServerStats> {
    return this.#stats.get();
  }

  /** The same, with the counts of the apps that the caller may see. An app token sees no values of the machine. */
  statsFor(caller: Caller): ServerStats | Promise<ServerStats> {
    const apps = visibleApps(caller);
    return apps.kind === 'all' ? this.stats() : this.#limited(apps, caller.scope === 'app');
  }

  async #limited(apps: VisibleApps, hidesHost: boolean): Promise<ServerStats> {
    const own = this.#options.visible(apps);
    const [ids, names] = [new Set(own.map(({ id }) => id)), new Set(own.map(({ name }) => name))];
    const counts = (room: string): boolean => ids.has(this.#options.appOf(room)?.id ?? 0);
    const [stats, live, footprints] = await Promise.all([
      this.stats(),
      this.#options.livekit.snapshot(counts),
      this.#footprints.get(),
    ]);
    const hidden = { totalBytes: 0, freeBytes: 0, usedBytes: 0 };
    const registryBytes = hidesHost ? 0 : stats.storage.dbSizeBytes;
    return {
      ...stats,
      ...figuresOf(
        live,
        own.length,
        footprints.filter(({ app }) => names.has(app)),
        registryBytes,
      ),
      ...(hidesHost ? { host: false, cpu: { loadAvg: [0, 0, 0], cores: 0 }, memory: hidden, disk: null } : {}),
    };
  }

  /** What the apps' databases hold. */
  footprints(): AppFootprint[] | Promise<AppFootprint[]> {
    return this.#footprints.get();
  }

  /** The same by app, in the order of the names; an app that was made a moment ago holds nothing yet. */
  async figuresOf(names: readonly string[]): Promise<AppFigures[]> {
    const known = new Map((await this.#footprints.get()).map((footprint) => [footprint.app, footprint]));
    return names.map((name) => {
      const footprint = known.get(name);
      return {
        name,
        activeStreams: footprint?.activeStreams ?? 0,
        wasLive: footprint?.wasLive ?? false,
        vodCount: footprint ? sum(VOD_STATUSES, (status) => footprint.vods[status]) : 0,
        vodFailed: footprint?.vods.failed ?? 0,
        vodBytes: footprint?.vodBytes ?? 0,
        dbBytes: footprint?.dbBytes ?? 0,
      };
    });
  }

  async disk(): Promise<ServerStats['disk']> {
    return (await this.#files.get()).disk;
  }

  async registryBytes(): Promise<number> {
    return (await this.#files.get()).registryBytes;
  }

  /** Streams, recordings or apps changed: the next answer shows it. */
  expire(): void {
    this.#footprints.expire();
    this.#stats.expire();
  }

  async #gather(): Promise<ServerStats> {
    const { livekit, visible, uptimeSeconds } = this.#options;
    const [live, footprints, files] = await Promise.all([
      livekit.snapshot(),
      this.#footprints.get(),
      this.#files.get(),
    ]);
    const { cores, memTotal: totalBytes, memFree: freeBytes, loadavg } = this.#capacity.read();
    return {
      ts: new Date().toISOString(),
      uptimeSeconds: uptimeSeconds(),
      version: VERSION,
      cpu: { loadAvg: loadavg, cores },
      memory: { totalBytes, freeBytes, usedBytes: totalBytes - freeBytes },
      disk: files.disk,
      ...figuresOf(live, visible({ kind: 'all' }).length, footprints, files.registryBytes),
    };
  }

  async #lookAtFiles(): Promise<{ disk: ServerStats['disk']; registryBytes: number }> {
    const { dataDir, registryFile } = this.#options;
    const sizes = await Promise.all(
      ['', '-wal', '-shm'].map((suffix) =>
        stat(registryFile + suffix).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    const disk = await statfs(dataDir).then(
      ({ bsize, blocks, bfree, bavail }) => ({
        totalBytes: blocks * bsize,
        freeBytes: bavail * bsize,
        usedBytes: (blocks - bfree) * bsize,
      }),
      () => null,
    );
    return { disk, registryBytes: sum(sizes, (size) => size) };
  }
}

function figuresOf(
  live: LiveKitSnapshot,
  apps: number,
  footprints: readonly AppFootprint[],
  registryBytes: number,
): Pick<ServerStats, 'livekitReachable' | 'counts' | 'egress' | 'ingress' | 'storage'> {
  const appsDbSizeBytes = sum(footprints, ({ dbBytes }) => dbBytes);
  return {
    livekitReachable: live.reachable,
    counts: {
      apps,
      rooms: live.rooms,
      activeStreams: sum(footprints, ({ activeStreams }) => activeStreams),
    },
    egress: live.egress,
    ingress: live.ingress,
    storage: {
      dbSizeBytes: registryBytes,
      appsDbSizeBytes,
      totalDbSizeBytes: registryBytes + appsDbSizeBytes,
      vodTotalBytes: sum(footprints, ({ vodBytes }) => vodBytes),
      vodCount: sum(footprints, ({ vods }) => sum(VOD_STATUSES, (status) => vods[status])),
      vodFailed: sum(footprints, ({ vods }) => vods.failed),
    },
  };
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
