import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { fileError } from './files/file-errors.ts';
import { isReadableByOthers } from './files/readable-by-others.ts';

export interface EnvFile {
  values: Record<string, string | undefined>;
  /** What a line says that it may not mean, e.g. `line 3: …`. Names are quoted, values never. */
  remarks: string[];
  /** Other users may read or change the file. */
  isShared: boolean;
}

/** Thrown for a file that can't be used; the message reads on after the file's name. */
export class EnvFileError extends Error {}

/**
 * Reads a file of `NAME=value` lines, with the rules of Node's `util.parseEnv`. A byte order mark is skipped, and lines end as on
 * any system.
 * @throws EnvFileError if the file is not UTF-8 text or can't be read
 */
export function readEnvFile(file: string, required: boolean): EnvFile {
  try {
    const bytes = readFileSync(file);
    // text has no zero bytes; UTF-16 has one beside each Latin letter
    if (/^(?:\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2)) || bytes.includes(0)) {
      throw new EnvFileError('is not UTF-8 text but looks like UTF-16; save it as UTF-8');
    }
    // `parseEnv` drops a carriage return alone, which old editors end lines with, and joins the lines
    const text = bytes
      .toString('utf8')
      .replace(/\r\n?/g, '\n')
      .replace(/^\ufeff+/gm, '');
    return { values: parseEnv(text), remarks: remarksOn(text), isShared: isReadableByOthers(file) };
  } catch (error) {
    if (error instanceof EnvFileError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && !required) return { values: {}, remarks: [], isShared: false };
    const refusal = fileError(error, file);
    const cure = refusal?.code === 'FILE_ACCESS_DENIED' ? `: ${refusal.message} ${refusal.hint ?? ''}` : '';
    throw new EnvFileError(`cannot be read (${code ?? 'unreadable'})${cure}`);
  }
}

function remarksOn(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ''));
  const seen = new Map<string, number>();
  const remarks: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line === '' || line.startsWith('#')) continue;
    const at = i + 1;
    const found = /^(export\s+)?([^=]*?)\s*=(.*)$/s.exec(line);
    if (found === null) {
      // the line may be part of a secret, so it is not quoted
      remarks.push(`line ${at} has no = and is ignored. Write NAME=value, or # in front of a comment.`);
      continue;
    }
    const [, exported, name = '', raw = ''] = found;
    const value = raw.trimStart();
    if (!/^[\w.-]+$/.test(name)) {
      // `LIVEKIT_API_SECRET: abc=` has a part of a secret there, so it is not quoted
      remarks.push(`line ${at} does not begin with a name and =, and may have no effect. Write NAME=value.`);
      continue;
    }
    const shown = /^\w+$/.test(name) ? name : 'a name';
    if (exported !== undefined)
      remarks.push(`line ${at} begins with export. StreamHub accepts ${shown}, but systemd and Docker don’t.`);
    if (line.includes('\ufffd')) {
      const cure = 'Save the file as UTF-8, and check the value';
      remarks.push(`line ${at}: ${shown} contains bytes that are not UTF-8 and are replaced. ${cure}.`);
    }
    const first = seen.get(name);
    if (first !== undefined) remarks.push(`line ${at} sets ${shown} again. Line ${first} has no effect.`);
    seen.set(name, at);
    // without a second quote on its line, a value ends at the next such quote, if there is one
    const quote = /^["'`]/.exec(value)?.[0];
    const lost = lostPart(raw, quote);
    if (lost !== undefined) remarks.push(`line ${at}: the value of ${shown} ${lost}`);
    if (quote === undefined || value.includes(quote, 1)) continue;
    const end = lines.findIndex((later, index) => index > i && later.includes(quote));
    if (end < 0) continue;
    remarks.push(`line ${at}: the value of ${shown} continues to line ${end + 1}, because its quote ends there.`);
    i = end;
  }
  return remarks;
}

/** What `parseEnv` leaves out of a value or changes in it, although it may be meant. Reads on after the name. */
function lostPart(raw: string, quote: string | undefined): string | undefined {
  if (quote === undefined) {
    const at = raw.indexOf('#');
    if (at < 0 || /\s/.test(raw[at - 1] ?? '')) return undefined;
    return 'ends before the first #. If # is part of it, put the value in quotes; if not, write a blank before #.';
  }
  const value = raw.trimStart();
  const end = value.indexOf(quote, 1);
  if (end < 0) return undefined;
  if (!/^\s*(?:#.*)?$/.test(value.slice(end + 1)))
    return `ends at the second ${quote}, and the rest is ignored. Put the whole value in other quotes.`;
  if (quote === '"' && value.slice(0, end).includes('\\n'))
    return 'has a \\n in double quotes, which becomes a line end. If it is part of the value, use single quotes.';
  return undefined;
}
