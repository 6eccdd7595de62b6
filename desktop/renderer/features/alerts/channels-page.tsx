import { Button, NativeSelect, NumberInput, PasswordInput, Switch, Textarea, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import {
  createAlertChannel,
  deleteAlertChannel,
  listAlertChannels,
  listAlertRules,
  testAlertChannel,
  updateAlertChannel,
} from '#shared/contract/alerts.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import { TablePanel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { AlertsFrame } from './alerts-frame.tsx';
import { canNotify } from './browser-notice.ts';

type Channel = ResultOf<typeof listAlertChannels>['data'][number];
type Kind = Channel['kind'];
const refreshes = [listAlertChannels];
const ADD = 'new';

/** What a kind of channel is called, and what it asks for. */
const KINDS: Readonly<Record<Kind, { label: string; url?: string; secret?: string; isUrlOptional?: true }>> = {
  email: { label: 'Email' },
  webhook: { label: 'Webhook (JSON)', url: 'URL', secret: 'Signing secret' },
  slack: { label: 'Slack', url: 'URL of the incoming webhook' },
  discord: { label: 'Discord', url: 'URL of the webhook' },
  teams: { label: 'Microsoft Teams', url: 'URL of the workflow' },
  ntfy: { label: 'ntfy', url: 'URL with the topic', secret: 'Access token' },
  pagerduty: { label: 'PagerDuty', url: 'URL, only for another region', secret: 'Routing key', isUrlOptional: true },
  desktop: { label: 'Desktop notification' },
};

const columns: readonly Column<Channel>[] = [
  {
    id: 'state',
    header: 'State',
    width: '100px',
    sort: (channel) => (channel.failingSince === null ? Number(!channel.enabled) : -1),
    cell: ({ enabled, failingSince }) =>
      failingSince === null ? (
        <State tone={enabled ? 'ok' : 'muted'}>{enabled ? 'on' : 'off'}</State>
      ) : (
        <State tone="danger">failing</State>
      ),
  },
  {
    id: 'name',
    header: 'Channel',
    isName: true,
    width: 'minmax(140px, 1fr)',
    sort: (channel) => channel.name,
    cell: (channel) => channel.name,
  },
  { id: 'kind', header: 'Kind', width: '170px', sort: ({ kind }) => kind, cell: ({ kind }) => KINDS[kind].label },
  {
    id: 'to',
    header: 'Receiver',
    width: 'minmax(140px, 2fr)',
    from: 'medium',
    cell: ({ kind, to, address }) => (kind === 'email' ? to.join(', ') : address),
  },
  {
    id: 'min',
    header: 'Told',
    width: '120px',
    from: 'wide',
    cell: ({ minSeverity }) => (minSeverity === 'critical' ? 'critical only' : 'everything'),
  },
  {
    id: 'sent',
    header: 'Last sent',
    width: '110px',
    sort: ({ lastSentAt }) => (lastSentAt ? Date.parse(lastSentAt) : null),
    cell: ({ lastSentAt }) => <Ago at={lastSentAt} />,
  },
];

/** How alerts leave: each way with its state, and a test. */
export function ChannelsPage() {
  const [search, setSearch] = useSearchState();
  const channels = useRead(listAlertChannels, undefined, { every: 30_000 });
  const lack = useLack(createAlertChannel);
  const wanted = search['channel'];
  const open = channels.data?.find(({ id }) => String(id) === wanted);
  const close = (): void => setSearch({ channel: undefined });
  return (
    <AlertsFrame
      current="channels"
      actions={
        <>
          <AllowNotifications />
          <Button
            variant="filled"
            leftSection={<IconPlus size={14} />}
            disabled={lack !== undefined}
            title={lack && `You need ${lack}.`}
            onClick={() => setSearch({ channel: ADD })}
          >
            Add channel
          </Button>
        </>
      }
    >
      <QueryView query={channels} what="the channels" fill>
        {(list) => (
          <TablePanel>
            <DataTable
              name="alert-channels"
              label="Channels"
              columns={columns}
              rows={list}
              rowKey={({ id }) => id}
              openKey={open?.id ?? null}
              onOpen={({ id }) => setSearch({ channel: String(id) })}
              isDim={({ enabled }) => !enabled}
              empty={<Empty title="No channels">Incidents are shown in the console only.</Empty>}
            />
          </TablePanel>
        )}
      </QueryView>
      <SidePanel
        isOpen={open !== undefined || wanted === ADD}
        onClose={close}
        title={open?.name ?? 'Add channel'}
        size={500}
      >
        {open === undefined ? null : <ChannelState key={open.id} channel={open} onGone={close} />}
        {open !== undefined || wanted === ADD ? <ChannelForm key={wanted} channel={open} onClose={close} /> : null}
      </SidePanel>
    </AlertsFrame>
  );
}

/** Browsers ask the person only after a click. */
function AllowNotifications() {
  const [permission, setPermission] = useState(() => (canNotify() ? Notification.permission : 'denied'));
  if (permission !== 'default') return null;
  return (
    <Button onClick={() => void Notification.requestPermission().then(setPermission)}>
      Allow notifications in this browser
    </Button>
  );
}

function ChannelState({ channel, onGone }: { channel: Channel; onGone: () => void }) {
  const test = useChange(testAlertChannel, { refreshes, timeout: 60_000 });
  const remove = useChange(deleteAlertChannel, { refreshes: [...refreshes, listAlertRules] });
  const lack = useLack(testAlertChannel);
  const { id, name, lastError, failingSince, held } = channel;
  return (
    <div className="stack">
      {failingSince === null ? null : (
        <Notice tone="danger" title={lastError ?? 'Messages can’t be delivered.'}>
          <p>
            Since <Ago at={failingSince} />. It is tried again for a day.
          </p>
        </Notice>
      )}
      {held === 0 ? null : (
        <Notice
          tone="warn"
          title={`${plural(held, 'change waits', 'changes wait')} until the hourly limit allows more messages`}
        />
      )}
      {test.error ? <Problem error={test.error} /> : null}
      {remove.error ? <Problem error={remove.error} /> : null}
      {test.data ? (
        <div role="status">
          <State tone={test.data.ok ? 'ok' : 'danger'}>
            {test.data.ok ? 'The test was delivered.' : (test.data.error ?? 'The test failed.')}
          </State>
          {test.data.answer ? <p className="dim">The receiver answered: {test.data.answer}</p> : null}
        </div>
      ) : null}
      <div className="row">
        <Button disabled={lack !== undefined} loading={test.isPending} onClick={() => test.mutate({ params: { id } })}>
          Send test
        </Button>
        <Button
          variant="subtle"
          disabled={lack !== undefined}
          onClick={() =>
            ask({
              title: `Delete the channel ${name}`,
              body: (
                <p>
                  Its address and secret are deleted too. Messages that wait are not sent, and rules no longer use it.
                </p>
              ),
              action: 'Delete channel',
              isDangerous: true,
              run: async () => {
                await remove.mutateAsync({ params: { id } });
                onGone();
              },
            })
          }
        >
          Delete channel
        </Button>
      </div>
    </div>
  );
}

interface ChannelValues {
  kind: Kind;
  name: string;
  enabled: boolean;
  minSeverity: Channel['minSeverity'];
  maxPerHour: number | string;
  to: string;
  url: string;
  secret: string;
}

function bodyOf({ kind, url, secret, to, name, maxPerHour, ...values }: ChannelValues) {
  const asks = KINDS[kind];
  return {
    ...values,
    name: name.trim() || asks.label,
    maxPerHour: Number(maxPerHour),
    ...(kind === 'email' ? { to: to.split(/[\s,;]+/).filter((address) => address !== '') } : {}),
    ...(asks.url && url.trim() !== '' ? { url: url.trim() } : {}),
    ...(asks.secret && secret !== '' ? { secret } : {}),
  };
}

function ChannelForm({ channel, onClose }: { channel: Channel | undefined; onClose: () => void }) {
  const create = useChange(createAlertChannel, { refreshes });
  const update = useChange(updateAlertChannel, { refreshes });
  const lack = useLack(updateAlertChannel);
  const form = useApiForm<ChannelValues, unknown>({
    initialValues: {
      kind: (channel?.kind ?? 'email') as Kind,
      name: channel?.name ?? '',
      enabled: channel?.enabled ?? true,
      minSeverity: channel?.minSeverity ?? 'warning',
      maxPerHour: channel?.maxPerHour ?? 20,
      to: (channel?.to ?? []).join('\n'),
      url: '',
      secret: '',
    },
    send: (values, base) =>
      channel === undefined
        ? create.mutateAsync({ body: { kind: values.kind, ...bodyOf(values) } })
        : update.mutateAsync({ params: { id: channel.id }, body: changesFrom(bodyOf(base), bodyOf(values)) }),
    fields: (path) => path.replace(/^to\..*/, 'to'),
    onDone: onClose,
  });
  const { label, url, secret, isUrlOptional } = KINDS[form.values.kind];
  const kept = (isSet: boolean | undefined): string => (isSet ? 'One is stored. Leave empty to keep it.' : '');
  return (
    <Form
      form={form}
      action={channel === undefined ? 'Add channel' : 'Save channel'}
      problemTitle="The channel was not saved."
      onCancel={onClose}
      isDisabled={lack !== undefined || (channel !== undefined && !form.isChanged)}
    >
      {channel === undefined ? (
        <NativeSelect
          label="Kind"
          data={Object.entries(KINDS).map(([value, kind]) => ({ value, label: kind.label }))}
          {...form.getInputProps('kind')}
        />
      ) : null}
      <TextInput label="Name" placeholder={label} maxLength={120} {...form.getInputProps('name')} />
      {form.values.kind === 'email' ? (
        <Textarea
          label="Email addresses"
          description="One on each line."
          autosize
          minRows={2}
          {...form.getInputProps('to')}
        />
      ) : null}
      {url === undefined ? null : (
        <TextInput
          label={url}
          description={kept(channel?.hasUrl)}
          required={channel === undefined && !isUrlOptional}
          spellCheck={false}
          autoComplete="off"
          {...form.getInputProps('url')}
        />
      )}
      {secret === undefined ? null : (
        <PasswordInput
          label={secret}
          description={kept(channel?.hasSecret)}
          autoComplete="new-password"
          {...form.getInputProps('secret')}
        />
      )}
      <Switch label="On" {...form.getInputProps('enabled', { type: 'checkbox' })} />
      <NativeSelect
        label="Told of"
        data={[
          { value: 'warning', label: 'Warnings and critical incidents' },
          { value: 'critical', label: 'Critical incidents only' },
        ]}
        {...form.getInputProps('minSeverity')}
      />
      <NumberInput
        label="Messages an hour, at most"
        description="What comes beyond is told in one summary."
        min={1}
        max={1000}
        {...form.getInputProps('maxPerHour')}
      />
    </Form>
  );
}
