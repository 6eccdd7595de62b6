import assert from 'node:assert/strict';
import test from 'node:test';
import { LivekitMeter, type LivekitNumbers, livekitNumbers, parseMetrics } from './livekit-metrics.ts';

test('the text format: labels, escapes, exponents; comments and junk are left out', () => {
  const samples = parseMetrics(
    [
      '# HELP a_total what it is',
      'a_total 3',
      'b{x="1",y="a \\"q\\" \\\\ \\n,}"} 1.5e+03 1700000000',
      'c{} +Inf',
      'd NaN',
      'not a sample at all',
      '',
    ].join('\n'),
  );
  assert.deepEqual(samples, [
    { name: 'a_total', labels: {}, value: 3 },
    { name: 'b', labels: { x: '1', y: 'a "q" \\ \n,}' }, value: 1500 },
  ]);
});

const label = 'node_id="ND_x",node_type="SERVER"';
const text = (everyone: number, client: number, server: number): string => `
livekit_room_total{${label}} 2
livekit_participant_total{${label}} ${everyone}
livekit_psrpc_stream_count{method="RelaySignal",${label},role="client",service="Signal"} ${client}
livekit_psrpc_stream_count{method="RelaySignal",${label},role="server",service="Signal"} ${server}
livekit_psrpc_stream_count{method="Other",${label},role="client",service="X"} 50
livekit_packet_bytes{country="",direction="incoming",${label},transmission="initial"} 100
livekit_packet_bytes{country="DE",direction="incoming",${label},transmission="retransmit"} 11
livekit_packet_bytes{country="",direction="outgoing",${label},transmission="initial"} 7
livekit_track_published_total{kind="VIDEO",${label}} 3
livekit_track_published_total{kind="AUDIO",${label}} 1
`;

test('guests are told from residents', () => {
  const of = (everyone: number, client: number, server: number) => {
    const { participants, clients, foreignClients } = livekitNumbers(parseMetrics(text(everyone, client, server)));
    return [participants, clients, foreignClients];
  };
  assert.deepEqual(of(3, 3, 0), [0, 3, 3], 'all rooms are elsewhere');
  assert.deepEqual(of(4, 1, 4), [4, 1, 0], 'all rooms are here');
  assert.deepEqual(of(5, 3, 4), [4, 3, 1]);
  assert.deepEqual(of(0, 0, 0), [0, 0, 0]);
  assert.deepEqual(of(1, 0, 0), [1, 0, 0], 'a resident that reconnects signals nowhere for a moment');
});

test('sums over labels, and the node’s id', () => {
  const numbers = livekitNumbers(parseMetrics(text(1, 1, 1)));
  assert.equal(numbers.nodeId, 'ND_x');
  assert.deepEqual([numbers.rooms, numbers.rxBytes, numbers.txBytes, numbers.publishedTracks], [2, 111, 7, 4]);
  assert.equal(livekitNumbers([]).nodeId, null);
});

/** As LiveKit 1.13.5 writes its histograms and counters of quality: `count` tracks were measured, and `bad` of them badly. */
const measured = (count: number, bad: number): string => {
  const track = (direction: string) => `country="",direction="${direction}",${label},source="CAMERA",type="VIDEO"`;
  const histogram = (name: string, labels: string, good: number, [low, high]: [number, number], sum: number) => `
${name}_bucket{${labels},le="${low}"} ${good}
${name}_bucket{${labels},le="${high}"} ${count}
${name}_bucket{${labels},le="+Inf"} ${count}
${name}_sum{${labels}} ${sum}
${name}_count{${labels}} ${count}`;
  return `${histogram('livekit_packet_loss_percent', track('incoming'), count - bad, [0, 10], bad * 10)}
${histogram('livekit_packet_loss_percent', track('outgoing'), count, [0, 10], 0)}
${histogram('livekit_jitter_us', track('incoming'), count, [10_000, 30_000], count * 4000)}
${histogram('livekit_rtt_ms', track('outgoing'), count - bad, [50, 250], (count - bad) * 20 + bad * 220)}
${histogram('livekit_quality_score', label, 0, [4.25, 4.5], count * 4.5)}
livekit_pli_total{country="",direction="incoming",${label}} ${count / 2}
livekit_nack_total{country="",direction="outgoing",${label}} ${bad}
livekit_nack_total{country="",direction="incoming",${label}} ${bad}
`;
};

