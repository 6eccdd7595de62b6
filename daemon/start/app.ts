import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import { installAudit } from '#daemon/identity/audit/install.ts';
import { installGuards } from '#daemon/identity/security/install.ts';
import { installRequestMetrics } from '#daemon/operations/metrics/http.ts';
import { basePath, installPublicLocations, withoutBase } from '#daemon/platform/base-path.ts';
import { installAnySite } from '#daemon/platform/http/any-site.ts';
import { installAuthentication } from '#daemon/platform/http/authenticate.ts';
import { installAuthorization } from '#daemon/platform/http/authorize.ts';
import { answerBadUrl, answerClientError, installRefusals } from '#daemon/platform/http/client-errors.ts';
import { installDeletingGuard } from '#daemon/platform/http/deleting.ts';
import { installDocs } from '#daemon/platform/http/docs.ts';
import { installErrorHandling } from '#daemon/platform/http/errors.ts';
import { installEtags } from '#daemon/platform/http/etag.ts';
import { installIdempotency } from '#daemon/platform/http/idempotency/install.ts';
import { installParsers } from '#daemon/platform/http/parsers.ts';
import { installProxyWarning } from '#daemon/platform/http/proxy-warning.ts';
import { installRequestLog, requestIds } from '#daemon/platform/http/request-log.ts';
import { installRequestTraces } from '#daemon/platform/http/request-traces.ts';
import { installBrowserSdk } from '#daemon/platform/http/sdk.ts';
import { installSecurityHeaders, securityHeaders } from '#daemon/platform/http/security-headers.ts';
import { installShares, Shares } from '#daemon/platform/http/shares.ts';
import { closeSilentConnections } from '#daemon/platform/http/silent-connections.ts';
import { installUnknownFields } from '#daemon/platform/http/unknown-fields.ts';
import { installCompilers } from '#daemon/platform/http/validation.ts';
import { AddressSet } from '#daemon/platform/net/addresses.ts';
import { publicBase } from '#daemon/platform/settings.ts';
import { apiRoutes, rootRoutes } from './routes.ts';
import type { Services } from './services.ts';

const API_BASE = '/api/v1';
const BODY_LIMIT = 102_400;

/** The Fastify instance with everything registered, not yet listening. */
export async function buildApp(services: Services): Promise<FastifyInstance> {
  const { settings } = services;
  let base = basePath(settings);
  settings.onChange(['publicBaseUrl'], () => {
    base = basePath(settings);
  });
  const nextId = requestIds();
  const headers = securityHeaders(settings.hstsSeconds);
  const refusals = { nextId, headers };
  let proxies = new AddressSet(settings.trustedProxies);
  settings.onChange(['trustedProxies'], () => {
    proxies = new AddressSet(settings.trustedProxies);
  });
  const log = services.log.child({ source: 'http' });
  const app = fastify({
    // one for all requests, whose lines name the request themselves. With a `loggerInstance`, Fastify would listen for the end
    // of every answer: twentieths of what a small one costs
    childLoggerFactory: () => log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: nextId,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: false },
    requestTimeout: 60_000,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    trustProxy: (address: string) => proxies.has(address),
    // requests under way are finished at a stop, new ones on kept connections are refused by installRefusals
    return503OnClosing: false,
    ...(services.certificate === undefined
      ? { http: { requireHostHeader: false } }
      : { https: { requireHostHeader: false, ...services.certificate.options } }),
    clientErrorHandler: answerClientError(refusals) as never,
    frameworkErrors: answerBadUrl(refusals) as never,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    // behind a proxy that keeps the path, requests come with it; behind one that strips it, without
    rewriteUrl: (request: IncomingMessage) => withoutBase(request.url ?? '/', base),
  }) as unknown as FastifyInstance;

  closeSilentConnections(app);
  installErrorHandling(app, services.dir.root);
  installRequestMetrics(app, services.metrics);
  installRequestTraces(app);
  installCompilers(app);
  installParsers(app);
  installUnknownFields(app);
  installRequestLog(app, log);
  installSecurityHeaders(app, headers);
  installAnySite(app);
  installProxyWarning(app, (address) => proxies.has(address), services.warnings);
  installRefusals(app, refusals);
  installGuards(app, { guard: services.guard, limits: services.limits, count404: () => settings.autoban404 });
  installAuthentication(app, {
    resolvers: services.resolvers,
    cookie: services.sessionCookie,
    renew: (value) => services.sessions.renewCookie(value),
  });
  installAuthorization(app, {
    mode: settings.authzEnforce,
    findApp: (name) => services.apps.registry.get(name),
  });
  installShares(app, new Shares());
  installDeletingGuard(app, (name) => services.apps.registry.get(name)?.deleting ?? false);
  installIdempotency(app, services.idempotency);
  installAudit(app, services.audit, (name) => services.apps.registry.get(name)?.tenantId);
  installEtags(app);
  installBrowserSdk(app);
  installPublicLocations(app, () => base);
  rootRoutes(app, services);
  await app.register(
    async (api) => {
      apiRoutes(api, services);
      installDocs(api, services.pool, () => publicBase(settings));
    },
    { prefix: API_BASE },
  );
  return app;
}
