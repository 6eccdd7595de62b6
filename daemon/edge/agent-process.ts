import { spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Layout, readJson, writeJson } from './layout.ts';
import { isAlive, type ProcessRef, processRef, signal } from './process-table.ts';

/** Starts the agent as a separate process session. */
export async function startAgent(layout: Layout): Promise<number> {
  const pid = await startApart(layout, layout.agent, 'run');
  writeJson(layout.agentPid, processRef(pid));
  return pid;
}

/** Starts the guard of an upgrade's trial from the former agent's file; it survives the agent. */
export const startGuard = (layout: Layout): Promise<number> => startApart(layout, layout.agentPrevious, 'guard');

async function startApart(layout: Layout, file: string, command: string): Promise<number> {
  const log = openSync(layout.agentLog, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [file, command, '--prefix', layout.root], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: layout.root,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return child.pid as number;
  } finally {
    closeSync(log);
  }
}

/** Ends an agent that runs as a plain process; LiveKit continues. */
export async function stopAgent(layout: Layout): Promise<void> {
  const ref = readJson<ProcessRef>(layout.agentPid) ?? null;
  if (!isAlive(ref)) return;
  signal(ref, 'SIGTERM');
  for (let i = 0; i < 100 && isAlive(ref); i += 1) await sleep(100);
  if (isAlive(ref)) signal(ref, 'SIGKILL');
  rmSync(layout.agentPid, { force: true });
}
