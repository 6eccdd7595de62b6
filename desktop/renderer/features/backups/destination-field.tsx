import { NativeSelect, type NativeSelectProps } from '@mantine/core';
import { listApps } from '#shared/contract/apps.ts';
import { useRead } from '../../api/query.ts';

/** This machine, or the bucket of an app. */
export function DestinationField(input: NativeSelectProps) {
  const apps = useRead(listApps);
  return (
    <NativeSelect
      label="Place"
      description="A copy on another machine survives this one."
      data={[
        { value: '', label: 'Folder backups on this machine' },
        ...(apps.data ?? []).map(({ name }) => ({ value: name, label: `Bucket of ${name}` })),
      ]}
      {...input}
    />
  );
}