const totals = (nodeId: string, bytes: number, quality = ''): LivekitNumbers => ({
  ...livekitNumbers(parseMetrics(quality)),
  nodeId,
  rooms: 1,
  participants: 1,
  clients: 1,
  foreignClients: 0,
  publishedTracks: 1,
  subscribedTracks: 0,
  rxBytes: bytes,
  txBytes: 2 * bytes,
  rxPackets: bytes / 100,
  txPackets: 0,
  forwarded: bytes / 100,
  forwardNs: bytes * 2500,
});

test('rates go by the moments at which the totals grew', () => {
  const meter = new LivekitMeter();
  const rate = (bytes: number, second: number, id = 'ND_1') =>
    meter.rates(totals(id, bytes), second * 1000).rxBytesPerSecond;
  assert.equal(rate(0, 0), undefined, 'one reading makes no rate');
  assert.equal(rate(0, 2), undefined);
  assert.equal(rate(5000, 5), 1000);
  assert.equal(rate(5000, 7), 1000, 'between two growths it stays');
  assert.equal(rate(10_000, 10), 1000);
  assert.equal(rate(10_000, 23), 0, 'it went quiet');
  assert.equal(rate(0, 25, 'ND_2'), undefined, 'LiveKit started anew');
  assert.equal(rate(0, 38, 'ND_2'), 0);
  const { txBytesPerSecond, rxPacketsPerSecond } = new LivekitMeter().rates(totals('a', 0), 0);
  assert.deepEqual([txBytesPerSecond, rxPacketsPerSecond], [undefined, undefined]);
});

test('the time to pass on a packet is a mean of what was passed on lately', () => {
  const meter = new LivekitMeter();
  const mean = (bytes: number, second: number) => meter.rates(totals('ND_1', bytes), second * 1000).forwardLatencyMs;
  assert.equal(mean(0, 0), undefined);
  assert.equal(mean(5000, 5), 0.25);
  assert.equal(mean(10_000, 10), 0.25);
  assert.equal(mean(10_000, 30), undefined, 'nothing is passed on any more');
});

test('quality is what was measured between two readings, and unknown after a restart of LiveKit', () => {
  const meter = new LivekitMeter();
  const of = (second: number, bytes: number, text: string, id = 'ND_1') =>
    meter.rates(totals(id, bytes, text), second * 1000).quality;
  assert.equal(of(0, 0, measured(1000, 500)), undefined, 'totals since the start say nothing of now');
  assert.deepEqual(of(10, 1000, measured(1020, 502)), {
    score: 4.5,
    lossIn: 1,
    lossOut: 0,
    // 38 of 40 readings have no loss at all
    lossP95: 0,
    jitter: 4,
    jitterP95: 9.5,
    rtt: 40,
    rttP95: 150,
    nack: 0.4,
    pli: 1,
  });
  assert.equal(of(11, 1000, measured(1020, 502))?.rtt, 40, 'until LiveKit counts again it stays');
  assert.equal(of(30, 1000, measured(1020, 502)), undefined, 'nothing is measured any more');
  assert.equal(of(40, 500, measured(4, 0)), undefined, 'smaller totals are a new start, also of the same node');
  assert.equal(of(50, 600, measured(8, 4))?.lossIn, 10);
  assert.equal(of(52, 900, measured(400, 40), 'ND_2'), undefined);
  assert.equal(of(60, 1000, '', 'ND_2'), undefined, 'a LiveKit without these families');
});

test('a server that does not answer, refuses or hangs is null in bounded time', async (t) => {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    if (request.url === '/refuses') response.writeHead(401).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const meter = new LivekitMeter();
  assert.equal(await meter.read('http://127.0.0.1:9/metrics', 1000), null);
  assert.equal(await meter.read(`${base}/refuses`, 1000), null);
  assert.equal(await meter.read(`${base}/hangs`, 100), null);
});
