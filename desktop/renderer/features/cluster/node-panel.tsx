import { Button, TextInput } from '@mantine/core';
import {
  deleteNode,
  getClusterInfo,
  getNode,
  listNodes,
  previewPlacement,
  updateNode,
} from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { nodeFigures, nodeMachine, nodeMeasures } from '#shared/rules/measures.ts';
import { nodeSentence, nodeState } from '#shared/rules/nodes.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { Mono } from '../../ui/data/copy.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { bitrate, bytes, count, duration, percent, plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { openDrain } from './drain-dialog.tsx';
import { DrainSteps } from './drain-steps.tsx';
import { NodeCharts } from './node-charts.tsx';
import { NodeQuality } from './node-quality.tsx';
import { type Node, nodeTone } from './node-words.ts';
import { UpgradeAgent } from './upgrade-agent.tsx';

const refreshes = [listNodes, getNode, getClusterInfo, previewPlacement];

/** One node: its state, its load, and its actions. */
export function NodePanel({ node, onClose }: { node: Node | undefined; onClose: () => void }) {
  return (
    <SidePanel
      isOpen={node !== undefined}
      onClose={onClose}
      title={node?.name ?? ''}
      size={560}
      footer={node ? <Actions node={node} onClose={onClose} /> : undefined}
    >
      {node ? <Details key={node.id} node={node} /> : null}
    </SidePanel>
  );
}

function Actions({ node, onClose }: { node: Node; onClose: () => void }) {
  const update = useChange(updateNode, { refreshes });
  const remove = useChange(deleteNode, { refreshes });
  const change = useGuard(updateNode);
  const removal = useGuard(deleteNode);
  const params = { id: node.id };
  const rooms = node.agent?.livekit.rooms ?? null;
  const set = async (status: 'active' | 'disabled'): Promise<void> => {
    await update.mutateAsync({ params, body: { status } });
    markChanged('nodes', node.id);
  };
  return (
    <>
      {update.error ? (
        <div style={{ width: '100%' }}>
          <Problem error={update.error} title="The node continues as before." />
        </div>
      ) : null}
      {node.id === 'origin' ? null : (
        <Button
          color="danger"
          {...removal}
          onClick={() =>
            ask({
              title: `Remove node ${node.name}`,
              body: (
                <>
                  <p>
                    Takes it out of the registry.{' '}
                    {node.agent ? 'Its agent drains LiveKit and then stops.' : 'No agent runs on it.'}
                  </p>
                  <p>It comes back only by joining again. Recordings and apps are not touched.</p>
                </>
              ),
              action: 'Remove node',
              isDangerous: true,
              typeName: node.name,
              run: async () => {
                await remove.mutateAsync({ params });
                onClose();
              },
            })
          }
        >
          Remove…
        </Button>
      )}
      <span className="grow" />
      {node.status === 'disabled' ? null : (
        <Button
          {...change}
          onClick={() =>
            ask({
              title: `Disable node ${node.name}`,
              body: (
                <>
                  <p>
                    {node.agent
                      ? 'Stops LiveKit on it immediately and revokes its credentials.'
                      : 'Changes its status only: without an agent, LiveKit there keeps running.'}
                  </p>
                  {rooms ? (
                    <p>
                      {plural(rooms, 'room')} with {plural(node.agent?.livekit.participants ?? 0, 'participant')} end
                      now. Draining lets them finish.
                    </p>
                  ) : null}
                </>
              ),
              action: 'Disable node',
              isDangerous: true,
              run: () => set('disabled'),
            })
          }
        >
          Disable…
        </Button>
      )}
      {node.status === 'draining' && node.drain?.managed && !node.drain.drained ? (
        <Button {...change} onClick={() => openDrain(node)}>
          Change…
        </Button>
      ) : null}
      {node.status === 'active' ? (
        <Button variant="filled" {...change} onClick={() => openDrain(node)}>
          Drain node…
        </Button>
      ) : (
        <Button
          variant="filled"
          {...change}
          loading={update.isPending}
          onClick={() => void set('active').catch(() => undefined)}
        >
          Return to service
        </Button>
      )}
    </>
  );
}

function Details({ node }: { node: Node }) {
  const { tone, word } = nodeTone(node);
  const state = nodeState(node);
  const { urgency } = state;
  const info = useRead(getClusterInfo);
  const measures = nodeMeasures(node.stats);
  const machine = nodeMachine(node.stats);
  const { forward } = nodeFigures(node.stats);
  const livekit = node.agent?.livekit;
  return (
    <>
      <div className="row">
        <State tone={tone}>{word}</State>
        <span className="dim">
          last heartbeat <Ago at={node.last_seen_at} />
        </span>
      </div>
      {livekit?.problem ? <Notice tone="danger" title={`LiveKit is not running: ${livekit.problem}`} /> : null}
      {node.duplicate ? (
        <Notice tone="danger" title={nodeSentence(node.name, state)}>
          <p>
            The second one reports from {node.duplicate.address} and is probably a copy of this node’s disk. On the
            copy, run <code>install.sh --uninstall</code>, then join it under another name.
          </p>
        </Notice>
      ) : null}
      {state.code === 'old-keys' ? (
        <Notice tone="warn" title={`${nodeSentence(node.name, state)}.`}>
          <p>
            The LiveKit keys were changed after this node joined. Create a join command and run it on the node: it
            brings the new keys. Then drain the node and return it to service, so that LiveKit starts with them.
          </p>
        </Notice>
      ) : null}
      {urgency !== null && node.health !== 'alive' ? (
        <Notice tone={urgency} title={nodeSentence(node.name, state)}>
          <p>
            {info.data ? `No heartbeat for more than ${limitWords(node, info.data)}. ` : ''}The machine is off, its
            network is cut, or the agent has ended. No new room is placed there until it reports again.
          </p>
        </Notice>
      ) : null}
      {node.agent === null ? (
        <Notice tone="info" title="No agent on this node">
          <p>Drain and Disable change only the status: nothing on the machine acts on them.</p>
        </Notice>
      ) : null}
      {node.drain ? <DrainSteps drain={node.drain} /> : null}
      {node.agent?.sha256 === undefined ? null : <UpgradeAgent node={node} />}
      <Panel title="Now">
        <Facts
          items={{
            LiveKit: livekit ? (
              `${livekit.state}${livekit.nodeId ? `, ${livekit.nodeId}` : ''}`
            ) : (
              <span className="dim">unknown</span>
            ),
            Rooms: livekit?.rooms ?? measures.rooms ?? <span className="dim">unknown</span>,
            Participants: livekit?.participants ?? measures.participants ?? <span className="dim">unknown</span>,
            'Signalling through it':
              livekit?.clients == null
                ? undefined
                : `${plural(livekit.clients, 'client')}${livekit.foreignClients ? `, ${count(livekit.foreignClients)} of rooms elsewhere` : ''}`,
            CPU:
              measures.cpu === undefined ? (
                <span className="dim">unknown</span>
              ) : (
                `${percent(measures.cpu)}${machine.cores ? ` of ${plural(machine.cores, 'core')}` : ''}`
              ),
            Memory:
              measures.memory === undefined ? (
                <span className="dim">unknown</span>
              ) : (
                `${percent(measures.memory)}${machine.memTotal ? ` of ${bytes(machine.memTotal)}` : ''}`
              ),
            Disk: machine.disk
              ? `${bytes(machine.disk.freeBytes)} free of ${bytes(machine.disk.totalBytes)}`
              : undefined,
            Traffic:
              measures.tx === undefined
                ? undefined
                : `sends ${bitrate(measures.tx * 8)}, receives ${bitrate((measures.rx ?? 0) * 8)}`,
            Forwarding: forward === undefined ? undefined : `${forward} ms per packet`,
            GPU:
              machine.gpus.length > 0
                ? machine.gpus
                    .map(
                      ({ name, utilization }) =>
                        `${name}${utilization === undefined ? '' : ` ${percent(utilization)}`}`,
                    )
                    .join(', ')
                : undefined,
          }}
        />
      </Panel>
      <NodeCharts node={node} />
      <NodeQuality node={node} />
      <Panel title="Node">
        <NameForm node={node} />
        <Facts
          items={{
            Address: <Mono what="address">{node.url}</Mono>,
            IP: node.ip ? <Mono what="IP">{node.ip}</Mono> : undefined,
            Id: <Mono what="id">{node.id}</Mono>,
            Agent: node.agent ? (
              `${node.agent.version}, LiveKit under ${node.agent.supervisor === 'systemd' ? 'systemd' : 'the agent itself'}`
            ) : (
              <span className="dim">none</span>
            ),
            Joined: <At at={node.created_at} />,
            Uptime: machine.uptimeSeconds ? duration(machine.uptimeSeconds) : undefined,
          }}
        />
      </Panel>
    </>
  );
}

/** The limit that the node's silence is over. */
const limitWords = ({ health }: Node, info: ResultOf<typeof getClusterInfo>['data']): string =>
  duration(health === 'down' ? info.downAfterSeconds : info.staleAfterSeconds);

function NameForm({ node }: { node: Node }) {
  const update = useChange(updateNode, { refreshes });
  const guard = useGuard(updateNode);
  const form = useApiForm({
    initialValues: { name: node.name, region: node.region ?? '' },
    send: (values, base) => update.mutateAsync({ params: { id: node.id }, body: changesFrom(base, values) }),
    onDone: () => markChanged('nodes', node.id),
  });
  return (
    <Form form={form} style={{ marginBottom: 8 }} hasActions={false}>
      <div className="row" style={{ alignItems: 'flex-end' }}>
        <TextInput
          className="grow"
          label="Name"
          {...form.getInputProps('name')}
          maxLength={64}
          disabled={node.id === 'origin'}
        />
        <TextInput className="grow" label="Region" {...form.getInputProps('region')} maxLength={64} />
        <Button type="submit" {...guard} disabled={guard.disabled || !form.isChanged} loading={form.isPending}>
          Save
        </Button>
      </div>
    </Form>
  );
}
