import { create } from 'zustand';
import type { Problem } from '#shared/rules/problems.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';

/** A problem of one daemon among several; the id is unique over all of them. */
export interface ProblemLine extends Problem {
  connectionId: string;
}

/** The problems of each daemon, as its watcher found them. */
const useFound = create<Record<string, readonly ProblemLine[]>>(() => ({}));

export function setProblems(connectionId: string, problems: readonly Problem[]): void {
  const lines = problems.map((problem) => ({ ...problem, id: `${connectionId}:${problem.id}`, connectionId }));
  const before = useFound.getState()[connectionId];
  if (JSON.stringify(before) !== JSON.stringify(lines)) useFound.setState({ [connectionId]: lines });
}

/** The problems of the daemon at hand; on pages about all daemons those of all, the worst first. */
export function useProblems(): readonly ProblemLine[] {
  const daemon = useMaybeDaemon();
  const found = useFound();
  const lines = daemon === undefined ? Object.values(found).flat() : (found[daemon.id] ?? []);
  return lines.toSorted((a, b) => Number(a.urgency === 'warn') - Number(b.urgency === 'warn'));
}
