import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDir } from './daemon.ts';
import { reasonOf } from './server-scripts.ts';

const SCRIPT = path.join(import.meta.dirname, '..', 'servers', 'bare-system');

/** A bare Debian, gone with the test. */
export interface BareSystem {
  root: string;
  /** Runs a program there, as root. @returns what it printed, errors too @throws with the same, when it fails */
  run(program: string, ...args: string[]): string;
  read(file: string): string;
  /** What systemd would start for a unit: its program, as its user, with its environment, and with the output as its journal. */
  startUnit(file: string): Promise<{ output(): string; stop(): Promise<number | null> }>;
}

/** Makes one, or says in a string why there can be none. */
export async function bareSystem(t: { after(fn: () => unknown): void }): Promise<BareSystem | string> {
  const root = path.join(await temporaryDir(t), 'root');
  try {
    execFileSync(SCRIPT, ['unpack', root], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    return `no bare Debian can be had here: ${reasonOf(error)}`;
  }
  // it is thrown away, so nothing needs to wait for the disk
  writeFileSync(path.join(root, 'etc/dpkg/dpkg.cfg.d/streamhub-test'), 'force-unsafe-io\n');
  // in a mount namespace, so that nothing stays mounted
  const enter = ['-m', 'sh', '-c', 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"', root];
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    HOME: '/root',
  };
  // scripts of packages that look for processes must see their own only
  const alone = ['-p', '--fork', '--kill-child', ...enter];
  return {
    root,
    run(program, ...args) {
      const { status, stdout, stderr } = spawnSync('unshare', [...alone, program, ...args], {
        cwd: '/',
        env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
      return stdout + stderr;
    },
    read: (file) => readFileSync(path.join(root, file), 'utf8'),
    async startUnit(file) {
      const unit = readFileSync(path.join(root, file), 'utf8');
      const values = (key: string) =>
        [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value as string);
      const [user = ''] = values('User');
      const start = 'umask "$0"; JOURNAL_STREAM=$(stat -Lc %d:%i "/proc/$$/fd/1"); export JOURNAL_STREAM; exec "$@"';
      const child = spawn(
        'unshare',
        [
          ...enter,
          ...['setpriv', `--reuid=${user}`, `--regid=${values('Group')[0]}`, '--init-groups', '--no-new-privs'],
          ...['env', '-i', 'PATH=/usr/bin:/bin', ...values('Environment').flatMap((line) => line.split(' '))],
          ...['sh', '-c', start, values('UMask')[0] ?? '0022', ...(values('ExecStart')[0] ?? '').split(' ')],
        ],
        { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
      const exited = once(child, 'exit') as Promise<[number | null]>;
      const stop = async () => {
        child.kill('SIGTERM');
        return (await exited)[0];
      };
      t.after(() => child.kill('SIGKILL'));
      return { output: () => output, stop };
    },
  };
}
