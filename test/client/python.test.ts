// A Python client, generated from the daemon's OpenAPI document as docs/clients.md says, against that daemon.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { samplesRunBy } from '#test/helpers/doc-samples.ts';

const run = promisify(execFile);

/** The generator, and the Python that it is installed in. */
function generator(): { program: string; python: string } | undefined {
  try {
    const program = execFileSync('which', ['openapi-python-client'], { encoding: 'utf8' }).trim();
    const python = /^#!(\S+)/.exec(readFileSync(program, 'utf8'))?.[1];
    return python === undefined ? undefined : { program, python };
  } catch {
    return undefined;
  }
}
const found = generator();

const PROGRAM = `
import json, sys
from stream_hub_client import AuthenticatedClient, Client
from stream_hub_client.api.apps import create_app, get_app, list_apps
from stream_hub_client.api.recordings import list_vods
from stream_hub_client.api.sign_in import login
from stream_hub_client.models import App, CreateAppBody, Error, LoginBody, VodPage

url, user, password = sys.argv[1:]
signed_in = login.sync(client=Client(base_url=url), body=LoginBody(user=user, password=password))
client = AuthenticatedClient(base_url=url, token=signed_in.data.token)
app = create_app.sync(client=client, body=CreateAppBody(name="from-python"))
assert isinstance(app, App), app
again = create_app.sync(client=client, body=CreateAppBody(name="from-python"))
assert isinstance(again, Error), again
missing = get_app.sync_detailed(client=client, name="nowhere")
vods = list_vods.sync(client=client, app="from-python")
assert isinstance(vods, VodPage), vods
print(json.dumps({
    "created": app.name,
    "listed": "from-python" in [one.name for one in list_apps.sync(client=client)],
    "again": [again.status_code, again.code],
    "missing": [int(missing.status_code), missing.parsed.code, missing.parsed.hint],
    "vods": [vods.total, vods.data],
}))
`;

/** Checks each sample of the reference: its imports, the names of its arguments, and its body. */
const SAMPLES = `
import ast, inspect, json, sys, urllib.request

document = json.load(urllib.request.urlopen(sys.argv[1]))
checked = 0
for path in document["paths"].values():
    for operation in path.values():
        for sample in operation["x-codeSamples"]:
            if sample["label"] != "Python":
                continue
            tree = ast.parse(sample["source"])
            names = {}
            imports = [one for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom))]
            exec(compile(ast.Module(imports, []), "sample", "exec"), names)
            for call in ast.walk(tree):
                if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") not in ("sync", "sync_detailed"):
                    continue
                function = getattr(names[call.func.value.id], call.func.attr)
                inspect.signature(function).bind(**{one.arg: None for one in call.keywords})
                for one in call.keywords:
                    if one.arg == "body":
                        eval(compile(ast.Expression(one.value), "body", "eval"), names)
            checked += 1
print(checked)
`;

test('a Python client is generated, signs in, creates and lists, gives errors as values, and suits the samples', {
  skip: found === undefined && 'no openapi-python-client (pip install openapi-python-client)',
}, async (t) => {
  const { program, python } = found as NonNullable<typeof found>;
  const account = ['root@example.com', 'a-long-enough-password'] as const;
  const daemon = await testDaemon(t, { ADMIN_USER: account[0], ADMIN_PASS: account[1] });
  const folder = await temporaryDir(t);
  // the formatter of the generator is beside it
  const env = { ...process.env, PATH: `${path.dirname(program)}:${process.env['PATH']}` };
  const url = `${daemon.url}/api/v1/openapi.json`;
  const args = ['generate', '--url', url, '--meta', 'none', '--output-path', path.join(folder, 'stream_hub_client')];
  await run(program, args, { cwd: folder, env });
  writeFileSync(path.join(folder, 'use.py'), PROGRAM);
  const { stdout } = await run(python, ['use.py', daemon.url, ...account], { cwd: folder, env });
  const { missing, ...rest } = JSON.parse(stdout);
  assert.deepEqual(rest, {
    created: 'from-python',
    listed: true,
    again: [409, 'APP_EXISTS'],
    vods: [0, []],
  });
  assert.deepEqual(missing.slice(0, 2), [404, 'APP_NOT_FOUND']);
  assert.match(missing[2], /\w/);
  const shown = samplesRunBy('test/client/python.test.ts');
  assert.ok(shown.length > 0);
  for (const text of shown) {
    const filled = text.replaceAll('https://streams.example.com', daemon.url).replaceAll('sk_…', daemon.token);
    writeFileSync(path.join(folder, 'shown.py'), filled);
    const { stdout } = await run(python, ['shown.py'], { cwd: folder, env });
    assert.match(stdout, /^concerts$/m);
  }
  writeFileSync(path.join(folder, 'samples.py'), SAMPLES);
  const samples = await run(python, ['samples.py', url], { cwd: folder, env });
  assert.ok(Number(samples.stdout) > 150, samples.stdout);
});
