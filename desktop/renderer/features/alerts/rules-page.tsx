import { Button, Checkbox, MultiSelect, NativeSelect, NumberInput, Switch, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import {
  createAlertRule,
  deleteAlertRule,
  listAlertChannels,
  listAlertRules,
  updateAlertRule,
} from '#shared/contract/alerts.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { CONDITION_IDS, type ConditionId, conditionOf } from '#shared/rules/conditions.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import { TablePanel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { duration } from '../../ui/words/format.ts';
import { AlertsFrame } from './alerts-frame.tsx';

type Rule = ResultOf<typeof listAlertRules>['data'][number];
const refreshes = [listAlertRules];
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const ADD = 'new';

const limitWords = ({ condition, threshold }: Rule): string => {
  const limits = conditionOf(condition).threshold;
  return limits === undefined || threshold === null ? '' : `${limits.is} ${threshold} ${limits.unit}`;
};

const columns: readonly Column<Rule>[] = [
  {
    id: 'on',
    header: 'State',
    width: '76px',
    sort: (rule) => Number(rule.enabled),
    cell: (rule) => <State tone={rule.enabled ? 'ok' : 'muted'}>{rule.enabled ? 'on' : 'off'}</State>,
  },
  {
    id: 'name',
    header: 'Rule',
    isName: true,
    width: 'minmax(200px, 2fr)',
    sort: (rule) => rule.name,
    cell: (rule) => (
      <>
        {rule.name} {rule.builtIn ? rule.changed ? <Tag>changed</Tag> : null : <Tag>added</Tag>}
      </>
    ),
  },
  { id: 'limit', header: 'Limit', width: '150px', cell: limitWords },
  {
    id: 'for',
    header: 'For',
    width: '80px',
    align: 'end',
    sort: (rule) => rule.forSeconds,
    cell: (rule) => (rule.forSeconds === 0 ? '' : duration(rule.forSeconds)),
  },
  { id: 'severity', header: 'Severity', width: '90px', sort: (rule) => rule.severity, cell: (rule) => rule.severity },
  {
    id: 'quiet',
    header: 'Quiet hours',
    width: '120px',
    from: 'wide',
    cell: ({ quietHours }) => (quietHours === null ? '' : `${quietHours.from}–${quietHours.to}`),
  },
];

/** What is watched, and when it is told. */
export function RulesPage() {
  const [search, setSearch] = useSearchState();
  const rules = useRead(listAlertRules);
  const lack = useLack(createAlertRule);
  const wanted = search['rule'];
  const open = rules.data?.find((rule) => rule.id === wanted);
  const close = (): void => setSearch({ rule: undefined });
  return (
    <AlertsFrame
      current="rules"
      actions={
        <Button
          variant="filled"
          leftSection={<IconPlus size={14} />}
          disabled={lack !== undefined}
          title={lack && `You need ${lack}.`}
          onClick={() => setSearch({ rule: ADD })}
        >
          Add rule
        </Button>
      }
    >
      <QueryView query={rules} what="the rules" fill>
        {(list) => (
          <TablePanel>
            <DataTable
              name="alert-rules"
              label="Rules"
              columns={columns}
              rows={list}
              rowKey={(rule) => rule.id}
              openKey={open?.id ?? null}
              onOpen={(rule) => setSearch({ rule: rule.id })}
              isDim={(rule) => !rule.enabled}
              empty={<Empty title="No rules" />}
            />
          </TablePanel>
        )}
      </QueryView>
      <SidePanel
        isOpen={open !== undefined || wanted === ADD}
        onClose={close}
        title={open?.name ?? 'Add rule'}
        size={520}
      >
        {open !== undefined || wanted === ADD ? <RuleForm key={wanted} rule={open} onClose={close} /> : null}
      </SidePanel>
    </AlertsFrame>
  );
}

const namesOf = (text: string): string[] | null => {
  const names = text.split(',').map((name) => name.trim());
  const given = names.filter((name) => name !== '');
  return given.length === 0 ? null : given;
};

interface RuleValues {
  condition: ConditionId;
  name: string;
  enabled: boolean;
  threshold: number | string;
  forSeconds: number | string;
  severity: Rule['severity'];
  names: string;
  isQuiet: boolean;
  from: string;
  to: string;
  timeZone: string;
  channels: string[];
}

function bodyOf(values: RuleValues) {
  const { title, subject, threshold } = conditionOf(values.condition);
  return {
    name: values.name.trim() || title,
    enabled: values.enabled,
    threshold: threshold === undefined ? null : Number(values.threshold === '' ? threshold.default : values.threshold),
    forSeconds: Number(values.forSeconds),
    severity: values.severity,
    apps: subject === 'app' ? namesOf(values.names) : null,
    nodes: subject === 'node' ? namesOf(values.names) : null,
    quietHours: values.isQuiet ? { from: values.from, to: values.to, timeZone: values.timeZone } : null,
    channels: values.channels.length === 0 ? null : values.channels.map(Number),
  };
}

function RuleForm({ rule, onClose }: { rule: Rule | undefined; onClose: () => void }) {
  const create = useChange(createAlertRule, { refreshes });
  const update = useChange(updateAlertRule, { refreshes });
  const remove = useChange(deleteAlertRule, { refreshes });
  const lack = useLack(updateAlertRule);
  const channels = useRead(listAlertChannels);
  const form = useApiForm<RuleValues, unknown>({
    initialValues: {
      condition: (rule?.condition ?? 'disk-low') as ConditionId,
      name: rule?.name ?? '',
      enabled: rule?.enabled ?? true,
      threshold: rule?.threshold ?? '',
      forSeconds: rule?.forSeconds ?? 0,
      severity: rule?.severity ?? 'warning',
      names: (rule?.apps ?? rule?.nodes ?? []).join(', '),
      isQuiet: rule !== undefined && rule.quietHours !== null,
      from: rule?.quietHours?.from ?? '22:00',
      to: rule?.quietHours?.to ?? '07:00',
      timeZone: rule?.quietHours?.timeZone ?? ZONE,
      channels: (rule?.channels ?? []).map(String),
    },
    send: (values, base) => {
      const body = bodyOf(values);
      if (rule === undefined) return create.mutateAsync({ body: { condition: values.condition, ...body } });
      // the daemon takes quiet hours as one value
      const { quietHours, ...changes } = changesFrom(bodyOf(base), body);
      return update.mutateAsync({
        params: { id: rule.id },
        body: { ...changes, ...(quietHours === undefined ? {} : { quietHours: body.quietHours }) },
      });
    },
    fields: (path) => ({ apps: 'names', nodes: 'names' })[path] ?? path.replace(/^quietHours\./, ''),
    onDone: onClose,
  });
  const { title, reads, threshold, subject } = conditionOf(form.values.condition);
  const hasNames = subject === 'app' || subject === 'node';
  return (
    <Form
      form={form}
      action={rule === undefined ? 'Add rule' : 'Save rule'}
      problemTitle="The rule was not saved."
      onCancel={onClose}
      isDisabled={lack !== undefined || (rule !== undefined && !form.isChanged)}
      aside={
        rule !== undefined && (rule.changed || !rule.builtIn) ? (
          <Button
            variant="subtle"
            disabled={lack !== undefined}
            onClick={() =>
              ask({
                title: rule.builtIn ? `Restore the defaults of ${rule.name}` : `Delete the rule ${rule.name}`,
                body: <p>{rule.builtIn ? 'Your changes to this rule are dropped.' : 'Its open incidents close.'}</p>,
                action: rule.builtIn ? 'Restore defaults' : 'Delete rule',
                isDangerous: !rule.builtIn,
                run: async () => {
                  await remove.mutateAsync({ params: { id: rule.id } });
                  onClose();
                },
              })
            }
          >
            {rule.builtIn ? 'Restore defaults' : 'Delete rule'}
          </Button>
        ) : null
      }
    >
      {remove.error ? <Problem error={remove.error} /> : null}
      {rule === undefined ? (
        <NativeSelect
          label="Condition"
          data={CONDITION_IDS.map((value) => ({ value, label: conditionOf(value).title }))}
          {...form.getInputProps('condition')}
        />
      ) : null}
      <p className="dim">It reads {reads}.</p>
      <Switch label="On" {...form.getInputProps('enabled', { type: 'checkbox' })} />
      <TextInput label="Name" placeholder={title} maxLength={120} {...form.getInputProps('name')} />
      {threshold === undefined ? null : (
        <NumberInput
          label={`${threshold.what} (${threshold.unit})`}
          description={`An incident opens ${threshold.is === 'below' ? 'below this limit' : 'from this limit on'}.`}
          placeholder={String(threshold.default)}
          min={threshold.min}
          max={threshold.max}
          {...form.getInputProps('threshold')}
        />
      )}
      <NumberInput
        label="For how long (s)"
        description="It must last this long before an incident opens."
        min={0}
        max={86_400}
        {...form.getInputProps('forSeconds')}
      />
      <NativeSelect label="Severity" data={['warning', 'critical']} {...form.getInputProps('severity')} />
      {hasNames ? (
        <TextInput
          label={subject === 'app' ? 'Apps' : 'Nodes'}
          description="Names, separated by commas. Leave empty for all."
          {...form.getInputProps('names')}
        />
      ) : null}
      <MultiSelect
        label="Channels"
        description="Leave empty for all."
        data={(channels.data ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
        {...form.getInputProps('channels')}
      />
      <Checkbox
        label="Quiet hours: send no messages between two times"
        {...form.getInputProps('isQuiet', { type: 'checkbox' })}
      />
      {form.values.isQuiet ? (
        <div className="row">
          <TextInput label="From" type="time" {...form.getInputProps('from')} />
          <TextInput label="To" type="time" {...form.getInputProps('to')} />
          <TextInput label="Time zone" {...form.getInputProps('timeZone')} />
        </div>
      ) : null}
    </Form>
  );
}
