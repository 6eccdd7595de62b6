import { Button, NativeSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconVideo } from '@tabler/icons-react';
import { getAppSizes } from '#shared/contract/apps.ts';
import { getJob, listJobs } from '#shared/contract/jobs.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { stopRecording } from '#shared/contract/recording.ts';
import { getAppStats } from '#shared/contract/streams.ts';
import { deleteVod, getVod, listVods, transcodeVod } from '#shared/contract/vods.ts';
import { VOD_STATUSES } from '#shared/schema/vods.ts';
import { useChange, usePages, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { RemedyLink } from '../../ui/feedback/remedy-link.tsx';
import { State, type Tone } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Facts, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { usePanelKey } from '../../ui/layout/panel-key.ts';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { bytes, clock, plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { JobProgress } from '../jobs/job-progress.tsx';
import classes from './streams.module.css';
import { VodPlayer } from './vod-player.tsx';

type Vod = ResultOf<typeof listVods>['data'][number];
type VodDetail = ResultOf<typeof getVod>;
const TONES: Record<Vod['status'], Tone> = {
  starting: 'busy',
  recording: 'busy',
  uploading: 'busy',
  ready: 'ok',
  failed: 'danger',
  cancelled: 'muted',
};
const refreshes = [listVods, getVod, getAppStats, getAppSizes];
type Transcoding = NonNullable<Vod['transcoding']>;
const LADDER: Record<Transcoding['state'], { tone: Tone; words: string }> = {
  queued: { tone: 'muted', words: 'Queued' },
  running: { tone: 'busy', words: 'Transcoding' },
  waiting: { tone: 'warn', words: 'Retrying' },
  ready: { tone: 'ok', words: 'Ready' },
  failed: { tone: 'danger', words: 'Failed' },
  cancelled: { tone: 'muted', words: 'Cancelled' },
};

/** What was recorded: to watch, to link to, to delete. */
export function RecordingsTab({ app }: { app: string }) {
  const [search, setSearch] = useSearchState();
  const panelKey = usePanelKey(search['vod']);
  const [q] = useDebouncedValue(search['q'] ?? '', 300);
  const status = search['status'] as Vod['status'] | undefined;
  const { pages, rows, total, readMore } = usePages(
    listVods,
    { params: { app }, query: { ...(status ? { status } : {}), ...(q ? { q } : {}) } },
    { keep: true },
  );
  const open = search['vod'] === undefined ? undefined : Number(search['vod']);
  return (
    <>
      <Toolbar>
        <SearchBox label="Find by name or room" value={search['q'] ?? ''} onChange={(q) => setSearch({ q })} />
        <NativeSelect
          aria-label="State"
          data={[{ value: '', label: 'Any state' }, ...VOD_STATUSES]}
          value={status ?? ''}
          onChange={(event) => setSearch({ status: event.currentTarget.value })}
        />
        <span className="dim">{pages.data ? plural(total, 'recording') : ''}</span>
      </Toolbar>
      <QueryView query={pages} what="the recordings" fill>
        {() => (
          <TablePanel>
            <DataTable
              name="vods"
              label="Recordings"
              columns={columns}
              rows={rows}
              rowKey={(vod) => vod.id}
              openKey={open ?? null}
              onOpen={(vod) => setSearch({ vod: String(vod.id) })}
              onEnd={readMore}
              empty={
                q || status ? (
                  <Empty
                    title="No recording matches"
                    action={<Button onClick={() => setSearch({ q: '', status: '' })}>Clear the filter</Button>}
                  />
                ) : (
                  <Empty title="No recordings yet" icon={<IconVideo size={32} stroke={1.3} />}>
                    Start a recording from a live stream, or set recording.auto in the config to record every room.
                  </Empty>
                )
              }
            />
          </TablePanel>
        )}
      </QueryView>
      <VodPanel key={panelKey} app={app} id={open} onClose={() => setSearch({ vod: undefined })} />
    </>
  );
}

const columns: readonly Column<Vod>[] = [
  {
    id: 'status',
    header: 'State',
    width: '110px',
    sort: (vod) => vod.status,
    cell: (vod) => (
      <State tone={TONES[vod.status]} title={vod.error ?? undefined}>
        {vod.status}
      </State>
    ),
  },
  {
    id: 'name',
    header: 'Name',
    isName: true,
    width: 'minmax(180px, 2.5fr)',
    sort: (vod) => vod.name,
    cell: (vod) => <span title={vod.name}>{vod.name}</span>,
  },
  {
    id: 'room',
    header: 'Room',
    width: 'minmax(90px, 1fr)',
    from: 'medium',
    sort: (vod) => vod.room,
    cell: (vod) => <code>{vod.room}</code>,
  },
  {
    id: 'length',
    header: 'Length',
    width: '72px',
    align: 'end',
    sort: (vod) => vod.durationS,
    cell: (vod) => (vod.durationS === null ? '' : clock(vod.durationS)),
  },
  {
    id: 'size',
    header: 'Size',
    width: '84px',
    align: 'end',
    sort: (vod) => vod.sizeBytes,
    cell: (vod) => (vod.sizeBytes === null ? '' : bytes(vod.sizeBytes)),
  },
  {
    id: 'bucket',
    header: 'Bucket',
    width: 'minmax(90px, 1fr)',
    from: 'wide',
    cell: (vod) => vod.storageBucket ?? (vod.localPath ? <span className="dim">this daemon’s disk</span> : ''),
  },
  {
    id: 'started',
    header: 'Started',
    width: '110px',
    sort: (vod) => Date.parse(vod.startedAt),
    cell: (vod) => <Ago at={vod.startedAt} />,
  },
];

function VodPanel({ app, id, onClose }: { app: string; id: number | undefined; onClose: () => void }) {
  const params = { params: { app, id: id ?? 0 } };
  const vod = useRead(getVod, params, { enabled: id !== undefined });
  const remove = useChange(deleteVod, { refreshes, timeout: 60_000 });
  const stop = useChange(stopRecording, { refreshes, timeout: 60_000 });
  const lack = useLack(deleteVod);
  const isRunning = vod.data?.status === 'recording' || vod.data?.status === 'starting';
  const isElsewhere = vod.data?.storageProvider === 'elsewhere';
  return (
    <SidePanel
      isOpen={id !== undefined}
      onClose={onClose}
      title={vod.data?.name ?? 'Recording'}
      size={620}
      footer={
        vod.data ? (
          <>
            <Button
              color="danger"
              disabled={lack !== undefined || isRunning}
              title={isRunning ? 'Stop it first.' : undefined}
              onClick={() =>
                ask({
                  title: `Delete ${vod.data.name}`,
                  body: isElsewhere ? (
                    <p>
                      Removes the recording from this list. The file stays at {vod.data.s3Url ?? 'an unknown address'}:
                      it isn’t in a storage of this app.
                    </p>
                  ) : (
                    <p>
                      Deletes the file{vod.data.sizeBytes ? ` (${bytes(vod.data.sizeBytes)})` : ''} with its pictures
                      and variants
                      {vod.data.storageBucket ? ` from bucket ${vod.data.storageBucket}` : ''}. This cannot be undone.
                    </p>
                  ),
                  action: 'Delete recording',
                  isDangerous: true,
                  run: async () => {
                    await remove.mutateAsync(params);
                    onClose();
                  },
                })
              }
            >
              Delete…
            </Button>
            {vod.data.storageBucket && (remove.error || vod.data.urlProblem) ? (
              <Button
                color="danger"
                disabled={lack !== undefined || isRunning}
                onClick={() =>
                  ask({
                    title: `Remove ${vod.data.name} and leave its objects`,
                    body: (
                      <p>
                        Removes the recording from StreamHub. Its objects stay in bucket {vod.data.storageBucket} and
                        take space there; StreamHub doesn’t contact the storage. This cannot be undone.
                      </p>
                    ),
                    action: 'Remove recording',
                    isDangerous: true,
                    run: async () => {
                      await remove.mutateAsync({ ...params, query: { leaveObjects: true } });
                      onClose();
                    },
                  })
                }
              >
                Leave its objects…
              </Button>
            ) : null}
            <span className="grow" />
            {isRunning ? (
              <Button variant="filled" loading={stop.isPending} onClick={() => stop.mutate(params)}>
                Stop recording
              </Button>
            ) : vod.data.downloadUrl ? (
              <Button component="a" href={vod.data.downloadUrl} target="_blank" rel="noreferrer" variant="filled">
                Download
              </Button>
            ) : null}
          </>
        ) : undefined
      }
    >
      <QueryView query={vod} what="the recording">
        {(data) => (
          <div className="stack">
            {stop.error ? <Problem error={stop.error} title="The recording was not stopped." /> : null}
            <VodPlayer vod={data} />
            {data.error ? (
              <Notice tone="danger" title={data.error}>
                <RemedyLink
                  remedy={{
                    label: 'Find in the log',
                    path: `/apps/${app}/logs`,
                    search: { q: data.room, level: 'error', range: '7d' },
                  }}
                />
              </Notice>
            ) : null}
            {data.note ? <Notice tone="warn" title={data.note} /> : null}
            {data.urlProblem ? (
              <Notice
                tone="warn"
                title={
                  data.storageProvider === 'elsewhere'
                    ? 'Not in this app’s storage'
                    : data.linkState === 'refused'
                      ? 'The storage refuses links to it'
                      : 'There is no link to it'
                }
              >
                <p>{data.urlProblem}</p>
              </Notice>
            ) : null}
            <Facts
              items={{
                Link: data.url ? (
                  <>
                    <Mono what="link">{data.url}</Mono>
                    <span className="dim">{data.publicUrl ? 'public' : 'signed, ends 7 days from now or sooner'}</span>
                  </>
                ) : undefined,
                State: <State tone={TONES[data.status]}>{data.status}</State>,
                Room: <Mono what="room">{data.room}</Mono>,
                Stream: data.streamId ? (
                  <Mono what="stream id">{data.streamId}</Mono>
                ) : (
                  <span className="dim">the whole room</span>
                ),
                Began: <At at={data.startedAt} />,
                Ended: data.endedAt ? <At at={data.endedAt} /> : undefined,
                Length: data.durationS === null ? undefined : clock(data.durationS),
                Size: data.sizeBytes === null ? undefined : bytes(data.sizeBytes),
                Picture: data.width && data.height ? pictureOf(data) : undefined,
                Sound: data.audioCodec ?? undefined,
                Part: data.part ?? undefined,
                Object: data.fileKey ? <Mono what="key">{data.fileKey}</Mono> : undefined,
                Address:
                  data.storageProvider === 'elsewhere' && data.s3Url ? (
                    <Mono what="address">{data.s3Url}</Mono>
                  ) : undefined,
                Bucket: data.storageBucket
                  ? `${data.storageBucket} (${data.storageProvider ?? 'unknown provider'})`
                  : undefined,
                File: data.localPath ? <Mono what="path">{data.localPath}</Mono> : undefined,
              }}
            />
            <Ladder app={app} vod={data} />
            {data.variants.length > 0 ? (
              <ul className={classes.variants}>
                {data.variants.map((variant) => (
                  <li key={variant.id}>
                    <span>
                      {variant.kind} {variant.height ? `${variant.height} lines` : ''} {variant.format ?? ''}
                    </span>
                    <span className="dim">{variant.sizeBytes === null ? '' : bytes(variant.sizeBytes)}</span>
                    {variant.url ? (
                      <a href={variant.url} target="_blank" rel="noreferrer">
                        Open
                      </a>
                    ) : null}
                  </li>
                ))}
              </ul>
            ) : null}
          </div>
        )}
      </QueryView>
    </SidePanel>
  );
}

/** E.g. `1920 × 1080, h264, 30 frames/s`. */
function pictureOf({ width, height, videoCodec, frameRate }: VodDetail): string {
  const rate = frameRate === null ? null : `${Math.round(frameRate * 100) / 100} frames/s`;
  return [`${width} × ${height}`, videoCodec, rate].filter((part) => part !== null).join(', ');
}

/** The job that makes an HLS ladder: how far it is, and a way to begin it. */
function Ladder({ app, vod }: { app: string; vod: VodDetail }) {
  const { transcoding } = vod;
  const isActive = transcoding !== null && ['queued', 'running', 'waiting'].includes(transcoding.state);
  const job = useRead(getJob, { params: { id: transcoding?.jobId ?? 0 } }, { enabled: isActive });
  const transcode = useChange(transcodeVod, { refreshes: [getVod, listVods, listJobs] });
  const lack = useLack(transcodeVod);
  if (vod.status !== 'ready') return null;
  const state = transcoding && LADDER[transcoding.state];
  return (
    <>
      <Facts
        items={{
          'HLS ladder': state ? <State tone={state.tone}>{state.words}</State> : <span className="dim">none</span>,
          'HLS link': vod.hlsUrl ? <Mono what="HLS link">{vod.hlsUrl}</Mono> : undefined,
        }}
      />
      {isActive && job.data ? <JobProgress job={job.data} /> : null}
      {transcoding?.problem && transcoding.state !== 'failed' ? <p className="dim">{transcoding.problem}</p> : null}
      {isActive || transcoding?.state === 'ready' ? null : (
        <Button
          disabled={lack !== undefined}
          title={lack}
          loading={transcode.isPending}
          onClick={() => transcode.mutate({ params: { app, id: vod.id } })}
        >
          Make HLS ladder
        </Button>
      )}
      {transcode.error ? <Problem error={transcode.error} title="No ladder is made." /> : null}
    </>
  );
}
