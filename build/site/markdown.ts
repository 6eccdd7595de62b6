import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The anchor of a heading, as GitHub makes it. */
export const slug = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replace(/\s/g, '-');

export interface Block {
  /** After the fence, e.g. `sh`. */
  language: string;
  text: string;
  /** Of the fence, from 1. */
  line: number;
  /** Of the last fence. */
  endLine: number;
}

/** The fenced blocks of a document; blocks of list items lose their indentation. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { indent: number; language: string; line: number; lines: string[] } | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const fence = /^( *)```(\S*)/.exec(text);
    if (fence === null) open?.lines.push(text.slice(Math.min(open.indent, /^ */.exec(text)?.[0].length ?? 0)));
    else if (open === undefined)
      open = { indent: fence[1]?.length ?? 0, language: fence[2] ?? '', line: index + 1, lines: [] };
    else {
      const { language, line, lines } = open;
      blocks.push({ language, line, text: `${lines.join('\n')}\n`, endLine: index + 1 });
      open = undefined;
    }
  }
  return blocks;
}

/** A document without its fenced blocks. */
const prose = (markdown: string): string => markdown.replace(/^( *)```[\s\S]*?^ *```$/gm, '');

function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading] of prose(markdown).matchAll(/^#{1,6} (.*)$/gm)) {
    const name = slug((heading as string).replace(/\]\([^)]*\)/g, '').replace(/[`*[]/g, ''));
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    anchors.add(count === 0 ? name : `${name}-${count}`);
  }
  return anchors;
}

interface Link {
  /** As written. */
  href: string;
  /** Below the repository's root. */
  target: string;
  anchor: string | undefined;
}

/** Links of a document to files of the repository, and to its own headings. */
export function linksOf(file: string, markdown: string): Link[] {
  return [
    ...prose(markdown)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(/\]\((?![a-z]+:|\/)([^)\s]+)/g),
  ].map((match) => {
    const href = match[1] as string;
    const [place = '', anchor] = href.split('#');
    const target = place === '' ? file : path.posix.join(path.posix.dirname(file), place).replace(/\/$/, '');
    return { href, target, anchor };
  });
}

/** Links of documents that lead to no file or no heading, as `file: link`. */
export function brokenLinks(root: string, files: readonly string[], exists: (file: string) => boolean): string[] {
  const texts = new Map<string, string>();
  const textOf = (file: string): string => {
    const text = texts.get(file) ?? readFileSync(path.join(root, file), 'utf8');
    texts.set(file, text);
    return text;
  };
  return files.flatMap((file) =>
    linksOf(file, textOf(file))
      .filter(
        ({ target, anchor }) =>
          !exists(target) || (anchor !== undefined && target.endsWith('.md') && !anchorsOf(textOf(target)).has(anchor)),
      )
      .map(({ href }) => `${file}: ${href}`),
  );
}
