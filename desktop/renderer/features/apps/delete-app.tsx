import { Button, Checkbox, Modal, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { deleteApp, getAppSizes, listApps } from '#shared/contract/apps.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { getAppStats } from '#shared/contract/streams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGo } from '../../daemon/links.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { bytes, plural } from '../../ui/words/format.ts';

/** Says what goes and what stays, then deletes as a job whose progress the tray shows. */
export function DeleteApp({ name, onClose }: { name: string | undefined; onClose: () => void }) {
  return (
    <Modal opened={name !== undefined} onClose={onClose} title={name ? `Delete app ${name}` : ''} size={500}>
      {name ? <Form key={name} name={name} onClose={onClose} /> : null}
    </Modal>
  );
}

function Form({ name, onClose }: { name: string; onClose: () => void }) {
  const go = useGo();
  const params = { params: { name } };
  const sizes = useRead(getAppSizes, params, { staleTime: 0 });
  const s3 = useRead(getS3, params);
  const stats = useRead(getAppStats, { params: { app: name } }, { staleTime: 0 });
  const remove = useChange(deleteApp, { refreshes: [listApps, listJobs] });
  const [withVods, setWithVods] = useState(false);
  const [typed, setTyped] = useState('');
  const vods = sizes.data?.vodCount;
  const amount = sizes.data
    ? `${plural(sizes.data.vodCount, 'recording')} (${bytes(sizes.data.vodTotalBytes)})`
    : 'all recordings';
  const bucket = s3.data?.bucket ? ` from bucket ${s3.data.bucket}` : '';
  const live = stats.data?.live.activeStreams ?? 0;
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const query = withVods ? { deleteVods: 'true' as const } : {};
    const done = await remove.mutateAsync({ ...params, query, headers: { prefer: 'respond-async' } }).then(
      () => true,
      () => false,
    );
    if (!done) return;
    onClose();
    go('/apps');
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      {live > 0 ? (
        <Notice tone="warn" title={`${plural(live, 'stream')} live in it now`}>
          <p>Viewers are not told; ending the streams first is kinder.</p>
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
            checked={withVods}
            onChange={(event) => setWithVods(event.currentTarget.checked)}
            label={`Also delete ${amount}${bucket}`}
          />
          <p className="dim">
            {withVods
              ? `Deletes ${amount}${bucket}, with their variants and pictures${bucket ? ', and their older versions where the bucket keeps them' : ''}. This cannot be undone.`
              : `${amount} stay${vods === 1 ? 's' : ''} where ${vods === 1 ? 'it is' : 'they are'}${bucket ? `, in bucket ${s3.data?.bucket}` : ''}; StreamHub forgets about ${vods === 1 ? 'it' : 'them'}.`}
          </p>
        </>
      )}
      <TextInput
        label={
          <>
            Type <code>{name}</code> to go on
          </>
        }
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
      />
      {remove.error ? <Problem error={remove.error} title="The app was not deleted." /> : null}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="filled" color="danger" disabled={typed !== name} loading={remove.isPending}>
          {withVods ? 'Delete app and recordings' : 'Delete app'}
        </Button>
      </div>
    </form>
  );
}
