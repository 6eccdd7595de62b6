import { Button, NativeSelect } from '@mantine/core';
import { IconWebhook } from '@tabler/icons-react';
import {
  getCallbacks,
  getDelivery,
  listDeliveries,
  redeliver,
  redeliverDead,
  skipDeliveries,
  testCallback,
} from '#shared/contract/callbacks.ts';
import { getMqtt } from '#shared/contract/mqtt.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange, usePages, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, type Tone } from '../../ui/feedback/state.tsx';
import { Facts, Panel, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { count, plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { MqttPanel } from './mqtt-panel.tsx';
import { SigningSecret } from './signing-secret.tsx';

type Delivery = ResultOf<typeof listDeliveries>['data'][number];
const TONES: Record<Delivery['state'], Tone> = { pending: 'busy', delivered: 'ok', dead: 'danger' };
const WORDS: Record<Delivery['state'], string> = { pending: 'waits', delivered: 'delivered', dead: 'given up' };
const refreshes = [getCallbacks, getMqtt, listDeliveries, getDelivery];
/** Receiver are shown: those of the callback URL unless the address of the page says otherwise. */
const receiverOf = (search: Record<string, unknown>): { receiver?: 'mqtt' } =>
  search['receiver'] === 'mqtt' ? { receiver: 'mqtt' } : {};

/** Events that are posted to the app's own service: whether they arrive, and what to do when not. */
export function CallbacksTab({ app }: { app: string }) {
  const [search, setSearch] = useSearchState();
  const receiver = receiverOf(search);
  const mqtt = useRead(getMqtt, { params: { app } }, { every: 15_000 });
  const state = useRead(getCallbacks, { params: { app } }, { every: 15_000 });
  const wanted = search['state'] as Delivery['state'] | undefined;
  const { rows, readMore } = usePages(
    listDeliveries,
    { params: { app }, query: wanted ? { ...receiver, state: wanted } : receiver },
    { keep: true },
  );
  const lack = useLack(testCallback);
  const test = useChange(testCallback, { refreshes });
  const again = useChange(redeliverDead, { refreshes });
  const skip = useChange(skipDeliveries, { refreshes });
  const open = rows.find((row) => row.id === search['delivery']);
  return (
    <QueryView query={state} what="the callbacks" fill>
      {(now) => {
        const figures = (receiver.receiver && mqtt.data) || now;
        return now.url === '' && rows.length === 0 && (mqtt.data?.state ?? 'off') === 'off' ? (
          <>
            <Empty
              title="Callbacks are off"
              icon={<IconWebhook size={32} stroke={1.3} />}
              action={<GoTo to={`/apps/${app}/callback-settings`}>Set a URL</GoTo>}
            >
              With an address set, StreamHub posts there what happens in this app: streams, participants, recordings.
              Each is retried for hours, in order.
            </Empty>
            <MqttPanel app={app} />
          </>
        ) : (
          <>
            {now.failingSince ? (
              <Notice
                tone="danger"
                title={`The receiver refuses callbacks${now.lastError ? `: ${now.lastError}` : ''}`}
              >
                <p>
                  Since <Ago at={now.failingSince} />.{' '}
                  {now.nextAttemptAt ? (
                    <>
                      Tried again <At at={now.nextAttemptAt} />.
                    </>
                  ) : null}
                </p>
                {now.pending > 0 ? (
                  <Button
                    size="xs"
                    disabled={lack !== undefined}
                    onClick={() =>
                      ask({
                        title: 'Skip the next callback',
                        body: (
                          <p>
                            {plural(now.pending, 'event')} wait. The first one is given up, and the next one is sent.
                            You can send it again from the list of those given up.
                          </p>
                        ),
                        action: 'Skip callback',
                        run: async () => void (await skip.mutateAsync({ params: { app }, body: {} })),
                      })
                    }
                  >
                    Skip this one
                  </Button>
                ) : null}
              </Notice>
            ) : null}
            <Panel
              title="Receiver"
              actions={
                <Button
                  size="xs"
                  disabled={lack !== undefined || now.url === ''}
                  loading={test.isPending}
                  onClick={() =>
                    test.mutate({ params: { app } }, { onSuccess: (sent) => markChanged('deliveries', sent.id) })
                  }
                >
                  Send a test
                </Button>
              }
            >
              <Facts
                items={{
                  Address: now.url ? (
                    <Mono what="address">{now.url}</Mono>
                  ) : (
                    <span className="dim">none: callbacks are off</span>
                  ),
                  Signature: (
                    <span className="row">
                      <State tone={now.signed ? 'ok' : 'muted'}>
                        {now.signed ? 'signed with the secret' : 'not signed: the receiver cannot verify the sender'}
                      </State>
                      <SigningSecret app={app} isSigned={now.signed} />
                    </span>
                  ),
                  'Last 24 hours': `${plural(now.delivered24h, 'event')} delivered`,
                  'Last delivered': <Ago at={now.lastDeliveredAt} />,
                }}
              />
            </Panel>
            {test.error ? <Problem error={test.error} /> : null}
            {again.error ? <Problem error={again.error} /> : null}
            <MqttPanel app={app} />
            <Toolbar>
              {(mqtt.data?.state ?? 'off') !== 'off' || receiver.receiver ? (
                <NativeSelect
                  aria-label="Receiver"
                  data={[
                    { value: '', label: 'To the callback URL' },
                    { value: 'mqtt', label: 'To the MQTT broker' },
                  ]}
                  value={receiver.receiver ?? ''}
                  onChange={(event) => setSearch({ receiver: event.currentTarget.value, delivery: undefined })}
                />
              ) : null}
              <NativeSelect
                aria-label="Which deliveries"
                data={[
                  { value: '', label: 'All deliveries' },
                  { value: 'pending', label: `Waiting (${count(figures.pending)})` },
                  { value: 'dead', label: `Given up (${count(figures.dead)})` },
                  { value: 'delivered', label: 'Delivered' },
                ]}
                value={wanted ?? ''}
                onChange={(event) => setSearch({ state: event.currentTarget.value })}
              />
              <span className="grow" />
              {figures.dead > 0 ? (
                <Button
                  disabled={lack !== undefined}
                  loading={again.isPending}
                  onClick={() => again.mutate({ params: { app }, query: receiver })}
                >
                  Resend all given up
                </Button>
              ) : null}
            </Toolbar>
            <TablePanel>
              <DataTable
                name="deliveries"
                label="Deliveries"
                columns={columns}
                rows={rows}
                rowKey={(row) => row.id}
                openKey={open?.id ?? null}
                onOpen={(row) => setSearch({ delivery: row.id })}
                onEnd={readMore}
                empty={<Empty title={wanted ? 'No deliveries in this state' : 'Nothing was sent yet'} />}
              />
            </TablePanel>
            <DeliveryPanel
              app={app}
              id={open?.id}
              receiver={receiver}
              onClose={() => setSearch({ delivery: undefined })}
            />
          </>
        );
      }}
    </QueryView>
  );
}

const columns: readonly Column<Delivery>[] = [
  { id: 'seq', header: 'No.', width: '64px', align: 'end', cell: (row) => count(row.seq) },
  {
    id: 'state',
    header: 'State',
    width: '110px',
    cell: (row) => <State tone={TONES[row.state]}>{WORDS[row.state]}</State>,
  },
  { id: 'event', header: 'Event', isName: true, width: 'minmax(130px, 1fr)', cell: (row) => <code>{row.event}</code> },
  {
    id: 'room',
    header: 'Room',
    width: 'minmax(90px, 1fr)',
    from: 'medium',
    cell: (row) => (row.room ? <code>{row.room}</code> : ''),
  },
  { id: 'tries', header: 'Tries', width: '52px', align: 'end', cell: (row) => row.attempts },
  {
    id: 'answer',
    header: 'Last answer',
    width: 'minmax(120px, 1.5fr)',
    cell: (row) =>
      row.lastError ? (
        <span title={row.lastError}>{row.lastError}</span>
      ) : row.lastStatus ? (
        `HTTP ${row.lastStatus}`
      ) : (
        <span className="dim">none yet</span>
      ),
  },
  { id: 'created', header: 'Happened', width: '110px', cell: (row) => <Ago at={row.createdAt} /> },
];

function DeliveryPanel({
  app,
  id,
  receiver,
  onClose,
}: {
  app: string;
  id: string | undefined;
  receiver: { receiver?: 'mqtt' };
  onClose: () => void;
}) {
  const delivery = useRead(
    getDelivery,
    { params: { app, id: id ?? '' }, query: receiver },
    { enabled: id !== undefined },
  );
  const send = useChange(redeliver, { refreshes });
  const skip = useChange(skipDeliveries, { refreshes });
  const waiting = delivery.data?.state === 'pending' ? delivery.data.seq : undefined;
  const lack = useLack(redeliver);
  return (
    <SidePanel
      isOpen={id !== undefined}
      onClose={onClose}
      title={delivery.data?.event ?? 'Delivery'}
      size={560}
      footer={
        <>
          {waiting !== undefined ? (
            <Button
              disabled={lack !== undefined}
              onClick={() =>
                ask({
                  title: `Skip up to number ${count(waiting)}`,
                  body: <p>Gives up this callback and all that wait before it. You can send them again later.</p>,
                  action: 'Skip callbacks',
                  run: async () =>
                    void (await skip.mutateAsync({ params: { app }, query: receiver, body: { untilSeq: waiting } })),
                })
              }
            >
              Skip up to here
            </Button>
          ) : null}
          <Button
            variant="filled"
            disabled={lack !== undefined}
            loading={send.isPending}
            onClick={() =>
              id &&
              send.mutate({ params: { app, id }, query: receiver }, { onSuccess: () => markChanged('deliveries', id) })
            }
          >
            Send again
          </Button>
        </>
      }
    >
      <QueryView query={delivery} what="the delivery">
        {(row) => (
          <>
            {send.error ? <Problem error={send.error} /> : null}
            <State tone={TONES[row.state]}>{WORDS[row.state]}</State>
            {row.lastError ? <Notice tone="danger" title={row.lastError} /> : null}
            <Facts
              items={{
                Delivery: <Mono what="delivery id">{row.id}</Mono>,
                Number: count(row.seq),
                Tries: row.attempts,
                'Last try': row.lastAttemptAt ? <At at={row.lastAttemptAt} /> : <span className="dim">none yet</span>,
                'Next try': row.nextAttemptAt ? <At at={row.nextAttemptAt} /> : undefined,
                Delivered: row.deliveredAt ? <At at={row.deliveredAt} /> : undefined,
              }}
            />
            <div>
              <p className="dim">Message</p>
              <CopyBox text={JSON.stringify(row.message, null, 2)} what="message" wrap={false} />
            </div>
          </>
        )}
      </QueryView>
    </SidePanel>
  );
}
