// Traces as an OpenTelemetry collector gets them (OTLP over HTTP, JSON).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  status: { code?: number };
}
/** Kinds and statuses as OTLP numbers them. */
const [SERVER, CLIENT, ERROR] = [2, 3, 2];
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

const attribute = (span: Span, key: string) => {
  const value = span.attributes.find((one) => one.key === key)?.value;
  return value?.stringValue ?? value?.intValue;
};

test('requests, jobs, tasks and calls of LiveKit are spans; a collector that refuses them is told once', async (t) => {
  const collector = await callbackReceiver(t);
  const daemon = await testDaemon(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: new URL(collector.url).origin,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=collector%20key',
    OTEL_SERVICE_NAME: 'hub-1',
    LOG_LEVEL: 'warn',
    // nothing listens there
    LIVEKIT_URL: 'ws://127.0.0.1:9',
    ...LIVEKIT_KEYS,
  });
  const { api } = daemon;
  const spans = (): Span[] =>
    collector.received.flatMap(({ body }) => body.resourceSpans[0].scopeSpans.flatMap((scope: any) => scope.spans));
  const span = (name: string, fits: (span: Span) => boolean = () => true) =>
    until(`the span ${name}`, () => spans().find((one) => one.name === name && fits(one)));

  const continued = { traceparent: `00-${TRACE}-${PARENT}-01` };
  const created = await fetch(`${daemon.url}/api/v1/apps`, {
    method: 'POST',
    headers: { ...continued, authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'traced' }),
  });
  assert.equal(created.status, 201);
  assert.equal(
    (await api.post('/apps/traced/config/raw/validate', { yaml: 'name: traced\nroom_prefix: traced\n' })).status,
    200,
  );
  assert.equal((await api.get('/apps/nowhere')).status, 404);
  assert.equal((await api.post('/apps/traced/rooms', { room: 'traced-room' })).status, 502);
  assert.equal((await api.delete('/apps/traced?deleteVods=true')).status, 200);

  const request = await span('POST /api/v1/apps');
  assert.deepEqual([request.traceId, request.parentSpanId, request.kind], [TRACE, PARENT, SERVER]);
  assert.equal(attribute(request, 'http.response.status_code'), 201);
  assert.ok(attribute(request, 'streamhub.request_id'));

  const validation = await span('POST /api/v1/apps/:name/config/raw/validate');
  const task = await span('task config-check', ({ traceId }) => traceId === validation.traceId);
  assert.equal(task.parentSpanId, validation.spanId);

  const missing = await span('GET /api/v1/apps/:name', (one) => attribute(one, 'http.response.status_code') === 404);
  assert.deepEqual([attribute(missing, 'error.type'), missing.status.code ?? 0], ['APP_NOT_FOUND', 0]);

  const refused = await span('POST /api/v1/apps/:app/rooms');
  assert.equal(refused.status.code, ERROR);
  const call = await span('livekit RoomService/ListRooms', ({ traceId }) => traceId === refused.traceId);
  assert.deepEqual([call.kind, call.status.code, attribute(call, 'server.address')], [CLIENT, ERROR, '127.0.0.1:9']);

  const job = await span('job app-delete');
  assert.equal(Number(attribute(job, 'streamhub.job.id')), (await api.get('/jobs')).body.data[0].id);
  assert.equal(job.parentSpanId ?? '', '', 'a job has a trace of its own');

  const [report] = collector.received;
  assert.equal(report?.path, '/v1/traces');
  assert.equal(report?.headers['x-api-key'], 'collector key');
  const resource = report?.body.resourceSpans[0].resource.attributes;
  assert.ok(resource.some((one: any) => one.key === 'service.name' && one.value.stringValue === 'hub-1'));
  const sent = collector.received.map(({ raw }) => raw).join();
  for (const secret of [daemon.token, LIVEKIT_KEYS.LIVEKIT_API_SECRET]) assert.ok(!sent.includes(secret));

  collector.behave(400, 400);
  assert.equal((await api.get('/apps')).status, 200);
  const line = await until('the log tells', async () => (await api.get('/logs?q=TRACES_NOT_SENT')).body.data?.[0]);
  assert.equal(line.level, 'warn');
  assert.doesNotMatch(JSON.stringify(line), /collector.key/);
});
