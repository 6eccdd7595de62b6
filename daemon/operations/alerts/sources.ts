import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { NodeEntry } from '#daemon/cluster/node.ts';
import type { ClockDifference } from '#daemon/media/livekit/clock-difference.ts';
import type { LiveKitState } from '#daemon/media/livekit/state.ts';
import type { JobRow } from '#daemon/platform/jobs/repository.ts';
import { bytes, plural } from '#shared/format.ts';
import type { ConditionId } from '#shared/rules/conditions.ts';
import { type JudgedNode, type NodeCode, nodeSentence, nodeState } from '#shared/rules/nodes.ts';
import { NODE_LEAST_PARTICIPANTS, nodeQualityWords } from '#shared/rules/quality.ts';
import type { AppRecord } from '#shared/schema/apps.ts';
import { ORIGIN } from '#shared/schema/cluster.ts';
import type { InstallationWarning } from '#shared/schema/settings.ts';
import type { ReadyCheck, ServerStats } from '#shared/schema/stats.ts';
import { METRICS, type Quotas, type TenantUsage } from '#shared/schema/teams.ts';
import type { Fact, FactSource } from './facts.ts';

/** What the daemon knows already, from all wings. */
export interface SourceDeps {
  livekit: { state(): LiveKitState; url(): string; clockDifference(): ClockDifference | null };
  /** Why Redis isn't reachable; null = it is; undefined = none is configured. */
  redis(): Promise<string | null | undefined>;
  checks(): Promise<readonly ReadyCheck[]>;
  stats(): ServerStats | Promise<ServerStats>;
  nodes: {
    all(): Iterable<NodeEntry>;
    judge(node: NodeEntry): JudgedNode;
    isFresh(node: NodeEntry): boolean;
    /** Every node had the time to report since the start. */
    isSettled(): boolean;
  };
  apps: { entries(): Iterable<AppEntry>; get(name: string): AppEntry | undefined; record(app: AppEntry): AppRecord };
  /** Why callbacks of an app are not delivered; null = they are. */
  callbackFailure(app: string): string | null;
  /** The config of every app was read since the start. */
  hasReadConfigs(): boolean;
  storageTroubles(): Promise<{ app: string; reason: string }[]>;
  jobs(): readonly JobRow[];
  plugins(): readonly { id: string; title: string; state: string; reason: string | null }[];
  warnings(): readonly InstallationWarning[];
  /** What is wrong with backups, as a sentence. */
  backupTrouble(): string | undefined;
  guard: { readonly recentBans: number; readonly recentOffences: number };
  teams(): readonly { id: string; name: string | null }[];
  quotas(team: string): Quotas;
  usage(team: string): Promise<TenantUsage['usage']>;
  /** Addresses whose certificate is looked at, by what people call them. */
  addresses(): Readonly<Record<string, string>>;
  certificateEnd(url: string): Promise<number | undefined>;
  /** When the certificate of the daemon's own listener ends; undefined = it has none. */
  ownCertificateEnd(): number | undefined;
  channels(): readonly {
    id: number;
    name: string;
    enabled: boolean;
    failingSince: string | null;
    lastError: string | null;
  }[];
  now(): number;
}

const DAY_MS = 86_400_000;
/** A job that failed so often in a row is worth a word although it is tried again. */
const WORRYING_ATTEMPTS = 3;
/** Nodes and apps that are looked at before other work gets its turn. */
const SLICE = 250;
const INSTALLATION = { subject: 'daemon', name: 'the daemon' };

const NODE_CONDITIONS: Readonly<Partial<Record<NodeCode, ConditionId>>> = {
  never: 'node-away',
  stale: 'node-away',
  down: 'node-away',
  'livekit-failed': 'node-livekit-failed',
  'old-keys': 'node-old-keys',
  duplicated: 'node-duplicated',
};
const APP_CONDITIONS: Readonly<Record<string, ConditionId>> = {
  CONFIG_INVALID: 'config-invalid',
  FILES_UNUSABLE: 'app-files-unusable',
  ROOM_PREFIX_OVERLAPS: 'room-prefix-overlaps',
  STORAGE_PROVIDER_MISSING: 'storage-provider-missing',
  MQTT_AWAY: 'mqtt-away',
  LATENCY_HIGH: 'latency-high',
};

