import { NativeSelect } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { listNodes } from '#shared/contract/cluster.ts';
import { compareNodeQuality } from '#shared/contract/quality.ts';
import { isBadFigure } from '#shared/rules/quality.ts';
import { COMPARED_MEASURES, type ComparedMeasure, type NodesQuality } from '#shared/schema/quality.ts';
import { samplesOf } from '../../api/history.ts';
import { useRead } from '../../api/query.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { RangePicker } from '../../ui/form/range-picker.tsx';
import { Page, Panel, Toolbar } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import { ClusterTabs } from './cluster-tabs.tsx';
import { NodePanel } from './node-panel.tsx';
import { NodeFindings } from './node-quality.tsx';
import { FIGURES, limitOf } from './quality-words.ts';

const TimeChart = lazy(async () => ({ default: (await import('../../ui/data/time-chart.tsx')).TimeChart }));

type Row = NodesQuality['nodes'][number];

/** Lines that a chart keeps apart. */
const MOST_LINES = 4;
const MEASURES = COMPARED_MEASURES.map((value) => ({ value, label: FIGURES[value].label }));

/** How well media travelled through the nodes, beside each other. */
export function QualityPage() {
  const [search, setSearch] = useSearchState();
  const measure = COMPARED_MEASURES.find((one) => one === search['measure']) ?? 'score';
  const minutes = Math.min(1440, Math.max(1, Math.round(Number(search['minutes'])) || 60));
  const nodes = useRead(listNodes);
  const quality = useRead(compareNodeQuality, { query: { minutes, measure } }, { keep: true });
  const open = nodes.data?.find((node) => node.id === search['node']);
  return (
    <Page title="Cluster">
      <ClusterTabs current="quality" />
      <Toolbar>
        <NativeSelect
          aria-label="Figure"
          data={MEASURES}
          value={measure}
          onChange={(event) => setSearch({ measure: event.currentTarget.value })}
        />
        <RangePicker
          label="Time range"
          minutes={minutes}
          onChange={(chosen) => setSearch({ minutes: String(chosen) })}
        />
      </Toolbar>
      <QueryView query={quality} what="the quality of the nodes">
        {(told) =>
          told.nodes.length === 0 ? (
            <Empty title="Nothing was measured in this time">
              LiveKit measures while participants are connected, and agents report it. For LiveKit beside the daemon,
              LIVEKIT_METRICS_URL says where its figures are.
            </Empty>
          ) : (
            <div className="stack">
              <Comparison told={told} minutes={minutes} />
              <Panel title={`Averages of ${plural(told.nodes.length, 'node')}`} flush>
                <DataTable
                  name="node-quality"
                  label="Quality of the nodes"
                  columns={COLUMNS}
                  rows={told.nodes}
                  rowKey={(row) => row.id}
                  initialSort={{ column: 'state', isDescending: true }}
                  openKey={open?.id ?? null}
                  onOpen={(row) => setSearch({ node: row.id })}
                  maxHeight={420}
                />
              </Panel>
              {told.nodes
                .filter(({ findings }) => findings.length > 0)
                .slice(0, 20)
                .map(({ id, name, findings }) => (
                  <Panel key={id} title={name}>
                    <NodeFindings findings={findings} />
                  </Panel>
                ))}
            </div>
          )
        }
      </QueryView>
      <NodePanel node={open} onClose={() => setSearch({ node: undefined })} />
    </Page>
  );
}

/** One figure of several nodes in one chart: of many nodes, of the worst. */
function Comparison({ told, minutes }: { told: NodesQuality; minutes: number }) {
  const { measure } = told;
  const measured = told.nodes.filter(({ means }) => means[measure] !== undefined);
  const sign = measure === 'score' ? 1 : -1;
  const worst = measured.toSorted((a, b) => sign * ((a.means[measure] ?? 0) - (b.means[measure] ?? 0)));
  if (worst.length === 0) return <p className="dim">{FIGURES[measure].label} was not measured in this time.</p>;
  return (
    <Panel
      title="Side by side"
      note={worst.length > MOST_LINES ? `The ${MOST_LINES} worst of ${worst.length} nodes.` : undefined}
    >
      <Suspense fallback={<div style={{ height: 132 }} />}>
        <TimeChart
          group="compared-quality"
          minutes={minutes}
          label={FIGURES[measure].label}
          least={measure === 'score' ? 4.5 : 1}
          format={FIGURES[measure].format}
          limit={limitOf(measure)}
          series={worst.slice(0, MOST_LINES).map(({ name, line }) => ({ name, samples: samplesOf(told, line) }))}
        />
      </Suspense>
    </Panel>
  );
}

const figure = (measure: ComparedMeasure, width: string, from?: Column<Row>['from']): Column<Row> => ({
  id: measure,
  header: FIGURES[measure].label,
  width,
  align: 'end',
  ...(from === undefined ? {} : { from }),
  sort: ({ means }) => means[measure],
  cell: ({ means }) => {
    const value = means[measure];
    if (value === undefined) return <span className="dim">–</span>;
    const text = FIGURES[measure].format(value);
    return isBadFigure(measure, value) ? <State tone="danger">{text}</State> : text;
  },
});

const COLUMNS: readonly Column<Row>[] = [
  {
    id: 'name',
    header: 'Node',
    isName: true,
    width: 'minmax(112px, 1.5fr)',
    sort: ({ name }) => name,
    cell: ({ name }) => name,
  },
  {
    id: 'state',
    header: 'Quality',
    width: '112px',
    sort: ({ findings }) => findings.length,
    cell: ({ findings }) =>
      findings.length === 0 ? (
        <State tone="ok">good</State>
      ) : (
        <State tone="warn" title={findings.map(({ text }) => text).join(', ')}>
          {plural(findings.length, 'problem')}
        </State>
      ),
  },
  figure('score', '96px'),
  figure('lossIn', '116px', 'medium'),
  figure('lossOut', '108px'),
  figure('rtt', '88px'),
  figure('jitter', '76px', 'medium'),
  figure('nack', '160px', 'wide'),
  figure('pli', '144px', 'wide'),
  figure('forward', '88px', 'wide'),
  figure('tx', '88px', 'wide'),
  figure('rx', '88px', 'wide'),
];
