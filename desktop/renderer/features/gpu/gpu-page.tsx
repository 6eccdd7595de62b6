import { Button } from '@mantine/core';
import { IconCpu } from '@tabler/icons-react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getGpu, refreshGpu } from '#shared/contract/system.ts';
import { keyOf, queryClient, useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts, Page, Panel, TablePanel } from '../../ui/layout/page.tsx';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { bytes } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';

type Gpu = ResultOf<typeof getGpu>;
type Device = Gpu['devices'][number];

const encodes = (canEncode: boolean | undefined) =>
  canEncode === undefined ? (
    <State tone="muted">not known</State>
  ) : canEncode ? (
    <State tone="ok">yes</State>
  ) : (
    <State tone="warn">no</State>
  );

const columns: readonly Column<Device>[] = [
  { id: 'index', header: 'No.', width: '52px', cell: (device) => device.index ?? '' },
  { id: 'name', header: 'Device', isName: true, width: 'minmax(200px, 2fr)', cell: (device) => device.name },
  {
    id: 'kind',
    header: 'Found by',
    width: '110px',
    cell: (device) => (device.kind === 'nvidia' ? 'NVIDIA driver' : 'VA-API'),
  },
  {
    id: 'memory',
    header: 'Memory',
    width: '96px',
    align: 'end',
    cell: (device) =>
      device.memoryMiB === undefined ? <span className="dim">unknown</span> : bytes(device.memoryMiB * 1024 * 1024),
  },
  { id: 'encode', header: 'Encodes video', width: '120px', cell: (device) => encodes(device.canEncode) },
];

/** Graphics cards of the server: what was found, whether they encode, and why not. */
export function GpuPage() {
  const { id } = useDaemon();
  const gpu = useRead(getGpu);
  const probe = useChange(refreshGpu, { timeout: 60_000 });
  const guard = useGuard(refreshGpu);
  const run = (): void => {
    probe.mutate({}, { onSuccess: (found) => queryClient.setQueryData(keyOf(id, getGpu), found) });
  };
  useCommands('gpu', guard.disabled ? [] : [{ id: 'probe-gpu', group: 'Actions', label: 'Probe the GPU again', run }]);
  return (
    <Page
      title="GPU"
      actions={
        <Button variant="filled" {...guard} loading={probe.isPending} onClick={run}>
          Probe again
        </Button>
      }
    >
      {probe.error ? <Problem error={probe.error} title="The probe failed." onRetry={run} /> : null}
      <QueryView query={gpu} what="the GPU">
        {(found) => (
          <div className="stack">
            <Panel
              title="Result"
              note={
                <>
                  probed at <At at={found.checkedAt} />, <Ago at={found.checkedAt} />
                </>
              }
            >
              <Facts
                items={{
                  'Hardware encoding':
                    found.available && found.canEncode !== false ? (
                      <State tone="ok">available</State>
                    ) : (
                      <State tone="muted">not used; the CPU encodes</State>
                    ),
                  Details: found.detail,
                  Driver: found.driver ?? <span className="dim">unknown</span>,
                }}
              />
            </Panel>
            {found.devices.length === 0 ? (
              <Panel>
                <Empty title="No GPU found" icon={<IconCpu size={32} stroke={1.3} />}>
                  Everything works without one: transcoding then runs on the CPU. After a card or driver was installed,
                  probe again.
                </Empty>
              </Panel>
            ) : (
              <TablePanel>
                <DataTable
                  name="gpus"
                  label="GPUs"
                  columns={columns}
                  rows={found.devices}
                  rowKey={(device) => `${device.kind}:${device.index ?? ''}:${device.name}`}
                  maxHeight={480}
                />
              </TablePanel>
            )}
          </div>
        )}
      </QueryView>
    </Page>
  );
}
