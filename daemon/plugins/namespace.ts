import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/**
 * A second barrier around a plugin's process, where Linux lets the daemon's user create it: namespaces without any other
 * process, and a file system that holds the system's libraries, Node, and the places named, all read-only. It holds even
 * if Node's permission model is bypassed.
 *
 * Arguments: the new root (an empty folder), the one writable folder, places to show, `--`, command.
 */
const ENTER = `
set -eu
root=$1; own=$2; shift 2
mount -t tmpfs -o size=2m,mode=755 none "$root"
mkdir -p "$root/dev" "$root/proc" "$root/etc/ssl" "$root$own"
show() {
  if [ -d "$1" ]; then [ -d "$root$1" ] || mkdir -p "$root$1"
  else [ -d "$root\${1%/*}" ] || mkdir -p "$root\${1%/*}"; [ -e "$root$1" ] || : > "$root$1"; fi
  # what is mounted below a place, as a unit of systemd has it, can't be left out
  mount -o bind,ro,nosuid,nodev "$1" "$root$1" 2>/dev/null || mount -o rbind,ro,nosuid,nodev "$1" "$root$1"
}
show /usr
links=
for place in /bin /sbin /lib /lib32 /lib64; do
  if [ -L "$place" ]; then links="$links $place"; elif [ -d "$place" ]; then show "$place"; fi
done
[ -z "$links" ] || cp -P $links "$root/"
files=
for place in hosts resolv.conf nsswitch.conf gai.conf localtime ld.so.cache; do
  [ ! -e "/etc/$place" ] || files="$files /etc/$place"
done
[ -z "$files" ] || cp -L $files "$root/etc/"
[ ! -e /etc/ssl/openssl.cnf ] || cp -L /etc/ssl/openssl.cnf "$root/etc/ssl/"
for place in /etc/ssl/certs /etc/pki/tls/certs /etc/pki/ca-trust/extracted; do [ ! -d "$place" ] || show "$place"; done
for place in /dev/null /dev/urandom; do : > "$root$place"; mount --bind "$place" "$root$place"; done
mount -t proc -o nosuid,nodev,noexec none "$root/proc"
mount --bind "$own" "$root$own"
while [ "$1" != -- ]; do [ ! -e "$1" ] || show "$1"; shift; done
shift
mount -o remount,bind,ro "$root"
unset PWD OLDPWD
exec chroot "$root" setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
`;

export interface NamespacePlaces {
  /** A separate empty folder, where the new root is made. */
  root: string;
  /** The one folder that can be written to. */
  writable: string;
  readable: readonly string[];
}

/** The command, to be run inside separate namespaces; it ends with the daemon's process, however that ends. */
export function insideNamespaces(command: readonly string[], { root, writable, readable }: NamespacePlaces): string[] {
  // only root may make the other namespaces without one for users
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const unshare = ['unshare', ...user, '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child'];
  const enter = ['sh', '-c', ENTER, 'sh', root, writable, process.execPath, ...readable, '--', ...command];
  return ['setpriv', '--pdeathsig', 'KILL', ...unshare, '--', ...enter];
}

let tried: Promise<boolean> | undefined;

/** Whether this machine lets the daemon's user make such namespaces: tried once, with Node itself. */
export const canMakeNamespaces = (): Promise<boolean> => (tried ??= tryNamespaces());

async function tryNamespaces(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-probe-'));
  try {
    const [root, writable] = [path.join(dir, 'root'), path.join(dir, 'own')];
    await mkdir(root);
    await mkdir(writable);
    const command = insideNamespaces([process.execPath, '--version'], { root, writable, readable: [] });
    const [file = '', ...args] = command;
    return await new Promise<boolean>((resolve) => {
      const child = spawn(file, args, { stdio: 'ignore', timeout: 30_000, killSignal: 'SIGKILL' });
      child.once('error', () => resolve(false));
      child.once('close', (code) => resolve(code === 0));
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
