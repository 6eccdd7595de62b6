import type { FastifyInstance } from 'fastify';
import { pagePolicy } from '#daemon/platform/http/page-policy.ts';
import { notFound, sendStatic } from '#daemon/platform/http/static-files.ts';
import type { BuiltPages } from './built-pages.ts';
import { SITE } from './clone-builder.ts';
import { sendNote } from './note.ts';

/** The site is built for `/docs/`; in its files that is always the start of a quoted or unquoted address. */
const OWN_ADDRESS = /(?<=["'`(=\\])\/docs\//g;
const TEXT = /\.(?:html|js|css)$/;

/**
 * Serves the documentation at `/docs`.
 * @param build called for the first visitor: in a clone it builds what is missing or old
 */
export function docsRoutes(app: FastifyInstance, site: BuiltPages, publicPath: () => string, build: () => void): void {
  let isChecked = false;
  app.get('/docs', (_request, reply) => reply.redirect('/docs/', 308));
  app.get('/docs/api-reference', (_request, reply) => reply.redirect('/api/v1/docs', 302));
  app.route({
    method: ['GET', 'HEAD'],
    url: '/docs/*',
    handler: async (request, reply) => {
      if (!isChecked) build();
      isChecked = true;
      const base = publicPath();
      const { files } = site;
      const index = await files.find('index.html');
      if (index === undefined) return sendNote(reply, SITE, site.builder, base);
      const name = (request.params as { '*': string })['*'];
      let file = name === '' ? index : undefined;
      for (const candidate of [name, `${name}.html`, `${name.replace(/\/$/, '')}/index.html`])
        file ??= await files.find(candidate);
      const isPage = /\btext\/html\b/.test(request.headers.accept ?? '');
      const missing = file === undefined && isPage ? await files.find('404.html') : undefined;
      const found = file ?? missing;
      if (found === undefined) return notFound(reply);
      return sendStatic(request, reply, files, found, {
        // the two scripts inside its pages are allowed by their hashes
        policy: pagePolicy({ 'script-src': `'self'${files.scriptHashes}` }),
        status: missing === undefined ? undefined : 404,
        base: TEXT.test(found.name) ? base : '',
        rewrite: (text) => text.replace(OWN_ADDRESS, `${base}/docs/`),
      });
    },
  });
}
