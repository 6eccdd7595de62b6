import type { Operation } from '#shared/contract/operation.ts';
import { exampleOf } from './openapi-examples.ts';

type Json = Record<string, unknown>;

/** A sample of the vendor extension `x-codeSamples`. */
interface CodeSample {
  lang: string;
  label: string;
  source: string;
}

/** Stands for the daemon's address in samples. */
const SAMPLE_SERVER = 'https://streams.example.com';

/** What a sample shows. */
interface Call {
  op: Operation;
  /** Address of the daemon. */
  server: string;
  /** Address of the operation, with the parameters filled in. */
  url: string;
  params: Json;
  query: Json;
  body: unknown;
  /** Name of the body's schema. */
  bodyName: string;
}

/** Callers that have another credential than a person or a program. */
const SPECIAL: ReadonlySet<unknown> = new Set(['cluster-token', 'webhook', 'metrics']);

/**
 * The operation called with curl, with `@streamhub/client`, and with a Python client that openapi-python-client has made
 * (docs/clients.md).
 * @param path with `/api/v1` where it is below it
 */
export function codeSamples(op: Operation, path: string, bodyName: string | undefined): CodeSample[] {
  const server = SAMPLE_SERVER;
  const params = (op.params ? exampleOf(op.params) : {}) as Json;
  const filled = path.replace(/\{(\w+)\}/g, (_place, name: string) => encodeURIComponent(String(params[name])));
  const query = neededQuery(op);
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const suffix = search.size > 0 ? `?${search}` : '';
  const body = op.body && !op.bodyOptional ? exampleOf(op.body, true) : undefined;
  // the generator names what has no name by its operation
  const call = { op, server, url: server + filled + suffix, params, query, body, bodyName: bodyName ?? `${op.id}Body` };
  const curl = { lang: 'Shell', label: 'curl', source: curlOf(call) };
  if (SPECIAL.has(op.access)) return [curl];
  return [
    curl,
    { lang: 'JavaScript', label: 'JavaScript', source: javascriptOf(call) },
    { lang: 'Python', label: 'Python', source: pythonOf(call) },
  ];
}

/** The fields of the query that can't be left out. */
function neededQuery({ query }: Operation): Json {
  const { required = [] } = (query ?? {}) as { required?: string[] };
  const example = (query ? exampleOf(query, true) : {}) as Json;
  return Object.fromEntries(required.map((name) => [name, example[name]]));
}

function curlOf({ op, url, body }: Call): string {
  const credential =
    op.access === 'cluster-token'
      ? 'X-Cluster-Token: $STREAMHUB_CLUSTER_TOKEN'
      : 'Authorization: Bearer $STREAMHUB_TOKEN';
  const parts = [
    `curl ${op.method === 'GET' ? '' : `-X ${op.method} `}${op.produces === 'text/event-stream' ? '-N ' : ''}'${url}'`,
    ...(op.access === 'public' || op.access === 'webhook' ? [] : [`-H "${credential}"`]),
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(body).replaceAll("'", `'\\''`)}'`]),
  ];
  return parts.join(' \\\n  ');
}

function javascriptOf({ op, server, params, query, body }: Call): string {
  const input = {
    ...(Object.keys(params).length > 0 ? { params } : {}),
    ...(Object.keys(query).length > 0 ? { query } : {}),
    ...(body === undefined ? {} : { body }),
  };
  const called = `hub.${op.id}(${Object.keys(input).length > 0 ? javascript(input) : ''})`;
  const token = op.access === 'public' ? '' : ', token: process.env.STREAMHUB_TOKEN';
  const begin = `import { StreamHub } from '@streamhub/client';\n\nconst hub = new StreamHub({ url: '${server}'${token} });\n`;
  return begin + javascriptUse(op, called);
}

function javascriptUse({ produces, responses }: Operation, called: string): string {
  if (produces === 'text/event-stream')
    return `for await (const { type, message } of ${called}) console.log(type, message);`;
  if (produces !== undefined) return `const file = await ${called};\nconsole.log(file.type, await file.blob());`;
  const isEmpty = Object.values(responses).every((schema) => schema === null);
  return isEmpty ? `await ${called};` : `const answer = await ${called};\nconsole.log(answer);`;
}

function pythonOf({ op, server, params, query, body, bodyName, url }: Call): string {
  const kind = op.access === 'public' ? 'Client' : 'AuthenticatedClient';
  const token = op.access === 'public' ? '' : ', token=os.environ["STREAMHUB_TOKEN"]';
  const client = `client = ${kind}(base_url="${server}"${token})`;
  const start = `${token === '' ? '' : 'import os\n\n'}from stream_hub_client import ${kind}\n`;
  if (op.produces === 'text/event-stream') {
    const path = url.slice(server.length);
    return `${start}\n${client}\nwith client.get_httpx_client().stream("GET", "${path}", timeout=None) as events:\n    for line in events.iter_lines():\n        print(line)`;
  }
  const name = pythonName(op.id);
  const from = `from stream_hub_client.api.${pythonName(op.tag)} import ${name}\n`;
  const hasBody = body !== undefined;
  const model = hasBody ? `from stream_hub_client.models import ${className(bodyName)}\n` : '';
  const args = [
    'client=client',
    ...Object.entries({ ...params, ...query }).map(([param, value]) => `${pythonName(param)}=${python(value)}`),
    ...(hasBody ? [`body=${className(bodyName)}.from_dict(${python(body)})`] : []),
  ].join(', ');
  const use =
    op.produces === undefined
      ? `answer = ${name}.sync(${args})\nprint(answer)`
      : `answer = ${name}.sync_detailed(${args})\nprint(answer.content)`;
  return `${start}${from}${model}\n${client}\n${use}`;
}

function javascript(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(javascript).join(', ')}]`;
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(
    ([key, one]) => `${/^[a-z_$][\w$]*$/i.test(key) ? key : javascript(key)}: ${javascript(one)}`,
  );
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function python(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)}: ${python(one)}`)
    .join(', ')}}`;
}

/** Words of a name as the generator finds them. */
const wordsOf = (name: string): string[] =>
  (/[A-Z]/.test(name) ? name.split(/([A-Z]?[a-z]+)/).join(' ') : name).match(/[^. _-]+/g) ?? [];

/** The generator's name of a module or argument. */
const pythonName = (name: string): string => wordsOf(name).join('_').toLowerCase();

/** The generator's name of a class. */
const className = (name: string): string =>
  wordsOf(name)
    .map((word) => (word === word.toUpperCase() ? word : word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()))
    .join('');
