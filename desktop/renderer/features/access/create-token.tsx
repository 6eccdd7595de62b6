import { Button, MultiSelect, NativeSelect, Radio, TextInput } from '@mantine/core';
import { isAppTokens } from '#shared/access.ts';
import { listApps } from '#shared/contract/apps.ts';
import type { BodyOf } from '#shared/contract/operation.ts';
import { createToken, listTokens } from '#shared/contract/tokens.ts';
import { type Permission, USED_PERMISSIONS } from '#shared/permissions.ts';
import { useChange, useRead } from '../../api/query.ts';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { SecretOnce } from '../../ui/form/secret-once.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';

/** Makes a token; its text is shown once. */
export function CreateToken({
  isOpen,
  onClose,
  onCreated,
}: {
  isOpen: boolean;
  onClose: () => void;
  onCreated: (id: number) => void;
}) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Create an API token">
      {isOpen ? <TokenForm onClose={onClose} onCreated={onCreated} /> : null}
    </SidePanel>
  );
}

interface Values {
  name: string;
  scope: 'global' | 'app';
  app: string;
  access: 'full' | 'read' | 'some';
  permissions: string[];
  expiry: string;
  date: string;
  allowedIps: string;
}

const DAY_MS = 86_400_000;
const EXPIRY = [
  { value: '', label: 'Never' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'date', label: 'At the end of a date (UTC)' },
];

const endOf = ({ expiry, date }: Values): string | undefined =>
  expiry === '' ? undefined : expiry === 'date' ? date : new Date(Date.now() + Number(expiry) * DAY_MS).toISOString();

const limitOf = ({ access, permissions }: Values): Pick<BodyOf<typeof createToken>, 'readOnly' | 'permissions'> =>
  access === 'read' ? { readOnly: true } : access === 'some' ? { permissions: permissions as Permission[] } : {};

function TokenForm({ onClose, onCreated }: { onClose: () => void; onCreated: (id: number) => void }) {
  const apps = useRead(listApps);
  const create = useChange(createToken, { refreshes: [listTokens] });
  const first = apps.data?.[0]?.name ?? '';
  const idOf = (app: string) => apps.data?.find((one) => one.name === (app || first))?.id;
  const form = useApiForm({
    initialValues: {
      name: '',
      scope: 'app',
      app: '',
      access: 'full',
      permissions: [],
      expiry: '',
      date: '',
      allowedIps: '',
    } as Values,
    fields: { appId: 'app', expiresAt: 'date' },
    send: (values) => {
      const { name, scope, app, allowedIps: typed } = values;
      const expiresAt = endOf(values);
      const appId = scope === 'app' ? idOf(app) : undefined;
      const allowedIps = typed.split(/[\s,]+/).filter(Boolean);
      return create.mutateAsync({
        body: {
          name: name.trim(),
          scope,
          ...(appId === undefined ? {} : { appId }),
          ...limitOf(values),
          ...(expiresAt === undefined ? {} : { expiresAt }),
          ...(allowedIps.length > 0 ? { allowedIps } : {}),
        },
      });
    },
    onDone: (made) => onCreated(made.id),
  });
  const { name, scope, app, access, permissions, expiry, date } = form.values;
  const offered = USED_PERMISSIONS.filter((one) => scope === 'global' || isAppTokens(one));
  const isIncomplete =
    name.trim() === '' ||
    (scope === 'app' && idOf(app) === undefined) ||
    (access === 'some' && permissions.length === 0) ||
    (expiry === 'date' && date === '');
  if (create.data) {
    return (
      <>
        <SecretOnce
          text={create.data.token}
          what="token"
          file={`streamhub-${name.trim().replace(/[^\w.-]+/g, '-')}.token`}
          note="Copy it now: StreamHub keeps only its hash and cannot show it again."
        />
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="filled" onClick={onClose}>
            Done
          </Button>
        </div>
      </>
    );
  }
  return (
    <Form form={form} action="Create token" onCancel={onClose} isDisabled={isIncomplete}>
      <TextInput
        label="Name"
        description="What the token is used for."
        placeholder="ci"
        {...form.getInputProps('name')}
        maxLength={100}
        required
        data-autofocus
      />
      <Radio.Group label="Scope" {...form.getInputProps('scope')}>
        <div className="stack" style={{ gap: 8, marginTop: 4 }}>
          <Radio value="app" label="One app" description="Everything in that app, nothing else." />
          <Radio value="global" label="Global" description="Everything on this daemon, like a superadmin." />
        </div>
      </Radio.Group>
      {scope === 'app' ? (
        <NativeSelect
          label="App"
          data={apps.data?.map((one) => one.name) ?? []}
          {...form.getInputProps('app')}
          value={app || first}
        />
      ) : null}
      <Radio.Group label="Access" {...form.getInputProps('access')}>
        <div className="stack" style={{ gap: 8, marginTop: 4 }}>
          <Radio value="full" label="Full" description="Everything in its scope." />
          <Radio value="read" label="Read-only" description="Reads everything in its scope and changes nothing." />
          <Radio value="some" label="Single permissions" description="Only what you choose, nothing else." />
        </div>
      </Radio.Group>
      {access === 'some' ? (
        <MultiSelect
          label="Permissions"
          placeholder={permissions.length === 0 ? 'Choose at least one' : undefined}
          data={offered}
          searchable
          {...form.getInputProps('permissions')}
        />
      ) : null}
      <NativeSelect label="Expires" data={EXPIRY} {...form.getInputProps('expiry')} />
      {expiry === 'date' ? (
        <TextInput
          label="Date"
          type="date"
          min={new Date().toISOString().slice(0, 10)}
          {...form.getInputProps('date')}
          required
        />
      ) : null}
      <TextInput
        label="Allowed addresses"
        description="IPv4 and IPv6 addresses or CIDR ranges, separated by commas. Leave empty to allow any address."
        placeholder="203.0.113.7, 2001:db8::/32"
        {...form.getInputProps('allowedIps')}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
    </Form>
  );
}
