import { readFileSync } from 'node:fs';

export interface ProcessRef {
  pid: number;
  /** In the kernel's ticks since boot; empty where the system has no /proc. */
  startTime: string;
}

/** Identifies a running process, so that a later one with the same id isn't mistaken for it. */
export function processRef(pid: number): ProcessRef | null {
  const found = statOf(pid);
  if (found === undefined) return signalWorks(pid) ? { pid, startTime: '' } : null;
  return found === null || found.state === 'Z' ? null : { pid, startTime: found.startTime };
}

export function isAlive(ref: ProcessRef | null): ref is ProcessRef {
  if (ref === null) return false;
  const now = processRef(ref.pid);
  return now !== null && now.startTime === ref.startTime;
}

/** Sends a signal; a process that is gone is not an error. */
export function signal(ref: ProcessRef, name: NodeJS.Signals): void {
  if (!isAlive(ref)) return;
  try {
    process.kill(ref.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** null = no such process; undefined = no /proc here. */
function statOf(pid: number): { state: string; startTime: string } | null | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return process.platform === 'linux' ? null : undefined;
  }
  // the second field is the program's name in parentheses and may hold anything
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

function signalWorks(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
