import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { BUNDLED_EDGE, PACKAGE_ROOT } from '#daemon/platform/paths.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { ApiError } from '#shared/errors.ts';

const run = promisify(execFile);

/** Node 24 for machines without one: the registry's package of each platform, by its published checksum. */
const NODE_PACKAGES = {
  version: '24.21.0',
  x64: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

export interface EdgeFiles {
  script: string;
  agent: Buffer;
  sha256: string;
}

/** The install script and the agent in one file, as edge machines fetch them. Read once; in a clone bundled first. */
export class AgentFile {
  #files: Promise<EdgeFiles> | undefined;

  /** @throws ApiError AGENT_UNAVAILABLE */
  get(): Promise<EdgeFiles> {
    this.#files ??= load().catch((error: unknown) => {
      this.#files = undefined;
      throw error;
    });
    return this.#files;
  }
}

async function load(): Promise<EdgeFiles> {
  try {
    const [agent, template] = import.meta.url.endsWith('.ts') ? await bundle() : await read(BUNDLED_EDGE);
    const sha256 = createHash('sha256').update(agent).digest('hex');
    return { agent, sha256, script: fill(template, sha256) };
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'this installation does not contain it'
        : 'it could not be built';
    throw new ApiError('AGENT_UNAVAILABLE', { reason }, { cause });
  }
}

const read = (folder: string): Promise<[Buffer, string]> =>
  Promise.all([readFile(path.join(folder, 'streamhub-edge.mjs')), readFile(path.join(folder, 'install.sh'), 'utf8')]);

/** A daemon that runs from its sources serves the agent of those sources. */
async function bundle(): Promise<[Buffer, string]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'streamhub-edge-'));
  try {
    await run(process.execPath, [path.join(PACKAGE_ROOT, 'build', 'build-edge.mjs'), folder]);
    return await read(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function fill(template: string, sha256: string): string {
  const values: Record<string, string> = {
    VERSION,
    AGENT_SHA256: sha256,
    NODE_VERSION: NODE_PACKAGES.version,
    NODE_SHA512_X64: hex(NODE_PACKAGES.x64),
    NODE_SHA512_ARM64: hex(NODE_PACKAGES.arm64),
  };
  return template.replace(/@([A-Z0-9_]+)@/g, (place, name: string) => values[name] ?? place);
}

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');