/** Reads facts of all conditions, but for what happens rather than lasts. A new figure of nodes is one more `push` in `nodeFacts`. */
export function factSources(deps: SourceDeps): FactSource[] {
  const { now } = deps;
  return [
    { name: 'LiveKit', conditions: ['livekit-away'], read: () => liveKitFacts(deps.livekit) },
    {
      name: 'Redis',
      conditions: ['redis-away'],
      everySeconds: 30,
      async read() {
        const reason = await deps.redis();
        return typeof reason === 'string'
          ? [{ condition: 'redis-away', ...INSTALLATION, name: 'Redis', text: `Redis isn’t responding: ${reason}` }]
          : [];
      },
    },
    {
      name: 'checks of /ready',
      conditions: ['not-ready'],
      everySeconds: 5,
      async read() {
        const wrong = (await deps.checks()).filter(({ ok }) => !ok);
        if (wrong.length === 0) return [];
        const reasons = wrong
          .map(({ name, detail }) => (detail === undefined ? name : `${name}: ${detail}`))
          .join('; ');
        const text = `The daemon is not ready, so changes can fail. ${reasons}`;
        return [{ condition: 'not-ready', ...INSTALLATION, text }];
      },
    },
    {
      name: 'figures of the machine',
      conditions: ['disk-low', 'memory-low'],
      everySeconds: 15,
      async read() {
        return [...machineFacts(await deps.stats()), ...(await nodeLoadFacts(deps.nodes))];
      },
    },
    {
      name: 'nodes',
      conditions: ['node-away', 'node-livekit-failed', 'node-old-keys', 'node-duplicated', 'node-slow', 'node-quality'],
      read: () => nodeFacts(deps.nodes),
      isSettled: () => deps.nodes.isSettled(),
    },
    {
      name: 'apps',
      conditions: [
        'config-invalid',
        'app-files-unusable',
        'room-prefix-overlaps',
        'storage-provider-missing',
        'latency-high',
      ],
      // configs are read one after the other after the start
      isSettled: () => deps.hasReadConfigs(),
      read: () => appFacts(deps.apps, (condition) => condition !== 'mqtt-away'),
    },
    {
      name: 'MQTT brokers',
      conditions: ['mqtt-away'],
      // a connection is only opened some time after the start
      settleSeconds: 60,
      read: () => appFacts(deps.apps, (condition) => condition === 'mqtt-away'),
    },
    {
      name: 'callbacks',
      conditions: ['callbacks-away'],
      settleSeconds: 60,
      async read() {
        const facts: Fact[] = [];
        for (const [index, app] of [...deps.apps.entries()].entries()) {
          const error = deps.callbackFailure(app.name);
          const text = `Callbacks of ${app.name} are not delivered: ${error}`;
          if (error !== null) facts.push({ condition: 'callbacks-away', ...ofApp(app), text });
          if (index % SLICE === SLICE - 1) await nextTurn();
        }
        return facts;
      },
    },
    {
      name: 'storages',
      conditions: ['storage-away'],
      // whether it works again is known at its next use
      settleSeconds: 600,
      async read() {
        return (await deps.storageTroubles()).flatMap(({ app: name, reason }): Fact[] => {
          const app = deps.apps.get(name);
          const text = `The storage of ${name} can’t be used: ${reason}`;
          return app === undefined ? [] : [{ condition: 'storage-away', ...ofApp(app), text }];
        });
      },
    },
    {
      name: 'jobs',
      conditions: ['job-failed'],
      read: () => deps.jobs().flatMap((job) => jobFact(job, deps.apps, now())),
    },
    {
      name: 'plugins',
      conditions: ['plugin-failed'],
      read: () =>
        deps.plugins().map(({ id, title, state, reason }): Fact => {
          const what = state === 'failed' ? 'failed' : 'is quarantined';
          const text = `Plugin ${title} ${what}${reason ? `: ${reason}` : ''}`;
          return { condition: 'plugin-failed', subject: id, name: title, text };
        }),
    },
    {
      name: 'warnings',
      conditions: ['installation-warning'],
      read: () =>
        deps.warnings().map(
          ({ code, subject, message }): Fact => ({
            condition: 'installation-warning',
            subject: `${code} ${subject}`,
            name: subject,
            text: message,
          }),
        ),
    },
    {
      name: 'backups',
      conditions: ['backup-missing'],
      read() {
        const text = deps.backupTrouble();
        return text === undefined ? [] : [{ condition: 'backup-missing', ...INSTALLATION, text }];
      },
    },
    {
      name: 'bans and refused sign-ins',
      conditions: ['addresses-banned', 'sign-ins-failed'],
      read() {
        const { recentBans, recentOffences } = deps.guard;
        const bans = `${plural(recentBans, 'address', 'addresses')} were banned within an hour`;
        const offences = `${plural(recentOffences, 'request')} with a wrong credential within ten minutes`;
        return [
          { condition: 'addresses-banned', ...INSTALLATION, text: bans, value: recentBans },
          { condition: 'sign-ins-failed', ...INSTALLATION, text: offences, value: recentOffences },
        ];
      },
    },
    {
      name: 'clocks',
      conditions: ['clocks-apart'],
      read() {
        const difference = deps.livekit.clockDifference();
        if (difference === null) return undefined;
        const seconds = Math.round(difference.ms / 1000);
        const text = `LiveKit’s clock is ${plural(Math.abs(seconds), 'second')} ${seconds > 0 ? 'ahead of' : 'behind'} the daemon’s`;
        return [{ condition: 'clocks-apart', subject: 'livekit', name: 'LiveKit', text, value: Math.abs(seconds) }];
      },
    },
    { name: 'quotas', conditions: ['quota-ending'], everySeconds: 600, read: () => quotaFacts(deps) },
    {
      name: 'certificates',
      conditions: ['certificate-ending'],
      everySeconds: 21_600,
      read: () => certificateFacts(deps),
    },
    {
      name: 'own certificate',
      conditions: ['certificate-ending'],
      read() {
        const end = deps.ownCertificateEnd();
        if (end === undefined) return [];
        return [certificateFact('TLS_CERT', 'this daemon', 'this daemon (TLS_CERT)', end, now())];
      },
    },
    {
      name: 'channels',
      conditions: ['channel-failing'],
      read: () =>
        deps.channels().flatMap(({ id, name, enabled, failingSince, lastError }): Fact[] => {
          const text = `Alerts can’t be delivered through ${name}: ${lastError ?? 'no reason was given'}`;
          // a test of one that is off can fail, too
          return failingSince === null || !enabled
            ? []
            : [{ condition: 'channel-failing', subject: String(id), name, text }];
        }),
    },
  ];
}

