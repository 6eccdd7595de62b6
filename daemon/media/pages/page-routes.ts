import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { fillTemplate } from '#daemon/platform/files/template.ts';
import { assetPath } from '#daemon/platform/paths.ts';

const ASSETS = 'media/pages/assets';

/**
 * Scripts and styles are the daemon's own. Media and LiveKit can be anywhere. Any site may embed the pages: they use no
 * cookie, and what they can do is in the token of their address.
 */
const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  'img-src * data:',
  'media-src * blob:',
  'connect-src *',
  "base-uri 'self'",
  "form-action 'none'",
  'frame-ancestors *',
].join('; ');

const TEMPLATES = { watch: 'watch.html.tmpl', embed: 'watch.html.tmpl', publish: 'publish.html.tmpl' } as const;
type Page = keyof typeof TEMPLATES;

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

interface Asset {
  type: string;
  etag: string;
  body: string;
}

export interface PageDeps {
  apps: { registry: { get(name: string): AppEntry | undefined } };
}

/**
 * The pages for publishers and viewers: `/publish`, `/watch` and `/embed`, each with `/{app}/{room}`. Without a room the
 * app's own is opened. They work below any path, because all their addresses are relative.
 */
export function pageRoutes(app: FastifyInstance, { apps }: PageDeps): void {
  for (const page of Object.keys(TEMPLATES) as Page[]) {
    app.get<{ Params: { app: string } }>(`/${page}/:app`, (request, reply) => {
      const { app: name } = request.params;
      const room = apps.registry.get(name)?.roomPrefix ?? name;
      const [, query] = request.url.split('?');
      // a relative address: a proxy may publish the daemon below a path. The browser keeps the fragment
      return reply
        .code(302)
        .header('location', `${encodeURIComponent(name)}/${encodeURIComponent(room)}${query ? `?${query}` : ''}`)
        .send();
    });
    app.get(`/${page}/:app/:room`, (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .headers({ 'content-security-policy': PAGE_CSP, 'cache-control': 'no-cache' })
        .send(textOf(page)),
    );
  }
  let assets: ReadonlyMap<string, Asset> | undefined;
  app.get<{ Params: { file: string } }>('/player/:file', (request, reply) => {
    assets ??= readAssets();
    return sendAsset(request, reply, assets.get(request.params.file));
  });
  app.get('/telemetry.js', (request, reply) => {
    assets ??= readAssets();
    // pages of other sites load it
    reply.header('cross-origin-resource-policy', 'cross-origin');
    return sendAsset(request, reply, assets.get('telemetry.js'));
  });
}

/** Two segments of a page's address are below the daemon's base. */
const textOf = (page: Page): string =>
  fillTemplate(`${ASSETS}/${TEMPLATES[page]}`, {
    page,
    base: '../../',
    chat: fillTemplate(`${ASSETS}/chat.html.tmpl`, {}),
  });

function readAssets(): ReadonlyMap<string, Asset> {
  const names = readdirSync(assetPath(ASSETS)).filter((name) => TYPES[extension(name)] !== undefined);
  return new Map(
    names.map((name) => {
      const body = readFileSync(assetPath(`${ASSETS}/${name}`), 'utf8');
      return [name, { type: TYPES[extension(name)] as string, etag: `"${hash('sha256', body, 'base64url')}"`, body }];
    }),
  );
}

const extension = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset | undefined): FastifyReply {
  if (asset === undefined) {
    reply.callNotFound();
    return reply;
  }
  reply.headers({ etag: asset.etag, 'cache-control': 'no-cache' });
  if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
  return reply.type(asset.type).send(asset.body);
}
