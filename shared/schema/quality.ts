import { type Static, Type } from 'typebox';
import { NODE_FIGURES, QUALITY_MEASURES, type QualityMeasure } from '../rules/node-figures.ts';
import { Instant, nullable, object, oneOf } from './common.ts';
import { HistoryQuery } from './history.ts';

const TRAFFIC = { tx: 'Bytes sent per second.', rx: 'Bytes received per second.' } as const;
/** What is drawn and compared: the figures of quality, and how much a node carried. */
export const COMPARED_MEASURES = [...QUALITY_MEASURES, 'tx', 'rx'] as const;
export type ComparedMeasure = (typeof COMPARED_MEASURES)[number];

const describe = (measure: ComparedMeasure): string =>
  measure in TRAFFIC ? TRAFFIC[measure as keyof typeof TRAFFIC] : NODE_FIGURES[measure as QualityMeasure].description;
const each = <S>(schema: (description: string) => S): Record<ComparedMeasure, S> =>
  Object.fromEntries(COMPARED_MEASURES.map((measure) => [measure, schema(describe(measure))])) as Record<
    ComparedMeasure,
    S
  >;

const Line = Type.Array(nullable(Type.Number()));

/** A stretch of minutes in which a figure was beyond its limit. */
export const NodeQualityFinding = object({
  measure: oneOf(QUALITY_MEASURES),
  from: Instant,
  to: Instant,
  worst: Type.Number({ description: 'In the unit of the figure.' }),
  text: Type.String({ examples: ['3.2 % loss of what the node sent'] }),
});
export type NodeQualityFinding = Static<typeof NodeQualityFinding>;

const span = { from: Instant, stepSeconds: Type.Integer({ description: 'Interval between values.' }) };
const node = { id: Type.String(), name: Type.String() };
const findings = Type.Array(NodeQualityFinding, { description: 'What was wrong, in order of time.' });

export const NodeQuality = object({
  ...span,
  ...node,
  lines: object(each((description) => Type.Optional({ ...Line, description: `${description} Null: no data.` }))),
  findings,
});
export type NodeQuality = Static<typeof NodeQuality>;

export const NodesQualityQuery = object({
  ...HistoryQuery.properties,
  measure: Type.Optional(
    oneOf(COMPARED_MEASURES, {
      title: 'ComparedMeasure',
      default: 'score',
      description: 'The figure whose line is returned for each node.',
    }),
  ),
});
export type NodesQualityQuery = Static<typeof NodesQualityQuery>;

export const NodesQuality = object({
  ...span,
  measure: oneOf(COMPARED_MEASURES),
  nodes: Type.Array(
    object({
      ...node,
      means: object(each((description) => Type.Optional(Type.Number({ description })))),
      line: Line,
      findings,
    }),
  ),
});
export type NodesQuality = Static<typeof NodesQuality>;
