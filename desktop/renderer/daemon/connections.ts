import { create } from 'zustand';
import type { Connection } from '#shared/ipc/connections.ts';

interface ConnectionsState {
  /** False until the host has answered once. */
  isKnown: boolean;
  list: Connection[];
}

/** The host's list of connections, mirrored. */
export const useConnections = create<ConnectionsState>(() => ({ isKnown: false, list: [] }));

export function mirrorConnections(list: Connection[]): void {
  useConnections.setState({ isKnown: true, list });
}
