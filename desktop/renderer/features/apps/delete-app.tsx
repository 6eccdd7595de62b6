import { Checkbox } from '@mantine/core';
import { deleteApp, getAppSizes, listApps } from '#shared/contract/apps.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { getAppStats } from '#shared/contract/streams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGo } from '../../daemon/links.tsx';
import { TypeName } from '../../ui/feedback/confirm.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { bytes, plural, recordingsOf } from '../../ui/words/format.ts';

/** Shows what is deleted and what stays, then starts the deletion job. The tray shows its progress. */
export const openDeleteApp = (name: string): void =>
  openDialog({
    title: `Delete app ${name}`,
    size: 500,
    content: (close) => <DeleteForm name={name} onClose={close} />,
  });

function DeleteForm({ name, onClose }: { name: string; onClose: () => void }) {
  const go = useGo();
  const params = { params: { name } };
  const sizes = useRead(getAppSizes, params, { staleTime: 0 });
  const s3 = useRead(getS3, params);
  const stats = useRead(getAppStats, { params: { app: name } }, { staleTime: 0 });
  const remove = useChange(deleteApp, { refreshes: [listApps, listJobs] });
  const form = useApiForm({
    initialValues: { withVods: false, leaveObjects: false, typed: '' },
    send: (values) =>
      remove.mutateAsync({
        ...params,
        query: values.withVods ? { deleteVods: true, ...(values.leaveObjects ? { leaveObjects: true } : {}) } : {},
        headers: { prefer: 'respond-async' },
      }),
    onDone: () => {
      onClose();
      go('/apps');
    },
  });
  const { withVods, leaveObjects } = form.values;
  const vods = sizes.data?.vodCount;
  const amount = sizes.data
    ? `${plural(recordingsOf(sizes.data), 'recording')} (${bytes(sizes.data.vodTotalBytes)})`
    : 'all recordings';
  const bucket = s3.data?.bucket ? ` from bucket ${s3.data.bucket}` : '';
  const live = stats.data?.live.activeStreams ?? 0;
  return (
    <Form
      form={form}
      action={withVods ? 'Delete app and recordings' : 'Delete app'}
      problemTitle="The app was not deleted."
      onCancel={onClose}
      isDisabled={form.values.typed !== name}
      isDangerous
    >
      {live > 0 ? (
        <Notice tone="warn" title={`${plural(live, 'stream')} live in it now`}>
          <p>Viewers get no notice, so end the streams first.</p>
        </Notice>
      ) : null}
      <p>
        Deletes the app with its config, database, API tokens and stored credentials. The config and database go to the
        archive folder of the daemon.
      </p>
      {vods === 0 ? (
        <p>It has no recordings.</p>
      ) : (
        <>
          <Checkbox
            {...form.getInputProps('withVods', { type: 'checkbox' })}
            label={`Also delete ${amount}${bucket}`}
          />
          <p className="dim">
            {withVods && leaveObjects
              ? `Deletes the recordings from StreamHub. Their objects stay${bucket ? ` in bucket ${s3.data?.bucket}` : ''} and take space there; StreamHub doesn't contact the storage.`
              : withVods
                ? `Deletes ${amount}${bucket}, with their variants and pictures${bucket ? ', and their older versions where the bucket keeps them' : ''}. This cannot be undone.`
                : `${amount} stay${vods === 1 ? 's' : ''} where ${vods === 1 ? 'it is' : 'they are'}${bucket ? `, in bucket ${s3.data?.bucket}` : ''}; StreamHub forgets about ${vods === 1 ? 'it' : 'them'}.`}
          </p>
          {withVods && bucket ? (
            <Checkbox
              {...form.getInputProps('leaveObjects', { type: 'checkbox' })}
              label="The bucket is gone for good: leave the objects"
            />
          ) : null}
        </>
      )}
      <TypeName name={name} {...form.getInputProps('typed')} />
    </Form>
  );
}
