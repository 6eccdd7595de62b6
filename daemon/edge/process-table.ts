import { readFileSync } from 'node:fs';

export interface ProcessMark {
  pid: number;
  /** In the kernel's ticks since boot; empty where the system has no /proc. */
  startTime: string;
}

/** Marks a living process so that a later one of the same number is not taken for it. */
export function markOf(pid: number): ProcessMark | null {
  const found = statOf(pid);
  if (found === undefined) return signalWorks(pid) ? { pid, startTime: '' } : null;
  return found === null || found.state === 'Z' ? null : { pid, startTime: found.startTime };
}

export function isAlive(mark: ProcessMark | null): mark is ProcessMark {
  if (mark === null) return false;
  const now = markOf(mark.pid);
  return now !== null && now.startTime === mark.startTime;
}

/** Sends a signal; a process that is gone is no error. */
export function signal(mark: ProcessMark, name: NodeJS.Signals): void {
  if (!isAlive(mark)) return;
  try {
    process.kill(mark.pid, name);
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
