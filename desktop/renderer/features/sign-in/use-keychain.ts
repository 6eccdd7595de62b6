import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { KeychainState } from '#shared/ipc/keychain.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';

/** The system's keychain; undefined in a browser. */
export function useKeychain(): KeychainState | undefined {
  const native = bridge().desktop;
  const client = useQueryClient();
  useEffect(
    () => native?.keychain.onChanged((state) => client.setQueryData(['host', 'keychain'], state)),
    [native, client],
  );
  const query = useQuery({
    queryKey: ['host', 'keychain'],
    queryFn: async () => (native ? opened(await native.keychain.state()) : null),
    enabled: native !== undefined,
    staleTime: 5000,
  });
  return query.data ?? undefined;
}
