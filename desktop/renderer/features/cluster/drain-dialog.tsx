import { Button, Checkbox, Modal, NumberInput, Radio } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { listNodes, previewPlacement, updateNode } from '#shared/contract/cluster.ts';
import { nodeState } from '#shared/rules/nodes.ts';
import { useChange, useRead } from '../../api/query.ts';
import { markChanged } from '../../ui/data/marks.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { plural } from '../../ui/words/format.ts';
import classes from './cluster.module.css';
import type { Node } from './node-words.ts';

/** Says what draining does to whom, then begins it. */
export function DrainDialog({ node, isOpen, onClose }: { node: Node; isOpen: boolean; onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title={`Drain node ${node.name}`} size={500}>
      {isOpen ? <Form node={node} onClose={onClose} /> : null}
    </Modal>
  );
}

function Form({ node, onClose }: { node: Node; onClose: () => void }) {
  const [how, setHow] = useState<'wait' | 'limit' | 'now'>('wait');
  const [minutes, setMinutes] = useState(30);
  const [isSure, setSure] = useState(false);
  const update = useChange(updateNode, { refreshes: [listNodes, previewPlacement] });
  const others =
    useRead(listNodes).data?.filter((one) => one.id !== node.id && nodeState(one).code === 'active').length ?? 0;
  const livekit = node.agent?.livekit;
  const rooms = livekit?.rooms ?? 0;
  const people = livekit?.participants ?? 0;
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const seconds = how === 'wait' ? null : how === 'now' ? 0 : minutes * 60;
    const drain = { endRoomsAfterSeconds: seconds, ...(how === 'wait' ? {} : { confirm: true }) };
    const done = await update
      .mutateAsync({ params: { id: node.id }, body: { status: 'draining', ...(node.agent ? { drain } : {}) } })
      .catch(() => undefined);
    if (done === undefined) return;
    markChanged('nodes', node.id);
    onClose();
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      {node.agent === null ? (
        <Notice tone="warn" title="Only a mark">
          <p>
            No agent is behind this node: StreamHub stops handing out its address, but LiveKit there goes on taking
            rooms.
          </p>
        </Notice>
      ) : (
        <>
          <p>
            It carries {plural(rooms, 'room')} with {plural(people, 'participant')} now. No new room is placed there
            from now on; LiveKit leaves when the last participant has.
          </p>
          {others === 0 ? (
            <Notice tone="warn" title="No other node is in service">
              <p>New rooms cannot be placed anywhere until one is.</p>
            </Notice>
          ) : null}
          <Radio.Group
            label="Rooms that do not end by themselves"
            value={how}
            onChange={(value) => setHow(value as typeof how)}
          >
            <div className={classes.choice} style={{ marginTop: 4 }}>
              <Radio value="wait" label="Wait as long as it takes" />
              <Radio value="limit" label="End them after a time" />
              <Radio value="now" label="End them now" />
            </div>
          </Radio.Group>
          {how === 'limit' ? (
            <NumberInput
              label="After"
              suffix=" min"
              min={1}
              max={10_080}
              allowDecimal={false}
              value={minutes}
              onChange={(value) => typeof value === 'number' && setMinutes(value)}
              w={140}
            />
          ) : null}
          {how === 'wait' ? null : (
            <Checkbox
              checked={isSure}
              onChange={(event) => setSure(event.currentTarget.checked)}
              label={`Disconnect ${people > 0 ? `the participants (${people} now)` : 'whoever is in them then'}`}
            />
          )}
        </>
      )}
      {update.error ? <Problem error={update.error} title="The node goes on as before." /> : null}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          type="submit"
          variant="filled"
          color={how === 'wait' ? 'accent' : 'danger'}
          loading={update.isPending}
          disabled={how !== 'wait' && !isSure}
        >
          Drain node
        </Button>
      </div>
    </form>
  );
}
