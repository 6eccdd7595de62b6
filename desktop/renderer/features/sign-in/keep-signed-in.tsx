import { Checkbox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getAuthConfig } from '#shared/contract/auth.ts';
import type { AuthConfig } from '#shared/schema/auth.ts';
import { readOptions } from '../../api/query.ts';
import { plural } from '../../ui/words/format.ts';

/** Asks, in a browser, whether the session outlives it. */
export function KeepSignedIn({
  connectionId,
  keep,
  onKeep,
}: {
  connectionId: string;
  keep: boolean;
  onKeep: (keep: boolean) => void;
}) {
  const config = useQuery({ ...readOptions(connectionId, getAuthConfig), staleTime: 60_000 });
  const limits = config.data?.data;
  return (
    <Checkbox
      label="Keep me signed in"
      description={
        limits === undefined
          ? 'Only on a device that others don’t use.'
          : `${lasts(limits)} Only on a device that others don’t use.`
      }
      checked={keep}
      onChange={(event) => onKeep(event.currentTarget.checked)}
    />
  );
}

/** How long a kept session lasts. */
function lasts({ sessionDays, sessionMaxDays }: AuthConfig): string {
  if (sessionMaxDays <= sessionDays) return `For ${plural(sessionMaxDays, 'day')} after you sign in.`;
  return `For ${plural(sessionDays, 'day')} after your last visit, at most ${sessionMaxDays} in all.`;
}
