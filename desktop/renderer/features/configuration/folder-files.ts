import { MAX_DECLARED_BYTES, MAX_DECLARED_FILES } from '#shared/limits.ts';
import type { DeclaredFile } from '#shared/schema/declared.ts';
import { unzip } from './zip.ts';

/** A repository can have other files beside those of the folder. */
const ENTRIES = 20_000;
const LIMITS = { entries: ENTRIES, bytes: MAX_DECLARED_BYTES };

/** The files that people chose: YAML files, a folder, or a zip archive of one. @throws Error that says what is wrong */
export async function readChosen(chosen: readonly File[]): Promise<DeclaredFile[]> {
  const files: DeclaredFile[] = [];
  for (const file of chosen) {
    const path = file.webkitRelativePath || file.name;
    if (/\.zip$/i.test(file.name)) {
      if (file.size > MAX_DECLARED_BYTES) throw new Error(`${file.name} is larger than 8 MiB.`);
      const found = unzip(new Uint8Array(await file.arrayBuffer()), isYaml, LIMITS);
      files.push(...found.map((one) => ({ path: one.path, text: textOf(one.path, one.content) })));
    } else if (isYaml(path)) {
      if (file.size > MAX_DECLARED_BYTES) throw new Error(`${path} is larger than 8 MiB.`);
      files.push({ path, text: textOf(path, new Uint8Array(await file.arrayBuffer())) });
    }
  }
  return checked(files);
}

/** Without the folder that all files are in. @throws Error that says what is wrong */
export function checked(files: readonly DeclaredFile[]): DeclaredFile[] {
  if (files.length === 0) throw new Error('There are no YAML files.');
  if (files.length > MAX_DECLARED_FILES) throw new Error(`There are more than ${MAX_DECLARED_FILES} YAML files.`);
  const bytes = files.reduce((sum, { text }) => sum + text.length, 0);
  if (bytes > MAX_DECLARED_BYTES) throw new Error('The files are larger than 8 MiB together.');
  const outside = files.find(({ path }) => path.startsWith('/') || /(?:^|\/)\.\.?(?:\/|$)|\\/.test(path));
  if (outside !== undefined) throw new Error(`${outside.path} is outside of the folder.`);
  const [top = ''] = (files[0]?.path ?? '').split('/');
  const isInOne = top !== 'apps' && files.every(({ path }) => path.startsWith(`${top}/`));
  return files.map(({ path, text }) => ({ path: isInOne ? path.slice(top.length + 1) : path, text }));
}

/** Hidden files, and those that archive programs add, are left out. */
const isYaml = (path: string): boolean =>
  /\.ya?ml$/.test(path) && !path.split('/').some((part) => /^\.[^.]/.test(part) || part === '__MACOSX');

function textOf(path: string, content: Uint8Array<ArrayBuffer>): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw new Error(`${path} is not text in UTF-8.`);
  }
}
