import { csvLine } from '#daemon/platform/csv.ts';
import { bytes, duration } from '#shared/format.ts';
import { list, plainText, table } from './table.ts';

export const FORMATS = ['table', 'json', 'yaml', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export interface OutputOptions {
  output?: Format;
  json?: boolean;
  columns?: string[];
}

type Row = Readonly<Record<string, unknown>>;

export const formatOf = ({ output, json }: OutputOptions): Format => (json ? 'json' : (output ?? 'table'));

/** Writes a line to standard output. Names in it are others’, so nothing in it moves the cursor or begins another line. */
export const print = (line: string): void => printText(plainText(line));

/** Writes a text as it is: in colours, of several lines, or what programs read. Names in it must be plain already. */
export const printText = (text: string): void => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);

/** Writes a line for the person at the terminal: not part of the result. */
export const note = (line: string): void => void process.stderr.write(`${plainText(line)}\n`);

/**
 * Prints a list of rows or one object.
 * @param columns of the table: names, dotted for nested values, or `header=name`. Without them, every plain value of the first row
 * @param fields that a row can have, where they are known
 */
export async function printData(
  data: unknown,
  options: OutputOptions,
  columns?: readonly string[],
  fields: readonly string[] = [],
): Promise<void> {
  const format = formatOf(options);
  if (format === 'json') return printText(JSON.stringify(data ?? null, null, 2));
  if (format === 'yaml') return printText((await import('yaml')).stringify(data ?? null, { lineWidth: 0 }));
  const rows = (Array.isArray(data) ? data : data === undefined || data === null ? [] : [data]).map(asRow);
  warnOfColumns(rows, options.columns ?? [], [...fields, ...(columns ?? [])]);
  if (format === 'csv') {
    const names =
      options.columns ?? (rows.length === 0 ? fields : [...new Set(rows.flatMap((row) => Object.keys(row)))]);
    if (names.length === 0) return;
    return process.stdout.write(
      [names, ...rows.map((row) => names.map((name) => csvValue(valueAt(row, name))))].map(csvLine).join(''),
    ) as never;
  }
  if (!Array.isArray(data)) {
    const [row] = rows;
    if (row === undefined) return;
    const names = options.columns ?? Object.keys(row).filter((name) => row[name] !== undefined);
    return printText(
      list(names.map((name) => [headerOf(name).toLowerCase(), cellText(name, valueAt(row, name), true)])),
    );
  }
  const names = options.columns ?? columns ?? plainNames(rows);
  if (rows.length === 0) return void (process.stderr.isTTY && note('None.'));
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  printText(
    table(
      names.map((name) => headerOf(name).toUpperCase()),
      rows.map((row) => names.map((name) => cellText(name, valueAt(row, name), false))),
      width,
    ),
  );
}

/** A column that no row has can be one that these rows leave out, so the others are printed. */
function warnOfColumns(rows: readonly Row[], asked: readonly string[], known: readonly string[]): void {
  const wrong = asked.filter((name) => !known.includes(name) && rows.every((row) => valueAt(row, name) === undefined));
  if (rows.length === 0 || wrong.length === 0) return;
  const there = [...new Set([...known, ...rows.flatMap((row) => Object.keys(row))])];
  note(`streamhub: warning: no row has the column ${wrong.join(', ')}. There are: ${there.join(', ')}.`);
}

const asRow = (value: unknown): Row => (typeof value === 'object' && value !== null ? (value as Row) : { value });

const plainNames = (rows: readonly Row[]): string[] =>
  Object.entries(rows[0] ?? {})
    .filter(([, value]) => typeof value !== 'object')
    .map(([name]) => name);

function valueAt(row: Row, column: string): unknown {
  const name = column.replace(/^.*=/, '');
  if (name in row) return row[name];
  return name.split('.').reduce<unknown>((value, part) => (value as Row | null | undefined)?.[part], row);
}

/** `livekitRoomPrefix` and `last_seen_at` as words. */
const headerOf = (column: string): string =>
  column
    .replace(/=.*$/, '')
    .replaceAll(/[._]/g, ' ')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/ (?:bytes|s|seconds)$/i, '');

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** A value for people. Units come from the names of the contract. */
function cellText(name: string, value: unknown, isWide: boolean): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number' && /bytes$/i.test(name)) return bytes(value);
  if (typeof value === 'number' && /(?:durationS|Seconds|_s)$/.test(name)) return duration(value);
  if (typeof value === 'string' && INSTANT.test(value)) return value.replace('T', ' ').replace(/(?:\.\d+)?Z$/, 'Z');
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.join(', ');
  if (typeof value === 'object')
    return isWide ? JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, ' ') : JSON.stringify(value);
  return String(value);
}

const csvValue = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
