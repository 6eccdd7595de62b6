import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brokenLinks, linksOf } from './markdown.ts';
import { groups, pageOf, ROOT } from './pages.ts';

const textOf = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** The first heading of a document. */
export function titleOf(file: string): string {
  const heading = /^# (.*)$/m.exec(textOf(file))?.[1];
  if (heading === undefined) throw new Error(`${file} has no heading`);
  return file === 'README.md' ? 'About StreamHub' : heading.replace(/`/g, '');
}

/** Where a file that isn't a document is in the site. Browsers show text, and save what they don't know. */
const attachment = (file: string): string => `files/${file}${/\.(?:png|svg)$/.test(file) ? '' : '.txt'}`;

/**
 * Puts every document where the site has it. Links are rewritten for that place; a file that isn't a document is
 * included as text below `files/`.
 */
export function stage(folder: string): void {
  const files = groups().flatMap((group) => group.files);
  const broken = brokenLinks(ROOT, files, (file) => existsSync(path.join(ROOT, file)));
  if (broken.length > 0) throw new Error(`links lead nowhere:\n  ${broken.join('\n  ')}`);
  rmSync(folder, { recursive: true, force: true });
  const isPage = new Set(files);
  const attached = new Set<string>();
  const addressOf = (target: string): string => {
    if (isPage.has(target)) return `/${pageOf(target).replace(/(^|\/)index$/, '$1')}`;
    if (statSync(path.join(ROOT, target)).isDirectory()) throw new Error(`a document links to the folder ${target}`);
    attached.add(target);
    return `/${attachment(target)}`;
  };
  for (const file of files) {
    const page = pageOf(file);
    let text = textOf(file).replace(/<!--[\s\S]*?-->\n*/g, '');
    for (const { href, target, anchor } of linksOf(file, text)) {
      text = text.replaceAll(`](${href})`, `](${addressOf(target)}${anchor === undefined ? '' : `#${anchor}`})`);
    }
    const target = path.join(folder, `${page}.md`);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  for (const file of attached) {
    const target = path.join(folder, 'public', attachment(file));
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(ROOT, file), target);
  }
  copyFileSync(path.join(ROOT, 'build/icons/64x64.png'), path.join(folder, 'public/icon.png'));
}
