import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';
import type { AgentUpgrade, AgentUpgradeProblem } from '#shared/schema/cluster.ts';
import { startAgent, startGuard, stopAgent } from './agent-process.ts';
import { type Layout, readJson, writeJson } from './layout.ts';
import { isAlive, type ProcessRef, processRef } from './process-table.ts';

/** So long the new agent has for an answered heartbeat. */
const TRIAL_MS = 60_000;
/** So much later it gives up by itself. */
const GRACE_MS = 30_000;
const DOWNLOAD_MS = 120_000;
const MAX_BYTES = 32 * 1024 * 1024;

/** What became of an upgrade; `var/upgrade.json`. */
interface UpgradeNote extends AgentUpgrade {
  state: 'trying' | 'confirmed' | 'failed';
  reason?: string;
  /** The trial ends then, milliseconds since 1970. */
  until?: number;
  /** The agent that watches the new one. */
  watcher?: ProcessRef | null;
}

/** SHA-256 of the file that agents of this installation start from, hex; undefined if it can't be read. */
export function agentDigest(layout: Layout): string | undefined {
  try {
    return digestOf(readFileSync(layout.agent));
  } catch {
    return undefined;
  }
}

/** The new agent's first heartbeat was answered, so the old one may end. */
export function confirmUpgrade(layout: Layout, sha256: string | undefined): void {
  const note = readJson<UpgradeNote>(layout.agentUpgrade);
  if (note?.state === 'trying' && note.sha256 === sha256)
    writeJson(layout.agentUpgrade, { ...note, state: 'confirmed' });
}

/** Is a trial over, without an answered heartbeat? */
export function isOverdue(layout: Layout): boolean {
  const note = readJson<UpgradeNote>(layout.agentUpgrade);
  return note?.state === 'trying' && Date.now() > (note.until ?? 0);
}

/** The same for the new agent itself, which gives up when nobody watches it any more. */
export function hasFailedTrial(layout: Layout, sha256: string | undefined): boolean {
  const note = readJson<UpgradeNote>(layout.agentUpgrade);
  if (note?.state !== 'trying' || note.sha256 !== sha256 || isAlive(note.watcher ?? null)) return false;
  return Date.now() > (note.until ?? 0) + GRACE_MS;
}

/**
 * Puts the former agent's file back. Several may try it: the old agent, its guard, the new agent, and the unit before a start.
 * @returns whether this call did it
 */
export function takeBack(layout: Layout, reason = 'the new agent was not answered in time'): boolean {
  const note = readJson<UpgradeNote>(layout.agentUpgrade);
  if (note?.state !== 'trying') return false;
  try {
    renameSync(layout.agentPrevious, layout.agent);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
  writeJson(layout.agentUpgrade, { ...note, state: 'failed', reason });
  return true;
}

/**
 * Waits beside a trial, as a process of the former agent's file. When the old agent dies, it decides in its place.
 * @returns whether it put the old file back
 */
export async function guardTrial(layout: Layout): Promise<boolean> {
  for (;;) {
    const note = readJson<UpgradeNote>(layout.agentUpgrade);
    if (note?.state !== 'trying') return false;
    const next = readJson<ProcessRef>(layout.agentPid) ?? null;
    if (!isAlive(note.watcher ?? null) && (!isAlive(next) || isOverdue(layout))) {
      await stopAgent(layout);
      return takeBack(layout, isAlive(next) ? undefined : 'the new agent ended before it could report');
    }
    await sleep(250);
  }
}

/** Why the last upgrade was taken back; undefined if it was not. */
export function upgradeProblem(layout: Layout): AgentUpgradeProblem | undefined {
  const note = readJson<UpgradeNote>(layout.agentUpgrade);
  return note?.state === 'failed' ? { id: note.id, reason: (note.reason ?? '').slice(0, 200) } : undefined;
}

/**
 * Becomes another agent: downloads it from the daemon, keeps the old file, and runs the new one. This process waits until the
 * daemon has answered a heartbeat of the new one. Otherwise it ends the new one and puts the old file back. LiveKit
 * isn't touched.
 * @returns whether the new agent has taken over
 */
export async function upgradeAgent(
  layout: Layout,
  masterUrl: string,
  upgrade: AgentUpgrade,
  log: (message: string) => void,
): Promise<boolean> {
  const { id, sha256 } = upgrade;
  const note: UpgradeNote = { id, sha256, state: 'trying', watcher: processRef(process.pid) };
  const running = readJson<ProcessRef>(layout.agentPid);
  let isReplaced = false;
  try {
    const file = await download(`${masterUrl.replace(/\/+$/, '')}/install/${sha256}/streamhub-edge.mjs`, sha256);
    copyFileSync(layout.agent, layout.agentPrevious);
    writeJson(layout.agentUpgrade, { ...note, until: Date.now() + TRIAL_MS });
    writeAtomicallySync(layout.agent, file, { mode: 0o755 });
    isReplaced = true;
    await startGuard(layout);
    log(`trying the agent ${sha256.slice(0, 12)}`);
    await startAgent(layout);
    const next = readJson<ProcessRef>(layout.agentPid) ?? null;
    const end = performance.now() + TRIAL_MS;
    while (performance.now() < end) {
      if (readJson<UpgradeNote>(layout.agentUpgrade)?.state === 'confirmed') {
        log('the daemon answers the new agent, so this one exits; LiveKit keeps running');
        return true;
      }
      if (!isAlive(next)) throw new Error('the new agent ended before it could report');
      await sleep(250);
    }
    throw new Error(`the new agent was not answered within ${TRIAL_MS / 1000} s`);
  } catch (error) {
    const reason = (error as Error).message;
    if (isReplaced) {
      await stopAgent(layout);
      takeBack(layout, reason);
      // a unit of systemd has no such file
      if (running === undefined) rmSync(layout.agentPid, { force: true });
      else writeJson(layout.agentPid, processRef(process.pid));
    }
    writeJson(layout.agentUpgrade, { ...note, state: 'failed', reason });
    log(`the agent was not upgraded, and continues as it was: ${reason}`);
    return false;
  }
}

async function download(url: string, sha256: string): Promise<Buffer> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(DOWNLOAD_MS) });
  if (!response.ok) throw new Error(`the daemon refused the new agent with ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error('the new agent is too large');
    chunks.push(chunk);
  }
  const file = Buffer.concat(chunks);
  if (digestOf(file) !== sha256) throw new Error('the new agent has another checksum than the daemon said');
  return file;
}

const digestOf = (file: Buffer): string => createHash('sha256').update(file).digest('hex');
