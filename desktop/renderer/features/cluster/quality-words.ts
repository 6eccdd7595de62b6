import type { QualityMeasure } from '#shared/rules/node-figures.ts';
import { isBadFigure, NODE_LIMITS } from '#shared/rules/quality.ts';
import type { ComparedMeasure } from '#shared/schema/quality.ts';
import type { ChartLimit } from '../../ui/data/time-chart.tsx';
import { bitrate } from '../../ui/words/format.ts';

const short = (value: number): string => String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
const share = (value: number): string => `${short(value)} %`;
const time = (value: number): string => `${short(value)} ms`;
const rate = (value: number): string => `${short(value)}/s`;
const traffic = (value: number): string => bitrate(value * 8);

/** What a figure is called, and how its values are written. */
export const FIGURES: Readonly<Record<ComparedMeasure, { label: string; format: (value: number) => string }>> = {
  score: { label: 'Quality score', format: short },
  lossIn: { label: 'Loss to the node', format: share },
  lossOut: { label: 'Loss to viewers', format: share },
  lossP95: { label: 'Loss, worst 5 %', format: share },
  jitter: { label: 'Jitter', format: time },
  jitterP95: { label: 'Jitter, worst 5 %', format: time },
  rtt: { label: 'Round trip', format: time },
  rttP95: { label: 'Round trip, worst 5 %', format: time },
  nack: { label: 'Packets requested again', format: rate },
  pli: { label: 'Key frames requested', format: rate },
  forward: { label: 'Forwarding', format: time },
  tx: { label: 'Sends', format: traffic },
  rx: { label: 'Receives', format: traffic },
};

export function limitOf(measure: ComparedMeasure): ChartLimit | undefined {
  const limit = NODE_LIMITS[measure as QualityMeasure];
  return limit && { value: limit.value, isBad: (value) => isBadFigure(measure, value) };
}
