import { Checkbox, Radio } from '@mantine/core';
import { listNodes, previewPlacement, updateNode } from '#shared/contract/cluster.ts';
import { nodeState } from '#shared/rules/nodes.ts';
import { useChange, useRead } from '../../api/query.ts';
import { markChanged } from '../../ui/data/marks.ts';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { NumberField } from '../../ui/form/number-field.tsx';
import { plural } from '../../ui/words/format.ts';
import classes from './cluster.module.css';
import type { Node } from './node-words.ts';

/** Explains what draining does, then starts it. */
export const openDrain = (node: Node): void =>
  openDialog({
    title: `Drain node ${node.name}`,
    size: 500,
    content: (close) => <DrainForm initial={node} onClose={close} />,
  });

function DrainForm({ initial, onClose }: { initial: Node; onClose: () => void }) {
  const update = useChange(updateNode, { refreshes: [listNodes, previewPlacement] });
  const nodes = useRead(listNodes).data ?? [];
  const node = nodes.find((one) => one.id === initial.id) ?? initial;
  const others = nodes.filter((one) => one.id !== node.id && nodeState(one).code === 'active').length;
  const livekit = node.agent?.livekit;
  const rooms = livekit?.rooms ?? 0;
  const people = livekit?.participants ?? 0;
  const form = useApiForm({
    initialValues: { how: 'wait' as 'wait' | 'limit' | 'now', minutes: 30, isSure: false },
    send: ({ how, minutes }) => {
      const seconds = how === 'wait' ? null : how === 'now' ? 0 : minutes * 60;
      const drain = { endRoomsAfterSeconds: seconds, ...(how === 'wait' ? {} : { confirm: true }) };
      const body = { status: 'draining' as const, ...(node.agent ? { drain } : {}) };
      return update.mutateAsync({ params: { id: node.id }, body });
    },
    onDone: () => {
      markChanged('nodes', node.id);
      onClose();
    },
  });
  const { how, isSure } = form.values;
  return (
    <Form
      form={form}
      action="Drain node"
      problemTitle="The node continues as before."
      onCancel={onClose}
      isDisabled={how !== 'wait' && !isSure}
      isDangerous={how !== 'wait'}
    >
      {node.agent === null ? (
        <Notice tone="warn" title="Status only (no agent)">
          <p>
            No agent on this node: StreamHub stops handing out its address, but LiveKit there keeps accepting rooms.
          </p>
        </Notice>
      ) : (
        <>
          <p>
            It carries {plural(rooms, 'room')} with {plural(people, 'participant')} now. No new room is placed there
            from now on; LiveKit leaves when the last participant has.
          </p>
          {others === 0 ? (
            <Notice tone="warn" title="No other node is active">
              <p>New rooms cannot be placed anywhere until one is.</p>
            </Notice>
          ) : null}
          <Radio.Group label="Rooms that do not end by themselves" {...form.getInputProps('how')}>
            <div className={classes.choice} style={{ marginTop: 4 }}>
              <Radio value="wait" label="Wait as long as it takes" />
              <Radio value="limit" label="End them after a time" />
              <Radio value="now" label="End them now" />
            </div>
          </Radio.Group>
          {how === 'limit' ? (
            <NumberField
              label="After"
              suffix=" min"
              min={1}
              max={10_080}
              allowDecimal={false}
              {...form.getInputProps('minutes')}
              onChange={(value) => form.setFieldValue('minutes', value)}
              w={140}
            />
          ) : null}
          {how === 'wait' ? null : (
            <Checkbox
              {...form.getInputProps('isSure', { type: 'checkbox' })}
              label={`Disconnect ${people > 0 ? `the participants (${people} now)` : 'everyone in them at that time'}`}
            />
          )}
        </>
      )}
    </Form>
  );
}
