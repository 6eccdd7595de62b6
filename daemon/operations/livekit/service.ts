import path from 'node:path';
import type { NodeEntry } from '#daemon/cluster/node.ts';
import { layoutOf, makeFolders } from '#daemon/edge/layout.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Log } from '#daemon/platform/log.ts';
import { askRedis } from '#daemon/platform/net/redis.ts';
import type { SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import { publicBase, type Settings } from '#daemon/platform/settings.ts';
import type { SettingsStore } from '#daemon/platform/settings-store.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import type { InstallationWarnings } from '#daemon/platform/warnings.ts';
import { ApiError } from '#shared/errors.ts';
import { LivekitSettings } from '#shared/livekit-settings.ts';
import {
  LIVEKIT_PROGRAMS,
  type LivekitProgram,
  type ManagedLiveKit,
  type ManagedProgram,
  type LiveKitOwnSettings as OwnSettingsAnswer,
  type RollOut,
} from '#shared/schema/livekit.ts';
import { KeyRollOut, settingsKeys } from './key-roll-out.ts';
import { type KeyPair, ManagedKeys } from './keys.ts';
import { Launcher } from './launcher.ts';
import { NodeRollOut } from './node-roll-out.ts';
import { OwnSettings } from './own-settings.ts';
import { livekitUrlOf, METRICS_USER, pasteText, redisUrlOf } from './plans.ts';
import { KeptPorts } from './ports.ts';
import { RunningProgram, type Wish } from './program.ts';
import { reachOf, webhookUrlOf } from './surroundings.ts';

const TURN_MS = 500;
/** How often the programs are looked at while nothing changes. */
const CALM_MS = 2000;
const WANTED = 'livekit.wanted';
const NAMES: Readonly<Record<LivekitProgram, string>> = {
  redis: 'Redis',
  livekit: 'LiveKit',
  egress: 'LiveKit’s egress',
  ingress: 'LiveKit’s ingress',
};
/** Set outside, these say that others run LiveKit. */
const CONNECTION: readonly SettingKey[] = ['livekitUrl', 'livekitApiKey', 'livekitApiSecret'];

export interface ManagedLiveKitDeps {
  settings: Settings;
  store: SettingsStore;
  secrets: SecretFile;
  meta: Meta;
  /** The registry. */
  db: Db;
  node(id: string): NodeEntry | undefined;
  nodes(): Iterable<NodeEntry>;
  isSilent(node: NodeEntry): boolean;
  /** Does the LiveKit of the settings accept a pair? */
  accepts(pair: KeyPair): Promise<boolean>;
  dataDir: string;
  /** Where the daemon listens; known once it does. */
  listening: { port: number; url: string };
  events: EventBus;
  warnings: InstallationWarnings;
  background: Background;
  log: Log;
  /** What the programs write. */
  outputLog: Log<'debug' | 'warn' | 'error'>;
}

/**
 * Runs LiveKit, and Redis, egress and ingress where they can be had, on the daemon's machine (LIVEKIT_MODE=managed). The
 * programs survive the daemon; the next one finds them.
 */
export class ManagedLiveKitService {
  readonly #deps: ManagedLiveKitDeps;
  readonly #programs: ReadonlyMap<LivekitProgram, RunningProgram>;
  readonly #ports: KeptPorts;
  readonly #launcher: Launcher;
  readonly #keys: ManagedKeys;
  /** LiveKit's own settings. */
  readonly own: OwnSettings;
  /** Gives them to the nodes. */
  readonly nodes: NodeRollOut;
  /** Rotates the keys of all. */
  readonly keys: KeyRollOut;
  readonly #stopping = new AbortController();
  #timer: Repeated | undefined;
  #lastLook = 0;
  #told = '';
  #isSetUp = false;
  /** Redis answers. */
  #isRedisReady = false;

  constructor(deps: ManagedLiveKitDeps) {
    this.#deps = deps;
    const { dataDir, background, log, outputLog, settings, meta } = deps;
    const root = path.join(dataDir, 'livekit');
    this.#ports = new KeptPorts(meta);
    this.#keys = new ManagedKeys(deps.secrets);
    this.own = new OwnSettings(deps.db);
    const { nodes, accepts } = deps;
    const ofSettings = settingsKeys(deps);
    this.keys = new KeyRollOut({
      ...{ nodes, accepts, meta, background },
      rotation: () => (this.#isActive ? this.#keys.rotation : ofSettings),
      ownRuns: () => (this.#isActive ? this.#livekit.keys : undefined),
      onMove: () => {
        this.#apply();
        deps.events.publish({ type: 'livekit.programs', data: {} });
      },
    });
    this.nodes = new NodeRollOut({
      ...{ nodes, meta },
      own: this.own,
      keys: this.keys,
      node: deps.node,
      isSilent: deps.isSilent,
    });
    this.#launcher = new Launcher({
      settings,
      layout: layoutOf(root),
      ports: this.#ports,
      reach: () => reachOf(settings),
      secrets: () => this.#keys.all(),
      webhookUrl: () => webhookUrlOf(settings, deps.listening),
      own: () => this.own.value,
      revision: () => this.own.latest?.revision ?? 0,
      stop: this.#stopping.signal,
    });
    this.#programs = new Map(
      LIVEKIT_PROGRAMS.map((program) => [
        program,
        new RunningProgram({
          program,
          name: NAMES[program],
          root,
          metrics: () => (program === 'livekit' ? this.#metricsUrl() : null),
          prepare: async () => {
            const plan = await this.#launcher.prepare(program);
            this.#apply();
            return plan;
          },
          clear: () => this.#launcher.clear(program),
          background,
          log,
          outputLog,
        }),
      ]),
    );
    settings.onChange(['livekitMode'], () => background.run('managed LiveKit', () => this.#modeChanged()));
    settings.onChange(['publicBaseUrl', 'publicWsUrl'], () => this.#apply());
  }

  /** Applies address and keys, so that everything that starts after this uses them. */
  async start(): Promise<void> {
    if (this.#isActive) await this.#setUp();
    this.#warn();
    this.keys.begin();
  }

  /** Begins to supervise, once the daemon listens: LiveKit needs its address. */
  begin(): void {
    if (!this.#isActive && ![...this.#programs.values()].some((program) => program.hasProcess)) return;
    this.#timer ??= this.#deps.background.every('managed LiveKit', TURN_MS, () => this.#turn(), { first: 0 });
  }

  /** Ends the supervision. The programs keep running. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.keys.stop();
    await this.#timer?.stop();
    this.#timer = undefined;
    if (this.#livekit.isRunning)
      this.#deps.log.info({}, 'LiveKit keeps running, so that streams continue; the next start of the daemon finds it');
  }

  async status(): Promise<ManagedLiveKit> {
    const { settings } = this.#deps;
    const isActive = this.#isActive;
    const programs = await Promise.all(LIVEKIT_PROGRAMS.map((program) => this.#report(program)));
    const livekit = programs.find(({ program }) => program === 'livekit') as ManagedProgram;
    return {
      mode: settings.livekitMode,
      overriddenBy: settings.livekitMode === 'managed' ? this.#overriddenBy : null,
      wanted: this.#isWanted ? 'running' : 'stopped',
      state: livekit.state,
      url: isActive && this.#isSetUp ? livekitUrlOf(this.#launcher.input()) : null,
      publicUrl: isActive && this.#isSetUp ? settings.publicWsUrl || settings.livekitUrl : null,
      restartNeeded: isActive && this.#livekit.isOutdated(this.#launcher.livekitText()),
      programs,
      excludes: await this.#launcher.excludes(),
    };
  }

  /** @throws ApiError LIVEKIT_NOT_MANAGED */
  async order(what: 'start' | 'stop' | 'restart', isNow = false): Promise<ManagedLiveKit> {
    this.#requireActive();
    this.#deps.meta.set(WANTED, what === 'stop' ? 'stopped' : 'running');
    if (what === 'restart') this.#livekit.wish(isNow ? 'restart-now' : 'restart');
    this.#endsNow = what === 'stop' && isNow;
    this.begin();
    this.#lastLook = 0;
    this.#timer?.soon();
    return this.status();
  }

  /** LiveKit's own settings, and who runs with them. */
  ownSettings(): OwnSettingsAnswer {
    const { own } = this;
    const text = own.latest?.text ?? '';
    const isActive = this.#isActive && this.#isSetUp;
    const target = {
      name: 'this machine',
      runs: this.#livekit.revision,
      isPending: this.#livekit.isOutdated(this.#launcher.livekitText()),
      problem: this.#livekit.report().problem,
    };
    return {
      text,
      revision: own.latest?.revision ?? 0,
      etag: own.etag,
      schema: LivekitSettings as unknown as Record<string, unknown>,
      revisions: own.list(),
      targets: [...(isActive ? [target] : []), ...this.nodes.targets()],
      keys: this.keys.state,
      keysWaitFor: [...this.keys.waitsFor],
      oldKeyNeededUntil: this.keys.oldKeyNeededUntil,
      paste: pasteText(text, this.#publicWebhookUrl()),
    };
  }

  /** Applies what was stored. @param how the next start, or a restart that waits for open rooms */
  rollOut(how: RollOut = 'next-start'): void {
    this.nodes.begin(how);
    const { events } = this.#deps;
    if (how === 'drain' && this.#isActive && this.#livekit.isOutdated(this.#launcher.livekitText())) {
      this.#livekit.wish('restart');
      this.#lastLook = 0;
      this.#timer?.soon();
    }
    events.publish({ type: 'livekit.programs', data: {} });
  }

  /** @throws ApiError LIVEKIT_NOT_MANAGED, LIVEKIT_KEYS_ROTATING, LIVEKIT_KEYS_NOT_ROTATED, LIVEKIT_KEYS_NODES, SETTING_LOCKED */
  async changeKeys(what: 'rotate' | 'retire', how?: RollOut): Promise<void> {
    if (!this.nodes.hasTargets) this.#requireActive();
    // refused now, and not when the daemon is to change to the new key
    if (!this.#isActive) this.#deps.store.check({ LIVEKIT_API_KEY: 'new', LIVEKIT_API_SECRET: 'new' });
    await (what === 'rotate' ? this.keys.add() : this.keys.retire());
    this.rollOut(how);
  }

  #requireActive(): void {
    if (this.#isActive) return;
    const reason =
      this.#deps.settings.livekitMode === 'managed'
        ? `${this.#overriddenBy} takes precedence over LIVEKIT_MODE=managed`
        : 'LIVEKIT_MODE is external';
    throw new ApiError('LIVEKIT_NOT_MANAGED', { reason });
  }

  /** It is started for the first time since the daemon began, so nobody needs to hear that it is away. */
  get isStarting(): boolean {
    return this.#isWanted && !this.#wasRunning && this.#livekit.state !== 'failed';
  }

  /** What is stopped ends its rooms. */
  #endsNow = false;
  #wasRunning = false;

  get #livekit(): RunningProgram {
    return this.#programs.get('livekit') as RunningProgram;
  }

  /** What is set outside and takes precedence. */
  get #overriddenBy(): string | null {
    const { store, settings } = this.#deps;
    for (const key of CONNECTION) {
      const place = settings.origins[key] === 'managed' ? null : store.lockedBy(key);
      if (place !== null) return `${SETTINGS[key].env} ${place}`;
    }
    return null;
  }

  get #isActive(): boolean {
    return this.#deps.settings.livekitMode === 'managed' && this.#overriddenBy === null;
  }

  get #isWanted(): boolean {
    return this.#isActive && this.#deps.meta.get(WANTED) !== 'stopped';
  }

  async #modeChanged(): Promise<void> {
    const { store, meta } = this.#deps;
    this.#warn();
    if (this.#isActive) {
      meta.set(WANTED, 'running');
      await this.#setUp();
      this.begin();
    } else store.adoptManaged(new Map());
    this.#lastLook = 0;
    this.#timer?.soon();
  }

  #warn(): void {
    const { settings, warnings } = this.#deps;
    const by = settings.livekitMode === 'managed' ? this.#overriddenBy : null;
    if (by === null) warnings.remove('LIVEKIT_MODE', 'livekit');
    else
      warnings.add(
        'LIVEKIT_MODE',
        'livekit',
        `LIVEKIT_MODE is managed, but ${by} takes precedence, so no LiveKit is started. Remove one of them.`,
      );
  }

  async #setUp(): Promise<void> {
    const { dataDir } = this.#deps;
    makeFolders(layoutOf(path.join(dataDir, 'livekit')));
    await this.#keys.ensure();
    // a running one keeps the ports that it has
    // a taken port shows when LiveKit starts
    if (!this.#livekit.hasProcess) await this.#launcher.choosePorts('livekit').catch(() => undefined);
    this.#isSetUp = true;
    this.#apply();
  }

  #publicWebhookUrl(): string {
    const { listening, settings } = this.#deps;
    return `${publicBase(settings) ?? listening.url}/api/v1/webhooks/livekit`;
  }

  #metricsUrl(): string | null {
    const port = this.#ports.get('metrics');
    return port === undefined
      ? null
      : `http://${METRICS_USER}:${this.#keys.all().metricsPassword}@127.0.0.1:${port}/metrics`;
  }

  /** Makes the daemon use this LiveKit. */
  #apply(): void {
    if (!this.#isActive || !this.#isSetUp) return;
    const { settings, store, warnings } = this.#deps;
    const { apiKey, apiSecret } = this.#keys.all();
    const input = this.#launcher.input();
    const { reach } = input;
    const values = new Map<SettingKey, string>([
      ['livekitUrl', livekitUrlOf(input)],
      ['livekitApiKey', apiKey],
      ['livekitApiSecret', apiSecret],
      ['livekitMetricsUrl', this.#metricsUrl() ?? ''],
    ]);
    if (input.hasRedis && this.#ports.get('redis') !== undefined) values.set('redisUrl', redisUrlOf(input));
    const isNamed = store.stored('publicWsUrl')?.isSet === true || store.lockedBy('publicWsUrl') !== null;
    const needsName = !reach.isLocal && settings.origins.publicWsUrl !== 'managed' && !isNamed;
    if (!reach.isLocal && !isNamed && !reach.isSecure)
      values.set('publicWsUrl', `ws://${reach.publicHost}:${input.port('signal')}`);
    if (needsName && reach.isSecure)
      warnings.add(
        'LIVEKIT_PUBLIC_ADDRESS',
        'livekit',
        'Browsers reach this daemon over HTTPS, so they need a wss:// address of LiveKit. Let your proxy pass it on, and set PUBLIC_WS_URL.',
      );
    else warnings.remove('LIVEKIT_PUBLIC_ADDRESS', 'livekit');
    const same = [...values].every(([key, value]) => settings.origins[key] === 'managed' && settings[key] === value);
    if (!same) store.adoptManaged(values);
  }

  async #turn(): Promise<void> {
    const programs = [...this.#programs.values()];
    const isBusy = programs.some((program) => program.isBusy) || this.#told === '';
    const now = performance.now();
    if (!isBusy && now - this.#lastLook < CALM_MS) return;
    this.#lastLook = now;
    const wish: Wish = this.#isWanted ? 'run' : this.#endsNow ? 'stop-now' : 'stop';
    const livekit = this.#livekit;
    const redis = this.#programs.get('redis') as RunningProgram;
    const hasRedis = this.#isActive && this.#launcher.hasRedis;
    const services = (['egress', 'ingress'] as const).map((name) => this.#programs.get(name) as RunningProgram);
    // Redis ends last
    const isRedisUsed = livekit.hasProcess || services.some((service) => service.hasProcess);
    redis.wish(wish === 'run' || isRedisUsed ? 'run' : 'stop');
    await redis.turn(hasRedis && this.#isWanted);
    this.#isRedisReady = redis.isRunning && (await this.#redisAnswers());
    livekit.wish(wish);
    await livekit.turn(this.#isWanted && (!hasRedis || this.#isRedisReady));
    this.#wasRunning ||= livekit.state === 'running';
    for (const name of ['egress', 'ingress'] as const) {
      const service = this.#programs.get(name) as RunningProgram;
      service.wish(wish);
      if (service.isOutdated(this.#launcher.serviceText(name))) service.wish('restart');
      await service.turn(
        this.#isWanted && hasRedis && livekit.state === 'running' && (await this.#launcher.canRun(name)),
      );
    }
    this.#tell();
    if (!this.#isActive && programs.every((program) => !program.hasProcess)) {
      const timer = this.#timer;
      this.#timer = undefined;
      // it would wait for this run
      timer?.stop();
    }
  }

  async #redisAnswers(): Promise<boolean> {
    if (this.#isRedisReady) return true;
    return askRedis(redisUrlOf(this.#launcher.input()), [['PING']]).then(
      ([reply]) => reply === 'PONG',
      () => false,
    );
  }

  /** Tells the pages that something changed. */
  #tell(): void {
    const { events, warnings } = this.#deps;
    const reports = LIVEKIT_PROGRAMS.map((name) => (this.#programs.get(name) as RunningProgram).report());
    for (const { program, state, problem } of reports) {
      if (problem === null) warnings.remove('LIVEKIT_PROGRAM', program);
      else if (state === 'failed' || state === 'starting')
        warnings.add('LIVEKIT_PROGRAM', program, `${NAMES[program]} on this machine can’t be started: ${problem}`);
    }
    const states = reports.map(({ program, state, pid, problem }) => ({ program, state, pid, problem }));
    const told = JSON.stringify(states);
    if (told === this.#told) return;
    this.#told = told;
    events.publish({
      type: 'livekit.programs',
      data: { programs: states.map(({ program, state }) => ({ program, state })) },
    });
  }

  async #report(name: LivekitProgram): Promise<ManagedProgram> {
    const program = this.#programs.get(name) as RunningProgram;
    const report = program.report();
    if (!this.#isActive) return program.hasProcess ? report : { ...report, state: 'off', problem: null };
    const lack = await this.#launcher.lackOf(name);
    if (!report.pid && lack !== null) return { ...report, state: 'missing', problem: lack.why, cure: lack.cure };
    if (!this.#isWanted || report.pid || report.problem !== null)
      return this.#isWanted || report.pid ? report : { ...report, state: 'off' };
    const isWaiting =
      name === 'livekit'
        ? this.#launcher.hasRedis && !this.#isRedisReady
        : name !== 'redis' && this.#livekit.state !== 'running';
    return isWaiting ? { ...report, state: 'waiting' } : report;
  }
}
