import type { IncomingHttpHeaders } from 'node:http';
import path from 'node:path';
import type { Attributes, Context, Span, SpanKind, TextMapPropagator, Tracer } from '@opentelemetry/api';
import { ApiError } from '#shared/errors.ts';
import type { Log } from './log.ts';
import { leaveWith } from './log-context.ts';
import { VERSION } from './version.ts';

export interface TracingOptions {
  /** Address of an OpenTelemetry collector (OTLP over HTTP); empty = nothing is traced, and the libraries are never loaded. */
  endpoint: string;
  /** Sent with each report: `name=value`, comma-separated, each value percent-encoded. */
  headers: string;
  serviceName: string;
  /** Of the traces that begin here, how many are kept; 0 to 100. */
  percent: number;
  log: Log<'warn'>;
}

/** A request's trace, which ends with its response. */
export interface RequestTrace {
  /** Runs work of the request, so that spans below it belong to it. */
  run<T>(work: () => T): T;
  /** @param route the pattern, never the address: that can contain secrets */
  end(route: string, status: number, code: string | undefined): void;
}

type Api = typeof import('@opentelemetry/api');
interface Active {
  api: Api;
  tracer: Tracer;
  propagator: TextMapPropagator;
  context: { active(): Context; with<T>(context: Context, work: () => T): T };
}

/** All daemons of a process report to the same collector. */
let active: Active | undefined;

/** How long a report may take, milliseconds; the daemon's end waits for the last one. */
const REPORT_MS = 3000;
/** A collector that is away is logged this often, milliseconds. */
const COMPLAIN_MS = 60_000;

/**
 * Begins to report spans of requests, jobs, worker tasks and calls of LiveKit.
 * @returns ends it, and sends what is left
 */
export async function startTracing(options: TracingOptions): Promise<() => Promise<void>> {
  if (options.endpoint === '') return async () => {};
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }, { AsyncLocalStorageContextManager }, core] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
    ]);
  let complainedAt = Number.NEGATIVE_INFINITY;
  // the library's own words can contain the address and headers
  const complain = (): void => {
    const now = performance.now();
    if (now - complainedAt < COMPLAIN_MS) return;
    complainedAt = now;
    options.log.warn({ code: 'TRACES_NOT_SENT' }, 'traces cannot be sent to OTEL_EXPORTER_OTLP_ENDPOINT');
  };
  api.diag.setLogger(
    { error: complain, warn: complain, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: headersOf(options.headers),
    timeoutMillis: REPORT_MS,
  });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.serviceName, 'service.version': VERSION }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(options.percent / 100) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const context = new AsyncLocalStorageContextManager();
  context.enable();
  const propagator = new core.W3CTraceContextPropagator();
  const own: Active = { api, tracer: provider.getTracer('streamhub', VERSION), propagator, context };
  active = own;
  leaveWith((work) => context.with(api.ROOT_CONTEXT, work));
  return async () => {
    if (active === own) active = undefined;
    await provider.shutdown().catch(complain);
    context.disable();
  };
}

/**
 * Runs work as a span of the trace under way, or of a new one. Without tracing it only runs the work.
 * @param attributes facts about it; no secrets and no free texts from outside
 */
export async function traced<T>(
  name: string,
  attributes: Attributes,
  work: (note: (more: Attributes) => void) => Promise<T>,
  { isCall = false }: { isCall?: boolean } = {},
): Promise<T> {
  if (active === undefined) return work(() => {});
  const { api, tracer, context } = active;
  const kind: SpanKind = isCall ? api.SpanKind.CLIENT : api.SpanKind.INTERNAL;
  const span = tracer.startSpan(name, { kind, attributes }, context.active());
  try {
    return await context.with(api.trace.setSpan(context.active(), span), () =>
      work((more) => {
        span.setAttributes(more);
      }),
    );
  } catch (error) {
    fail(api, span, codeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** Whether anything is traced; decided by the settings that the process started with. */
export const isTracing = (): boolean => active !== undefined;

/** Begins the span of a request; a `traceparent` of its client is continued. Undefined without tracing. */
export function traceRequest(method: string, headers: IncomingHttpHeaders, id: string): RequestTrace | undefined {
  if (active === undefined) return undefined;
  const { api, tracer, propagator, context } = active;
  const parent = propagator.extract(api.ROOT_CONTEXT, headers, api.defaultTextMapGetter);
  const attributes = { 'http.request.method': method, 'streamhub.request_id': id };
  const span = tracer.startSpan(method, { kind: api.SpanKind.SERVER, attributes }, parent);
  const own = api.trace.setSpan(parent, span);
  return {
    run: (work) => context.with(own, work),
    end(route, status, code) {
      span.updateName(`${method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
      if (code !== undefined) span.setAttribute('error.type', code);
      if (status >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR });
      span.end();
    },
  };
}

function fail(api: Api, span: Span, code: string): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: api.SpanStatusCode.ERROR });
}

/** Never the message: it can contain what others wrote. */
const codeOf = (error: unknown): string =>
  error instanceof ApiError ? error.code : error instanceof Error ? error.name : 'unknown';

/** The name of a worker's task, from its module. */
export const taskName = (module: string): string => path.basename(module).replace(/\.\w+$/, '');

/** As OpenTelemetry writes headers in a variable: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
function headersOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(',')
      .map((pair) => pair.split('='))
      .filter(([name = '', value]) => name.trim() !== '' && value !== undefined)
      .map(([name = '', ...value]) => [name.trim(), decode(value.join('=').trim())]),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
