import { Checkbox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getAuthConfig } from '#shared/contract/auth.ts';
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
  const days = config.data?.data.sessionDays;
  return (
    <Checkbox
      label="Keep me signed in"
      description={
        days === undefined
          ? 'Only on a device that others don’t use.'
          : `For ${plural(days, 'day')} after your last visit. Only on a device that others don’t use.`
      }
      checked={keep}
      onChange={(event) => onKeep(event.currentTarget.checked)}
    />
  );
}
