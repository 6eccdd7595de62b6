import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const BASE = '/docs/';
/** What the daemon serves beside the site. */
const OF_DAEMON = '/docs/api-reference';

/**
 * Throws when a page of the built site has a link, an image or a script that leads nowhere, loads from another host, or has a
 * script inside it that the first page doesn't have: the daemon's policy allows the scripts of that page.
 */
export function checkSite(folder: string): void {
  const pages = globSync('**/*.html', { cwd: folder });
  const texts = new Map(pages.map((page) => [page, readFileSync(path.join(folder, page), 'utf8')]));
  const idsOf = (page: string): Set<string> =>
    new Set([...(texts.get(page) ?? '').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id as string));
  const ids = new Map(pages.map((page) => [page, idsOf(page)]));
  const scripts = (text: string): string[] =>
    [...text.matchAll(/<script(?![^>]*\ssrc=)[^>]*>(.*?)<\/script>/gs)].map(([, script]) => script as string);
  const allowed = new Set(scripts(texts.get('index.html') ?? ''));
  const problems: string[] = [];
  for (const [page, text] of texts) {
    for (const script of scripts(text)) if (!allowed.has(script)) problems.push(`${page}: a script inside the page`);
    for (const [, tag, attribute, address = ''] of text.matchAll(/<(\w+)\b[^>]*?\s(href|src)="([^"]*)"/g)) {
      if (/^(?:https?:)?\/\//.test(address)) {
        if (tag !== 'a') problems.push(`${page}: ${tag} ${attribute} loads ${address}`);
        continue;
      }
      if (/^(?:mailto|data):/.test(address) || address === OF_DAEMON) continue;
      const [place = '', anchor] = address.split('#');
      const target =
        place === '' ? page : place.startsWith(BASE) ? fileOf(folder, place.slice(BASE.length)) : undefined;
      if (
        target === undefined ||
        (anchor && target.endsWith('.html') && !ids.get(target)?.has(decodeURIComponent(anchor)))
      )
        problems.push(`${page}: ${address}`);
    }
  }
  if (problems.length > 0)
    throw new Error(`the site has links that lead nowhere:\n  ${[...new Set(problems)].join('\n  ')}`);
}

function fileOf(folder: string, place: string): string | undefined {
  const names = place === '' || place.endsWith('/') ? [`${place}index.html`] : [place, `${place}.html`];
  return names.find((name) => existsSync(path.join(folder, name)));
}
