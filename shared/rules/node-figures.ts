const figure = (maximum: number, description: string) => ({ maximum, description });
const MINUTES_10 = 600_000;

/** How well media travels through a node, on average of about half a minute. Its agent reports these, all but `forward` together. */
export const NODE_FIGURES = {
  score: figure(5, 'LiveKit’s quality score of the connections, 1 to 4.5 (a MOS).'),
  lossIn: figure(100, 'Percent of packets lost on the way to the node.'),
  lossOut: figure(100, 'Percent of packets lost on the way from the node to viewers.'),
  lossP95: figure(100, 'Percent of packets lost by the worst 5 % of the tracks.'),
  jitter: figure(MINUTES_10, 'Jitter of the tracks, milliseconds.'),
  jitterP95: figure(MINUTES_10, 'Jitter of the worst 5 % of the tracks, milliseconds.'),
  rtt: figure(MINUTES_10, 'Round trip to the clients, milliseconds.'),
  rttP95: figure(MINUTES_10, 'Round trip to the worst 5 % of the clients, milliseconds.'),
  nack: figure(1e9, 'Packets that were requested again (NACK), per second.'),
  pli: figure(1e9, 'Key frames that were requested (PLI), per second.'),
  forward: figure(MINUTES_10, 'How long LiveKit took to pass on a packet, milliseconds.'),
} as const;
export type QualityMeasure = keyof typeof NODE_FIGURES;
export const QUALITY_MEASURES = Object.keys(NODE_FIGURES) as QualityMeasure[];
