import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { Page } from '#shared/client/pages.ts';
import type { RequestInput } from '#shared/client/wire.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { sentence } from '#shared/format.ts';
import type { Job } from '#shared/schema/jobs.ts';
import { confirm } from '../ask.ts';
import { EXIT, ExitWith } from '../exit-codes.ts';
import { newCommand } from '../usage.ts';
import type { ConnectionOptions } from './connection.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { addField, type FieldSchema, flagOf, isFlag, keyOf, parseField } from './fields.ts';
import { FORMATS, formatOf, note, type OutputOptions, print, printData } from './output.ts';

/** Options that every command with a daemon has. */
export interface CommonOptions extends ConnectionOptions, OutputOptions {
  yes?: boolean;
}

type Values = Record<string, unknown>;

/** Adds the options that name a daemon. */
export const withConnection = (command: Command): Command =>
  command
    .optionsGroup('Connection:')
    .option('--context <name>', 'Use this stored context instead of the current one.')
    .option('--url <address>', 'Address of the daemon. The token is STREAMHUB_TOKEN.')
    .option('--ca-file <file>', 'PEM file with authorities to trust beside those of the system.')
    .optionsGroup('Options:');

/** Adds the options that say how the result is printed. */
export const withOutput = (command: Command): Command =>
  command
    .optionsGroup('Output:')
    .addOption(new Option('-o, --output <format>', 'How to print the result.').choices(FORMATS).default('table'))
    .option('--json', 'Print JSON: the same as --output json.')
    .option('--columns <names>', 'Columns of a table or CSV, separated by commas.', (text: string) => text.split(','))
    .optionsGroup('Options:');

/** A command that asks a daemon. */
export const remoteCommand = (name: string, summary: string): Command =>
  withOutput(withConnection(newCommand(name).description(sentence(summary))));

/** What a command of one operation needs to be said beside the contract. */
export interface OperationSpec {
  /** Default: the summary of the operation. */
  summary?: string;
  /** Fields of the body or query that are arguments, in their order. In brackets: optional, as `[region]`. */
  positional?: readonly string[];
  /** Fields that are no options. */
  without?: readonly string[];
  /** Columns of the table. */
  columns?: readonly string[];
  /** What is printed of the answer. */
  pick?: (data: any) => unknown;
  /** The question before something that can't be undone. */
  confirm?: (values: Values) => string;
  /** The line after a change, instead of the answer in a table. It gets what the person typed. */
  done?: (typed: Values, data: any) => string;
  /** Fields to add to the body, such as secrets that are asked for. */
  extra?: (options: Values) => Promise<Values>;
  /** Other values for what the person typed, such as an id for a name. */
  resolve?: (daemon: Daemon, values: Values) => Promise<Values>;
  /** Adds the options for `extra`. */
  adds?: (command: Command) => Command;
  /** The answer is a job. `always`: wait for it unless the person says --no-wait. `asked`: only with --wait. */
  waits?: 'always' | 'asked';
  /** How long the daemon may take, in milliseconds. Default: 30 s. */
  timeout?: number;
}

interface Parts {
  params: Record<string, FieldSchema>;
  query: Record<string, FieldSchema>;
  body: Record<string, FieldSchema>;
  required: ReadonlySet<string>;
}

/** A command that calls one operation: arguments, options and output come from its contract. */
export function operationCommand(name: string, op: Operation, spec: OperationSpec = {}): Command {
  const command = remoteCommand(name, spec.summary ?? op.summary);
  const parts = partsOf(op);
  const positional = (spec.positional ?? []).map((text) => ({
    name: text.replace(/^\[|\]$/g, ''),
    isOptional: text.startsWith('['),
  }));
  for (const field of Object.keys(parts.params))
    command.addArgument(new Argument(`<${argumentName(op, field)}>`, argumentText(parts.params[field])));
  for (const { name: field, isOptional } of positional)
    command.addArgument(argumentOf(field, parts.body[field] ?? parts.query[field] ?? {}, isOptional));
  const taken = new Set([...positional.map((one) => one.name), ...(spec.without ?? []), 'offset']);
  for (const [field, schema] of [...Object.entries(parts.query), ...Object.entries(parts.body)])
    if (!taken.has(field)) addField(command, field, schema, parts.required.has(field), op.method === 'PATCH');
  if (spec.confirm !== undefined) command.option('-y, --yes', 'Agree without being asked.');
  if (spec.waits === 'always') command.option('--no-wait', 'Print the job instead of waiting for it.');
  if (spec.waits === 'asked') command.option('--wait', 'Wait for the end, and show the progress.');
  spec.adds?.(command);
  const names = [...Object.keys(parts.params), ...positional.map((one) => one.name)];
  return command.action(async (...args: unknown[]) => {
    const options = args.at(-2) as CommonOptions & Values;
    const typed: Values = Object.fromEntries(names.map((field, at) => [field, args[at]]));
    if (spec.confirm !== undefined && !(await confirm(spec.confirm(typed), options.yes)))
      return note('Nothing was changed.');
    const extra = await spec.extra?.(options);
    await withDaemon(options, async (daemon) => {
      const values = (await spec.resolve?.(daemon, typed)) ?? typed;
      const body = { ...valuesOf(parts.body, values, options), ...extra };
      const input = {
        params: Object.fromEntries(Object.keys(parts.params).map((field) => [field, values[field]])),
        query: valuesOf(parts.query, values, options),
        ...(op.responses[202] !== undefined && spec.waits ? { headers: { prefer: 'respond-async' } } : {}),
        ...(op.body === undefined || (op.bodyOptional && Object.keys(body).length === 0) ? {} : { body }),
      };
      const data = await callAll(daemon, op, input, options['limit'] as number | undefined, spec.timeout);
      await report(daemon, data, { ...spec, op, typed, options });
    });
  });
}

