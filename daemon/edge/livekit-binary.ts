import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';

const run = promisify(execFile);
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** The LiveKit release that nodes install, with its publisher's checksums. */
export const LIVEKIT_RELEASE = {
  version: '1.13.5',
  base: 'https://github.com/livekit/livekit/releases/download/v1.13.5',
  archives: {
    x64: {
      file: 'livekit_1.13.5_linux_amd64.tar.gz',
      sha256: 'c020fac437b7cc9b776eef1ad5ea8af77be9acfa07602eca20a3a44930dfbc70',
    },
    arm64: {
      file: 'livekit_1.13.5_linux_arm64.tar.gz',
      sha256: '332015305518765fe05bad74fc3a9d9583e635e7dd130de3c4fc563d69c550f3',
    },
  } as Record<string, { file: string; sha256: string } | undefined>,
};

/** Where the server's program comes from. */
export type BinarySource =
  | { kind: 'given'; file: string }
  | { kind: 'path'; file: string }
  | { kind: 'installed'; file: string }
  | { kind: 'release'; url: string; sha256: string };

export interface BinaryRequest {
  /** --livekit-binary */
  given?: string;
  /** --livekit-mirror: another place with the same archives. */
  mirror?: string;
  /** Where an earlier run put it. */
  installed: string;
  searchPath: string;
  arch: string;
  /** What names a program and a mirror, for messages. */
  words?: { given: string; mirror: string };
}

const WORDS = { given: '--livekit-binary FILE', mirror: '--livekit-mirror URL' };

/** Decides where to take it from: the one given, else the one on PATH, else the one installed before, else the release. */
export function chooseBinary(request: BinaryRequest): BinarySource {
  const { words = WORDS } = request;
  if (request.given !== undefined) {
    const file = path.resolve(request.given);
    if (!isProgram(file)) throw new Error(`${words.given.split(' ')[0]} ${file}: this program does not exist`);
    return { kind: 'given', file };
  }
  const onPath = programOnPath('livekit-server', request.searchPath);
  if (onPath !== undefined) return { kind: 'path', file: onPath };
  if (isProgram(request.installed)) return { kind: 'installed', file: request.installed };
  const archive = process.platform === 'linux' ? LIVEKIT_RELEASE.archives[request.arch] : undefined;
  if (archive === undefined) {
    throw new Error(
      `LiveKit publishes no server for ${process.platform} on ${request.arch}; build one and pass it with ${words.given}`,
    );
  }
  const base = (request.mirror ?? LIVEKIT_RELEASE.base).replace(/\/+$/, '');
  return { kind: 'release', url: `${base}/${archive.file}`, sha256: archive.sha256 };
}

/** The first program of that name in the absolute folders of a PATH. */
export function programOnPath(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find(isProgram);
}

/**
 * Puts the program in its place and returns the path. A program on PATH stays where it is.
 * @throws Error when the release can't be downloaded or isn't the expected one
 */
export async function installBinary(
  source: BinarySource,
  target: string,
  { words = WORDS, signal }: { words?: typeof WORDS; signal?: AbortSignal } = {},
): Promise<string> {
  if (source.kind === 'path' || source.kind === 'installed') return source.file;
  if (source.kind === 'given') {
    if (source.file !== target) writeAtomicallySync(target, await readFile(source.file), { mode: 0o755 });
    return target;
  }
  const archive = await download(source.url, source.sha256, words, signal);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'streamhub-livekit-'));
  try {
    const file = path.join(folder, 'archive.tar.gz');
    await writeFile(file, archive);
    await run('tar', ['-xzf', file, '-C', folder, 'livekit-server']);
    writeAtomicallySync(target, await readFile(path.join(folder, 'livekit-server')), { mode: 0o755 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return target;
}

/** @throws Error when the program does not run here */
export async function versionOf(binary: string): Promise<string> {
  try {
    const { stdout } = await run(binary, ['--version'], { timeout: 10_000 });
    return /\bv(?:ersion)?[\s=]+v?(\d\S*)/i.exec(stdout)?.[1] ?? stdout.trim().slice(0, 40);
  } catch (error) {
    throw new Error(`${binary} does not run on this machine (${(error as NodeJS.ErrnoException).code ?? 'failed'})`);
  }
}

async function download(url: string, sha256: string, words: typeof WORDS, stop?: AbortSignal): Promise<Buffer> {
  let bytes: Buffer;
  try {
    const limit = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    const response = await fetch(url, { signal: stop === undefined ? limit : AbortSignal.any([limit, stop]) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    bytes = Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    throw new Error(
      `${url} cannot be downloaded (${cause?.code ?? message}); pass a program with ${words.given} or another source with ${words.mirror}`,
    );
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256)
    throw new Error(
      `${url} is not the expected release: its SHA-256 is ${found}, expected ${sha256}; nothing was installed`,
    );
  return bytes;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
