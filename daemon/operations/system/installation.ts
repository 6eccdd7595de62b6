import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import type { Settings } from '#daemon/platform/settings.ts';
import type { Installation } from '#shared/schema/settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What the daemon can see of how it was started. */
export interface InstallationTraces {
  env: Env;
  pid: number;
  platform: NodeJS.Platform;
  hostname: string;
  /** Text of /proc/self/cgroup; empty where there is none. */
  cgroup: string;
  /** A container engine left its mark in the root folder. */
  isInContainer: boolean;
}

function readTraces(): InstallationTraces {
  let cgroup = '';
  try {
    cgroup = readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    // only Linux has it
  }
  return {
    env: process.env,
    pid: process.pid,
    platform: process.platform,
    hostname: os.hostname(),
    cgroup,
    // files of Docker and of Podman
    isInContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
  };
}

/** How this daemon was started, and the commands that set a variable and restart it here. */
export interface FoundInstallation extends Installation {
  /** The systemd unit; null where there is none. */
  unit: string | null;
  /** How to change the environment of the process here. */
  editEnvironment: string;
  /** Commands that set variables in the env file. */
  setInFile(lines: readonly string[]): string;
}

export function findInstallation(settings: Settings, traces = readTraces()): FoundInstallation {
  const { env, platform, hostname } = traces;
  const file = quote(settings.envFile);
  const append = (lines: readonly string[], before = '', after = '') =>
    lines.map((line) => `${before}echo '${line}' >> ${file}${after}`).join('; ');
  const own =
    platform === 'win32'
      ? (lines: readonly string[]) => lines.map((line) => `Add-Content '${settings.envFile}' '${line}'`).join('; ')
      : (lines: readonly string[]) => append(lines);
  const found = (
    kind: Installation['kind'],
    restartCommand: string,
    editEnvironment: string,
    setInFile: (lines: readonly string[]) => string = own,
    unit: string | null = null,
  ): FoundInstallation => ({
    kind,
    setCommand: setInFile(['NAME=value']),
    restartCommand,
    editEnvironment,
    setInFile,
    unit,
  });

  const unit = unitOf(settings, traces);
  if (unit !== undefined) {
    const systemctl = unit.isOfUser ? 'systemctl --user' : 'sudo systemctl';
    const asRoot = (lines: readonly string[]) =>
      [
        `sudo touch ${file}`,
        ...lines.map(
          (line) =>
            `sudo sed -i '/^${line.slice(0, line.indexOf('='))}=/d' ${file}; echo '${line}' | sudo tee -a ${file} >/dev/null`,
        ),
      ].join('; ');
    return found(
      'systemd',
      `${systemctl} restart ${quote(unit.name)}`,
      `${systemctl} edit ${quote(unit.name)}`,
      unit.isOfUser ? own : asRoot,
      unit.name,
    );
  }
  if (env['KUBERNETES_SERVICE_HOST'])
    return found(
      'kubernetes',
      'kubectl rollout restart deployment/<deployment>',
      'kubectl set env deployment/<deployment> NAME=value',
    );
  if (traces.isInContainer) {
    // the engine's default: the first twelve digits of the container's id
    const container = /^[0-9a-f]{12}$/.test(hostname) ? hostname : '<container>';
    return found(
      'container',
      `docker restart ${container}`,
      'environment in compose.yaml, then docker compose up -d',
      (lines) => lines.map((line) => `docker exec ${container} sh -c "echo '${line}' >> ${file}"`).join('; '),
    );
  }
  if (env['ELECTRON_RUN_AS_NODE'])
    return found(
      'desktop',
      'Stop the daemon in the desktop app and start it again.',
      'the environment of the desktop app',
    );
  if (env['pm_id'] !== undefined)
    return found('pm2', `pm2 restart ${quote(env['name'] ?? '<name>')}`, 'pm2 restart <name> --update-env');
  if (env['npm_lifecycle_event'])
    return found(
      'npm',
      `Press Ctrl+C where the daemon runs, then: npm ${env['npm_lifecycle_event'] === 'start' ? 'start' : `run ${quote(env['npm_lifecycle_event'])}`}`,
      'the shell that runs npm',
    );
  return found('shell', 'Press Ctrl+C where the daemon runs, then start it again.', 'the shell that starts the daemon');
}

/** The unit that the operator names, else the one that the process runs as. */
function unitOf(
  { systemdUnit }: Settings,
  { env, pid, cgroup }: InstallationTraces,
): { name: string; isOfUser: boolean } | undefined {
  if (systemdUnit.trim() !== '') return { name: systemdUnit.trim(), isOfUser: false };
  // set by systemd for the process that it starts, and inherited by that one's children (systemd.exec(5))
  if (env['SYSTEMD_EXEC_PID'] !== String(pid)) return undefined;
  const path = cgroup.split('\n').find((line) => line.endsWith('.service')) ?? '';
  const name = /([^/]+)\.service$/.exec(path)?.[1];
  return name === undefined ? undefined : { name, isOfUser: path.includes('/user@') };
}

/** A word for the shell. */
function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./<>-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
