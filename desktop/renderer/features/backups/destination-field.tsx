import { NativeSelect, type NativeSelectProps } from '@mantine/core';
import { listApps } from '#shared/contract/apps.ts';
import { getBackupStorage } from '#shared/contract/backups.ts';
import { OWN_STORAGE } from '#shared/schema/backups.ts';
import { useRead } from '../../api/query.ts';

/** Where a backup is, in short. */
export const placeOf = (destination: string): string =>
  destination === '' ? 'this machine' : destination === OWN_STORAGE ? 'storage of backups' : `bucket of ${destination}`;

/** This machine, the storage of backups, or the bucket of an app. */
export function DestinationField(input: NativeSelectProps) {
  const apps = useRead(listApps);
  const own = useRead(getBackupStorage).data;
  return (
    <NativeSelect
      label="Place"
      description="A copy on another machine survives this one."
      data={[
        { value: '', label: 'Folder backups on this machine' },
        ...(own?.configured ? [{ value: OWN_STORAGE, label: `Storage of backups: ${own.bucket}` }] : []),
        ...(apps.data ?? []).map(({ name }) => ({ value: name, label: `Bucket of ${name}` })),
      ]}
      {...input}
    />
  );
}