const ofApp = (app: AppEntry): Pick<Fact, 'subject' | 'name' | 'app'> => ({ subject: app.name, name: app.name, app });

function liveKitFacts({ state, url }: SourceDeps['livekit']): Fact[] | undefined {
  const { status, reason } = state();
  const fact = { condition: 'livekit-away', subject: 'livekit', name: 'LiveKit' } as const;
  if (status === 'unconfigured') return [{ ...fact, text: 'LiveKit is not connected, so nothing can be streamed' }];
  if (status === 'unreachable')
    return [{ ...fact, text: `LiveKit at ${url()} isn’t responding${reason === null ? '' : `: ${reason}`}` }];
  return status === 'unknown' ? undefined : [];
}

function machineFacts({ disk, memory }: ServerStats): Fact[] {
  const facts: Fact[] = [];
  const machine = { subject: 'daemon', name: 'the daemon’s machine' };
  if (disk !== null && disk.totalBytes > 0)
    facts.push({
      condition: 'disk-low',
      ...machine,
      text: `The disk is nearly full: ${bytes(disk.freeBytes)} free`,
      value: (100 * disk.freeBytes) / disk.totalBytes,
    });
  if (memory.totalBytes > 0)
    facts.push({
      condition: 'memory-low',
      ...machine,
      text: `Memory is nearly used up: ${bytes(memory.freeBytes)} free`,
      value: (100 * memory.freeBytes) / memory.totalBytes,
    });
  return facts;
}

async function nodeFacts({ all, judge, isFresh, isSettled }: SourceDeps['nodes']): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (const [index, node] of [...all()].entries()) {
    const subject = { subject: node.id, name: node.name };
    const state = nodeState(judge(node));
    const condition = NODE_CONDITIONS[state.code];
    const text = nodeSentence(node.name, state);
    if (condition !== undefined && (condition !== 'node-away' || isSettled()))
      facts.push({ condition, ...subject, text, isMild: state.urgency === 'warn' });
    const { forwardMs, quality } = node.load;
    const isJudged = (node.livekit?.participants ?? NODE_LEAST_PARTICIPANTS) >= NODE_LEAST_PARTICIPANTS;
    if (quality?.score !== undefined && isJudged && isFresh(node)) {
      const why = nodeQualityWords({ ...quality, score: undefined }).map((words) => `, ${words}`);
      const text = `Quality on node ${node.name}: a score of ${Math.round(quality.score * 10) / 10} of 4.5${why.join('')}`;
      facts.push({ condition: 'node-quality', ...subject, text, value: quality.score });
    }
    if (forwardMs !== null && isFresh(node)) {
      const slow = `LiveKit on node ${node.name} takes ${Math.round(forwardMs)} ms to pass on a packet`;
      facts.push({ condition: 'node-slow', ...subject, text: slow, value: forwardMs });
    }
    if (index % SLICE === SLICE - 1) await nextTurn();
  }
  return facts;
}

