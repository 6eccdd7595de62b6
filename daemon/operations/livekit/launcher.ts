import path from 'node:path';
import type { Layout } from '#daemon/edge/layout.ts';
import { chooseBinary, installBinary, programOnPath, versionOf } from '#daemon/edge/livekit-binary.ts';
import { installHint } from '#daemon/platform/programs.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import { makeFolderSync } from '#shared/files/make-folder.ts';
import type { ListeningPort, LivekitProgram } from '#shared/schema/livekit.ts';
import { ContainerEngine, IMAGES, removeContainer } from './containers.ts';
import type { LivekitSecrets } from './keys.ts';
import { type ConfigInput, DEFAULT_PORTS, egressText, ingressText, livekitText, redisText } from './plans.ts';
import type { KeptPorts, WantedPort } from './ports.ts';
import type { LaunchPlan } from './program.ts';
import type { Reach } from './surroundings.ts';

const WORDS = { given: 'LIVEKIT_BINARY', mirror: 'LIVEKIT_MIRROR' };
/** A program that is installed later is found after this time. */
const FRESH_MS = 5000;
type Service = keyof typeof IMAGES;
/** Programs of a name that does the same, the first found is used. */
const PROGRAMS: Readonly<Record<Exclude<LivekitProgram, 'livekit'>, readonly string[]>> = {
  redis: ['redis-server', 'valkey-server'],
  egress: ['egress', 'livekit-egress'],
  ingress: ['ingress', 'livekit-ingress'],
};

export interface LauncherDeps {
  settings: Settings;
  layout: Layout;
  ports: KeptPorts;
  reach(): Reach;
  secrets(): LivekitSecrets;
  webhookUrl(): string;
  /** What operators set for LiveKit itself. */
  own(): Record<string, unknown>;
  /** Revision of that. */
  revision(): number;
  stop: AbortSignal;
}

/** Finds the programs, settles their ports and writes how each is started. */
export class Launcher {
  readonly #deps: LauncherDeps;
  readonly #engine = new ContainerEngine();
  readonly #versions = new Map<string, string>();
  readonly #found = new Map<LivekitProgram, { file: string | undefined; at: number }>();

  constructor(deps: LauncherDeps) {
    this.#deps = deps;
  }

  get hasRedis(): boolean {
    return this.#programOf('redis') !== undefined;
  }

  /** What the configurations are made of, with the ports of now. */
  input(): ConfigInput {
    const { reach, secrets, webhookUrl, own, ports } = this.#deps;
    return {
      reach: reach(),
      secrets: secrets(),
      port: (name) => ports.get(name) ?? 0,
      webhookUrl: webhookUrl(),
      hasRedis: this.hasRedis,
      own: own(),
    };
  }

  /** LiveKit's configuration as it would be now; undefined before its ports are known. */
  livekitText(): string | undefined {
    return this.#deps.ports.get('signal') === undefined ? undefined : livekitText(this.input());
  }

