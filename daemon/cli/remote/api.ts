import { pipeline } from 'node:stream/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { API_BASE } from '#shared/client/base.ts';
import { DaemonError, refusalOf, UnreachableError } from '#shared/client/errors.ts';
import { type Page, rowsOf } from '#shared/client/pages.ts';
import { textFromStdin } from '../ask.ts';
import { UsageError } from '../exit-codes.ts';
import { readNamed } from '../named-file.ts';
import { newCommand } from '../usage.ts';
import { withConnection } from './command.ts';
import type { ConnectionOptions } from './connection.ts';
import { withDaemon } from './daemon.ts';
import { scalar } from './fields.ts';
import { printText } from './output.ts';

interface ApiOptions extends ConnectionOptions {
  method?: string;
  field?: Record<string, unknown>;
  rawField?: Record<string, string>;
  header?: Record<string, string>;
  input?: string;
  include?: boolean;
  paginate?: boolean;
}

/** `streamhub api PATH` */
export const command = (): Command =>
  withConnection(
    newCommand('api')
      .description('Send any request to the API, and print the answer. The reference is at /api/v1/docs of the daemon.')
      .argument('<path>', 'Path below /api/v1, such as /apps/live/streams?status=all.')
      .option('-X, --method <method>', 'HTTP method. Default: GET, or POST with fields or --input.')
      .option(
        '-F, --field <name=value>',
        'Field of the body, or of the query with GET. true, false, null and numbers are sent as such.',
        collect((text) => (text === 'null' ? null : scalar(text))),
      )
      .option(
        '-f, --raw-field <name=value>',
        'The same, always as text.',
        collect((text) => text),
      )
      .option(
        '-H, --header <name:value>',
        'Header of the request.',
        collect((text) => text.trim(), ':'),
      )
      .option('--input <file>', 'File with the body, or - for standard input.')
      .option('-i, --include', 'Print the status and the headers of the answer, too.')
      .option('--paginate', 'Read all pages of a list, and print one list.'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub api /apps
  $ streamhub api /apps -F name=demo
  $ streamhub api -X PATCH /cluster/nodes/n1 -F status=draining
  $ streamhub api /apps/live/vods --paginate`,
    )
    .action(callApi);

function collect(read: (text: string) => unknown, separator = '=') {
  return (text: string, before: Record<string, unknown> = {}): Record<string, unknown> => {
    const at = text.indexOf(separator);
    if (at < 1) throw new InvalidArgumentError(`It must be name${separator}value.`);
    return { ...before, [text.slice(0, at)]: read(text.slice(at + 1)) };
  };
}

async function callApi(given: string, options: ApiOptions): Promise<void> {
  const fields = { ...options.field, ...options.rawField };
  const hasFields = Object.keys(fields).length > 0;
  const method = (options.method ?? (hasFields || options.input !== undefined ? 'POST' : 'GET')).toUpperCase();
  if (hasFields && options.input !== undefined) throw new UsageError('Use fields or --input, not both.');
  if (options.paginate && method !== 'GET') throw new UsageError('--paginate is for GET.');
  const body =
    options.input !== undefined
      ? options.input === '-'
        ? await textFromStdin()
        : await readNamed(options.input)
      : hasFields && method !== 'GET'
        ? JSON.stringify(fields)
        : undefined;
  const path = pathOf(given, method === 'GET' ? fields : {});
  await withDaemon(options, async ({ http, signal }) => {
    const send = async (at: string): Promise<Response> => {
      const trace = { method, path: at, at: new Date().toISOString() };
      const headers = {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.header,
      };
      const answer = await http
        .open({ method, path: at, headers, ...(body === undefined ? {} : { body }) }, signal)
        .catch((error: Error) => {
          throw signal.aborted
            ? signal.reason
            : new UnreachableError('network', `The daemon cannot be reached: ${error.message}`, trace, error);
        });
      if (options.include) printText(headOf(answer));
      if (answer.ok) return answer;
      const text = await answer.text();
      const refusal = refusalOf(answer.status, text);
      if (text !== '') printText(text);
      if (refusal !== undefined) throw new DaemonError(refusal, trace);
      throw new UnreachableError('not-streamhub', `The response is HTTP ${answer.status}, not from StreamHub.`, trace);
    };
    if (options.paginate) return printText(JSON.stringify(await allPages(send, path), null, 2));
    const answer = await send(path);
    if (answer.body === null) return;
    if (process.stdout.isTTY && /json/.test(answer.headers.get('content-type') ?? ''))
      return printText(JSON.stringify(await answer.json(), null, 2));
    await pipeline(answer.body, process.stdout, { end: false, signal });
  });
}

/** The path below the daemon's address. */
function pathOf(given: string, query: Record<string, unknown>): string {
  if (/^\w+:\/\//.test(given)) throw new UsageError('Name only the path: the address comes from the context or --url.');
  const path = given.startsWith('/') ? given : `/${given}`;
  const url = new URL(path.startsWith(`${API_BASE}/`) ? path : API_BASE + path, 'http://host');
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, String(value));
  return url.pathname + url.search;
}

async function allPages(send: (path: string) => Promise<Response>, path: string): Promise<unknown[]> {
  const answer: unknown = await (await send(path)).json();
  if (Array.isArray(answer)) return answer;
  const page = answer as Partial<Page> | null;
  if (!Array.isArray(page?.data)) throw new UsageError('The answer is not a list: leave --paginate out.');
  if (page.offset === undefined) return page.data;
  const pageAt = async (offset: number): Promise<Page> => {
    const url = new URL(path, 'http://host');
    url.searchParams.set('offset', String(offset));
    return (await send(url.pathname + url.search)).json() as Promise<Page>;
  };
  const rows: unknown[] = [];
  for await (const row of rowsOf(page as Page, pageAt, page.offset)) rows.push(row);
  return rows;
}

const headOf = ({ status, statusText, headers }: Response): string =>
  [`HTTP ${status} ${statusText}`, ...[...headers].map(([name, value]) => `${name}: ${value}`), ''].join('\n');