/** The daemon's own machine is in the cluster, too; its facts come from its own figures. */
async function nodeLoadFacts({ all, isFresh }: SourceDeps['nodes']): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (const [index, node] of [...all()].entries()) {
    const { memory, diskFree } = node.load;
    const subject = { subject: node.id, name: node.name };
    if (isFresh(node) && node.id !== ORIGIN) {
      if (diskFree !== null) {
        const value = 100 * diskFree;
        const text = `The disk of node ${node.name} is nearly full: ${Math.floor(value)} % free`;
        facts.push({ condition: 'disk-low', ...subject, text, value });
      }
      if (memory !== null) {
        const value = 100 * (1 - memory);
        const text = `Memory of node ${node.name} is nearly used up: ${Math.floor(value)} % free`;
        facts.push({ condition: 'memory-low', ...subject, text, value });
      }
    }
    if (index % SLICE === SLICE - 1) await nextTurn();
  }
  return facts;
}

async function appFacts(
  { entries, record }: SourceDeps['apps'],
  isWanted: (condition: ConditionId) => boolean,
): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (const [index, app] of [...entries()].entries()) {
    for (const { code, message } of record(app).problems ?? []) {
      const condition = APP_CONDITIONS[code];
      if (condition === undefined || !isWanted(condition)) continue;
      const text =
        code === 'CONFIG_INVALID' ? `The config of ${app.name} is not active: ${message}` : `${app.name}: ${message}`;
      facts.push({ condition, ...ofApp(app), text });
    }
    if (index % SLICE === SLICE - 1) await nextTurn();
  }
  return facts;
}

function jobFact(row: JobRow, apps: SourceDeps['apps'], now: number): Fact[] {
  const { id, title, state, attempts, error_json: error } = row;
  const isRecent = state === 'failed' && now - Date.parse(row.updated_at) < DAY_MS;
  if (!isRecent && !(state === 'waiting' && attempts >= WORRYING_ATTEMPTS)) return [];
  const what = state === 'failed' ? 'failed' : `failed ${attempts} times and is tried again`;
  const { message } = (error === null ? {} : JSON.parse(error)) as { message?: string };
  const app = row.app === null ? undefined : apps.get(row.app);
  return [
    {
      condition: 'job-failed',
      subject: String(id),
      name: title,
      text: `${title} ${what}: ${message ?? 'no reason was given'}`,
      ...(app === undefined ? {} : { app }),
      tenantId: row.tenant_id,
    },
  ];
}

async function quotaFacts({ teams, quotas, usage }: SourceDeps): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (const { id, name } of teams()) {
    const limits = quotas(id);
    if (METRICS.every((metric) => limits[metric] < 0)) continue;
    const used = await usage(id);
    const figures = [
      ['maxApps', used.apps, 'apps'],
      ['maxConcurrentStreams', used.concurrentStreams, 'live streams'],
      ['maxRecordingMinutesMonth', used.recordingMinutesMonth, 'recorded minutes of this month'],
      ['maxStorageGb', used.storageGb, 'GB of recordings'],
    ] as const;
    for (const [metric, value, what] of figures) {
      const limit = limits[metric];
      if (limit <= 0) continue;
      const team = name ?? id;
      const text = `Team ${team} uses ${value} of ${limit} ${what}`;
      facts.push({
        condition: 'quota-ending',
        subject: `${id} ${metric}`,
        name: team,
        text,
        tenantId: id,
        value: (100 * value) / limit,
      });
    }
    await nextTurn();
  }
  return facts;
}

async function certificateFacts({ addresses, certificateEnd, ownCertificateEnd, now }: SourceDeps): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (const [name, url] of Object.entries(addresses())) {
    const end = await certificateEnd(url);
    // the daemon's own certificate is reported once
    if (end === undefined || end === ownCertificateEnd()) continue;
    const { host } = new URL(url);
    facts.push(certificateFact(host, host, `${name} (${host})`, end, now()));
  }
  return facts;
}

function certificateFact(subject: string, name: string, owner: string, end: number, now: number): Fact {
  const days = (end - now) / DAY_MS;
  const when = days < 0 ? 'has ended' : `ends in ${plural(Math.floor(days), 'day')}`;
  return { condition: 'certificate-ending', subject, name, text: `The certificate of ${owner} ${when}`, value: days };
}