  serviceText(name: Service): string | undefined {
    if (this.#deps.ports.get(name) === undefined) return undefined;
    return name === 'egress' ? egressText(this.input()) : ingressText(this.input());
  }

  /** @throws Error when a port that the operator chose is taken */
  async choosePorts(program: LivekitProgram): Promise<ListeningPort[]> {
    const chosen: ListeningPort[] = [];
    for (const wanted of this.#wanted(program)) {
      const port = await this.#deps.ports.choose(wanted);
      chosen.push({ name: wanted.name, port, protocol: wanted.protocol, address: wanted.address ?? '*' });
    }
    return chosen;
  }

  /** Gets everything ready for a start. @throws Error for people */
  async prepare(program: LivekitProgram): Promise<LaunchPlan> {
    if (program === 'livekit') return this.#prepareLivekit();
    const { layout } = this.#deps;
    const ports = await this.choosePorts(program);
    const input = this.input();
    const binary = this.#programOf(program);
    if (program === 'redis') {
      if (binary === undefined) throw new Error('redis-server is not on PATH');
      const file = path.join(layout.root, 'etc', 'redis.conf');
      makeFolderSync(path.join(layout.root, 'var', 'redis'));
      const config = { file, text: redisText(input, layout.root) };
      return { binary, args: [file], version: await this.#version(binary), runsIn: 'process', ports, config };
    }
    const file = path.join(layout.root, 'etc', `${program}.yaml`);
    const config = { file, text: program === 'egress' ? egressText(input) : ingressText(input) };
    if (binary !== undefined)
      return {
        binary,
        args: ['--config', file],
        version: await this.#version(binary),
        runsIn: 'process',
        ports,
        config,
      };
    const engine = await this.#engine.find();
    if (engine === undefined) throw new Error('neither its program nor a container engine is there');
    const variable = `${program.toUpperCase()}_CONFIG_BODY`;
    return {
      binary: engine,
      args: [
        ...['run', '--rm', '--network', 'host', '--name', this.#containerName(program)],
        // Chrome's sandbox needs it (https://github.com/livekit/egress#running-locally)
        ...(program === 'egress' ? ['--cap-add', 'SYS_ADMIN'] : []),
        // recordings on this machine's disk are written where the daemon expects them
        ...(program === 'egress'
          ? [
              '--volume',
              `${path.join(path.dirname(layout.root), 'apps')}:${path.join(path.dirname(layout.root), 'apps')}`,
            ]
          : []),
        // by name, so that the value is in no process list
        ...['--env', variable, IMAGES[program]],
      ],
      env: { [variable]: config.text },
      version: IMAGES[program].split(':')[1] ?? '',
      runsIn: 'container',
      ports,
      config,
    };
  }

  /** Removes the container of a client that was killed. */
  async clear(program: LivekitProgram): Promise<void> {
    if (program !== 'egress' && program !== 'ingress') return;
    if (this.#programOf(program) !== undefined) return;
    const engine = await this.#engine.find();
    if (engine !== undefined) await removeContainer(engine, this.#containerName(program));
  }

  async canRun(name: Service): Promise<boolean> {
    return this.#programOf(name) !== undefined || (await this.#engine.find()) !== undefined;
  }

  /** Why a program can't run on this machine, and the command that changes it; null = it can. */
  async lackOf(program: LivekitProgram): Promise<{ why: string; cure: string } | null> {
    if (program === 'livekit') return null;
    if (program === 'redis')
      return this.hasRedis
        ? null
        : {
            why: 'redis-server is not on PATH. LiveKit runs as a single server without it.',
            cure: await installHint('redis-server'),
          };
    if (!this.hasRedis)
      return { why: 'It needs Redis, and redis-server is not on PATH.', cure: await installHint('redis-server') };
    if (await this.canRun(program)) return null;
    return {
      why: `Neither the program ${PROGRAMS[program][0]} nor a container engine that answers is on this machine.`,
      cure: await installHint('podman'),
    };
  }

  /** What doesn't work here, in words. */
  async excludes(): Promise<string[]> {
    if (!this.hasRedis) return ['Without Redis: recordings, live HLS, ingests, and further servers'];
    const lacks = await Promise.all((['egress', 'ingress'] as const).map((name) => this.lackOf(name)));
    return [
      ...(lacks[0] ? ['Without egress: recordings and live HLS'] : []),
      ...(lacks[1] ? ['Without ingress: streams from encoders (RTMP, WHIP) and from addresses'] : []),
      'Redis listens on this machine only: further servers need a Redis that they can reach',
    ];
  }

  async #prepareLivekit(): Promise<LaunchPlan> {
    const { settings, layout, stop } = this.#deps;
    const source = chooseBinary({
      ...(settings.livekitBinary === '' ? {} : { given: settings.livekitBinary }),
      ...(settings.livekitMirror === '' ? {} : { mirror: settings.livekitMirror }),
      installed: layout.livekitBinary,
      searchPath: process.env['PATH'] ?? '',
      arch: process.arch,
      words: WORDS,
    });
    // a given program is run where it is
    const binary =
      source.kind === 'given'
        ? source.file
        : await installBinary(source, layout.livekitBinary, { words: WORDS, signal: stop });
    const version = await this.#version(binary);
    const ports = await this.choosePorts('livekit');
    const config = { file: layout.livekitConfig, text: livekitText(this.input()) };
    const revision = this.#deps.revision();
    return { binary, args: ['--config', config.file], version, runsIn: 'process', ports, config, revision };
  }

  #wanted(program: LivekitProgram): WantedPort[] {
    const { bind, isLocal } = this.#deps.reach();
    const own = this.#deps.own();
    const rtc = (own['rtc'] ?? {}) as Record<string, unknown>;
    // an operator's choice is not replaced by another port
    const at = (chosen: unknown, usual: number) =>
      typeof chosen === 'number' ? { preferred: chosen, isFixed: true } : { preferred: usual };
    const local = '127.0.0.1';
    switch (program) {
      case 'redis':
        return [{ name: 'redis', preferred: 6390, protocol: 'tcp', address: local }];
      case 'livekit':
        return [
          { name: 'signal', ...at(own['port'], 7880), protocol: 'tcp', address: bind?.[0] },
          ...(isLocal ? [] : [{ name: 'tcp', ...at(rtc['tcp_port'], 7881), protocol: 'tcp' } as const]),
          { name: 'udp', ...at(rtc['udp_port'], 7882), protocol: 'udp', address: isLocal ? local : undefined },
          { name: 'metrics', preferred: 6789, protocol: 'tcp' },
        ];
      case 'egress':
        return [{ name: 'egress', preferred: 7885, protocol: 'tcp' }];
      case 'ingress':
        return [
          { name: 'rtmp', preferred: DEFAULT_PORTS.rtmp, protocol: 'tcp' },
          { name: 'whip', preferred: DEFAULT_PORTS.whip, protocol: 'tcp' },
          { name: 'whipMedia', preferred: 7886, protocol: 'udp' },
          { name: 'relay', preferred: 9090, protocol: 'tcp' },
          { name: 'ingress', preferred: 7887, protocol: 'tcp' },
        ];
    }
  }

  #programOf(program: Exclude<LivekitProgram, 'livekit'>): string | undefined {
    const known = this.#found.get(program);
    if (known !== undefined && performance.now() - known.at < FRESH_MS) return known.file;
    const searchPath = process.env['PATH'] ?? '';
    const file = PROGRAMS[program].map((name) => programOnPath(name, searchPath)).find((one) => one !== undefined);
    this.#found.set(program, { file, at: performance.now() });
    return file;
  }

  /** Asked once for each program. @throws Error when it doesn't run here */
  async #version(binary: string): Promise<string> {
    const known = this.#versions.get(binary) ?? (await versionOf(binary));
    this.#versions.set(binary, known);
    return known;
  }

  /** Of this installation alone. */
  #containerName(program: Service): string {
    return `streamhub-${program}-${this.#deps.ports.get(program)}`;
  }
}