async function report(
  daemon: Daemon,
  data: unknown,
  {
    op,
    typed,
    options,
    pick,
    columns,
    done,
  }: OperationSpec & { op: Operation; typed: Values; options: CommonOptions & Values },
): Promise<void> {
  let shown = data;
  let exit: number = EXIT.ok.code;
  if (options['wait'] === true) {
    const { waitForJob, waitForJobs } = await import('./job-wait.ts');
    if (Array.isArray(data)) ({ ended: shown, exit } = await waitForJobs(daemon, data.filter(isJob)));
    else if (isJob(data)) shown = await waitForJob(daemon, data);
  }
  if (done !== undefined && formatOf(options) === 'table') return print(done(typed, shown));
  if (shown === undefined) return formatOf(options) === 'json' ? print('null') : undefined;
  await printData(pick === undefined ? shown : pick(shown), options, columns, pick === undefined ? rowFields(op) : []);
  if (exit !== EXIT.ok.code) throw new ExitWith(exit);
}

/** The fields of a row of the answer. */
function rowFields({ responses }: Operation): string[] {
  const answer = responses[200] as FieldSchema | undefined;
  const data = answer?.properties?.['data'] ?? answer;
  return Object.keys((data?.items ?? data)?.properties ?? {});
}

const isJob = (data: unknown): data is Job =>
  typeof data === 'object' && data !== null && 'kind' in data && 'attempts' in data && 'state' in data;

/** Calls the operation. A paged list is read page by page until there are as many rows as wanted. */
export async function callAll(
  daemon: Daemon,
  op: Operation,
  input: RequestInput,
  limit?: number,
  timeout?: number,
): Promise<unknown> {
  const { maximum = Infinity } = (op.query as FieldSchema | undefined)?.properties?.['limit'] ?? {};
  const query = { ...input.query, ...(limit === undefined ? {} : { limit: Math.min(limit, maximum) }) };
  const call = daemon.start(op, { ...input, query }, timeout);
  const answer = await call;
  if (!isPage(answer)) return answer;
  const { data, total, more } = answer;
  const wanted = limit ?? data.length;
  const rows: unknown[] = [];
  for await (const row of call) if (rows.push(row) >= wanted) break;
  const isCut = more ? rows.length >= wanted : total !== undefined && total > rows.length;
  if (isCut && process.stderr.isTTY)
    note(`These are ${rows.length}${more ? '' : ` of ${total}`}. Use --limit to see more.`);
  return rows;
}

const isPage = (answer: unknown): answer is Page =>
  typeof answer === 'object' && answer !== null && 'offset' in answer && 'data' in answer;

function partsOf(op: Operation): Parts {
  const properties = (schema: unknown): Record<string, FieldSchema> =>
    (schema as FieldSchema | undefined)?.properties ?? {};
  const required = [op.query, op.body].flatMap((schema) => (schema as FieldSchema | undefined)?.required ?? []);
  const query = { ...properties(op.query) };
  // commands take more rows than one page of the API has
  if (query['limit'] !== undefined && query['offset'] !== undefined)
    query['limit'] = {
      type: 'integer',
      minimum: 1,
      description: `Rows to print at most. Default: ${String(query['limit'].default ?? 'all')}.`,
    };
  return { params: properties(op.params), query, body: properties(op.body), required: new Set(required) };
}

function valuesOf(fields: Record<string, FieldSchema>, values: Values, options: Values): Values {
  const entries = Object.entries(fields).map(([name, schema]): [string, unknown] => {
    const given = name in values ? values[name] : options[keyOf(name)];
    return [name, isFlag(schema) && schema.type !== 'boolean' && given !== undefined ? String(given) : given];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** An argument that the shell shows as the thing, not as `id`. */
function argumentName(op: Operation, field: string): string {
  if (field === 'name' && op.path.startsWith('/apps/')) return 'app';
  if (field === 'id' && op.path.startsWith('/cluster/nodes/')) return 'node';
  return flagOf(field);
}

const argumentText = (schema: FieldSchema | undefined): string => (schema?.description ?? '').replaceAll('`', '');

function argumentOf(name: string, schema: FieldSchema, isOptional: boolean): Argument {
  const argument = new Argument(isOptional ? `[${flagOf(name)}]` : `<${flagOf(name)}>`, argumentText(schema));
  if (schema.enum !== undefined) return argument.choices(schema.enum.map(String));
  return argument.argParser((text: string) => {
    try {
      return parseField(schema, text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  });
}
