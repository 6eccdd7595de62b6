import { createContext, type ReactNode, useContext, useMemo } from 'react';
import type { ContractHub } from '#shared/client/contract-hub.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import { clientFor } from '../host/clients.ts';
import { useSignedIn } from './signed-in.ts';

/** The daemon whose pages are shown. */
export interface ChosenDaemon {
  id: string;
  connection: Connection;
  client: ContractHub;
  /** Who is signed in, or was until the session ended; undefined until the daemon has said so. */
  user: string | undefined;
  /** Prefix of its pages' paths: empty in the web console, `/d/<id>` in the desktop app. */
  base: string;
}

const Context = createContext<ChosenDaemon | undefined>(undefined);

export function DaemonProvider({
  connection,
  base,
  children,
}: {
  connection: Connection;
  base: string;
  children: ReactNode;
}) {
  const user = useSignedIn((all) => all[connection.id]?.user);
  const value = useMemo(
    () => ({ id: connection.id, connection, client: clientFor(connection.id), user, base }),
    [connection, user, base],
  );
  return <Context value={value}>{children}</Context>;
}

export function useDaemon(): ChosenDaemon {
  const daemon = useContext(Context);
  if (daemon === undefined) throw new Error('no daemon is at hand outside its pages');
  return daemon;
}

/** Where a daemon serves the documentation of its own version. */
export const documentationOf = ({ url }: Connection): string => `${url}/docs`;

/** The daemon at hand, or undefined on the pages that are about all of them. */
export const useMaybeDaemon = (): ChosenDaemon | undefined => useContext(Context);
