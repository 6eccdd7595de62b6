import type { FastifyInstance } from 'fastify';
import { operations } from '#shared/contract/index.ts';
import type { Operation } from '#shared/contract/operation.ts';
import type { ErrorDefinition } from '#shared/errors.ts';
import { ERRORS } from '#shared/errors.ts';
import { VERSION } from '../version.ts';
import { accessText, errorsOf, openApiDocument } from './openapi.ts';

const BASE = '/api/v1';

/** `/openapi.json` and the readable `/docs`, both without credential, made when first asked for. */
export function installDocs(api: FastifyInstance): void {
  let document: string | undefined;
  let html: string | undefined;
  api.get('/openapi.json', (_request, reply) => {
    document ??= JSON.stringify(openApiDocument(VERSION, BASE));
    return reply.type('application/json; charset=utf-8').send(document);
  });
  api.get('/docs', (_request, reply) => {
    html ??= page();
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
      .send(html);
  });
}

const esc = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
/** The little Markdown that summaries use. */
const rich = (text: string): string =>
  esc(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>');

function page(): string {
  const tags = [...new Set(operations.map((op) => op.tag))];
  const nav = tags
    .map((tag) => {
      const links = operations
        .filter((op) => op.tag === tag)
        .map((op) => `<li><a href="#${op.id}"><b>${op.method}</b> ${esc(op.path)}</a></li>`);
      return `<h2>${esc(tag)}</h2><ul>${links.join('')}</ul>`;
    })
    .join('');
  const body = tags
    .map(
      (tag) =>
        `<section><h2>${esc(tag)}</h2>${operations
          .filter((op) => op.tag === tag)
          .map(article)
          .join('')}</section>`,
    )
    .join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>StreamHub API</title><style>${STYLE}</style></head><body><nav><p><b>StreamHub API</b> ${VERSION}<br><a href="openapi.json">openapi.json</a></p>${nav}</nav>
<main><h1>StreamHub API</h1><p>Base address: <code>${BASE}</code>. Send <code>Authorization: Bearer &lt;API token or session token&gt;</code> unless a route says otherwise.
Times are ISO-8601 in UTC. Errors are <code>{statusCode, error, code, message, hint?, details?, requestId}</code>.</p>${body}</main></body></html>`;
}

function article(op: Operation): string {
  const success = Object.entries(op.responses)
    .map(([status, schema]) => `<h4>${status}</h4>${schema ? schemaBlock(schema) : '<p>Empty.</p>'}`)
    .join('');
  const errors = [...errorsOf(op)]
    .flatMap(([status, codes]) =>
      codes.map(
        (code) =>
          `<tr><td>${status}</td><td><code>${code}</code></td><td>${rich((ERRORS[code] as ErrorDefinition).message)}</td></tr>`,
      ),
    )
    .join('');
  return `<article id="${op.id}"><h3><b>${op.method}</b> <code>${esc((op.root ? '' : BASE) + op.path)}</code></h3><p>${rich(op.summary)}.</p>
${op.description ? `<p>${rich(op.description)}</p>` : ''}<p>Needs ${rich(accessText(op.access))}.</p>
${fields('Path', op.params)}${fields('Query', op.query)}${fields('Headers', op.headers)}${fields('Body', op.body as Operation['params'])}
<details><summary>Answers</summary>${success}<table>${errors}</table></details></article>`;
}

function fields(title: string, schema: Operation['params']): string {
  const properties = (schema as { properties?: Record<string, Record<string, unknown>> } | undefined)?.properties;
  if (properties === undefined) return '';
  const required = new Set((schema as { required?: string[] }).required ?? []);
  const rows = Object.entries(properties).map(
    ([name, p]) =>
      `<tr><td><code>${esc(name)}</code></td><td>${esc(typeText(p))}</td><td>${required.has(name) ? 'required' : ''}</td><td>${rich(String(p['description'] ?? ''))}</td></tr>`,
  );
  return `<h4>${title}</h4><table>${rows.join('')}</table>`;
}

function typeText(p: Record<string, unknown>): string {
  const limits = [
    p['enum'] ? (p['enum'] as unknown[]).join(' | ') : '',
    p['pattern'] ? String(p['pattern']) : '',
    p['minLength'] !== undefined || p['maxLength'] !== undefined
      ? `${p['minLength'] ?? 0}..${p['maxLength'] ?? '∞'} characters`
      : '',
    p['minimum'] !== undefined || p['maximum'] !== undefined ? `${p['minimum'] ?? ''}..${p['maximum'] ?? ''}` : '',
    p['default'] !== undefined ? `default ${JSON.stringify(p['default'])}` : '',
  ].filter(Boolean);
  return [String(p['type'] ?? 'any'), ...limits].join(', ');
}

const schemaBlock = (schema: unknown): string => `<pre>${esc(JSON.stringify(schema, null, 1))}</pre>`;

const STYLE = `:root{color-scheme:light dark}body{font:14px/1.55 system-ui,sans-serif;margin:0;display:grid;grid-template-columns:19rem 1fr}
nav{padding:1rem;height:100vh;overflow:auto;position:sticky;top:0;box-sizing:border-box;border-right:1px solid #8884}nav h2{font-size:.85rem;margin:.8rem 0 .2rem}
nav ul{list-style:none;margin:0;padding:0}nav a{display:block;color:inherit;text-decoration:none;font-size:12px;overflow-wrap:anywhere;padding:1px 0}nav b{font-size:10px}
main{padding:1rem 2rem;max-width:60rem;min-width:0}article{border-top:1px solid #8884;padding:.6rem 0}h3{font-size:1rem;margin:.3rem 0}h4{margin:.6rem 0 .2rem}
table{border-collapse:collapse;width:100%}td{border-bottom:1px solid #8883;padding:3px 8px 3px 0;vertical-align:top;overflow-wrap:anywhere}
pre{overflow:auto;max-height:20rem;background:#8881;padding:.6rem}code{font-size:.92em}@media(max-width:800px){body{display:block}nav{height:auto;position:static}}`;
