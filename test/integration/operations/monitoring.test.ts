// The files of build/monitoring with a real Prometheus, which scrapes a daemon.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import readline from 'node:readline';
import { after, describe, it } from 'node:test';
import { ROOT, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { programHere } from '#test/helpers/server-scripts.ts';
import { until } from '#test/helpers/until.ts';

const FOLDER = path.join(ROOT, 'build/monitoring');
const TOKEN = 'metrics-token-of-prometheus';
const isThere = programHere('prometheus') !== undefined && programHere('promtool') !== undefined;
const skip = isThere ? false : 'Prometheus is not installed (Debian: prometheus)';

/** Dashboards as far as the test reads them. */
interface Dashboard {
  panels: { type: string; title: string; targets?: { expr: string }[] }[];
  templating: { list: { name: string; query: string | { query: string } }[] };
}

const dashboards = ['grafana-streamhub.json', 'grafana-streamhub-app.json'].map(
  (file): Dashboard => JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')),
);

describe('Prometheus with the files of build/monitoring', { skip }, () => {
  const t = { after };
  const setUp = async () => {
    // nothing listens there, so LiveKit is away
    const daemon = await testDaemon(t, { METRICS_TOKEN: TOKEN, LIVEKIT_URL: 'ws://127.0.0.1:9', ...LIVEKIT_KEYS });
    const dir = await temporaryDir(t);
    const config = readFileSync(path.join(FOLDER, 'prometheus.yml'), 'utf8');
    assert.ok(config.includes("['127.0.0.1:3020']"));
    await writeFile(
      path.join(dir, 'prometheus.yml'),
      `global: { scrape_interval: 1s, evaluation_interval: 1s }\n${config.replace('127.0.0.1:3020', new URL(daemon.url).host)}`,
    );
    await writeFile(path.join(dir, 'metrics-token'), TOKEN, { mode: 0o600 });
    await copyFile(path.join(FOLDER, 'streamhub-alerts.yml'), path.join(dir, 'streamhub-alerts.yml'));
    const child = spawn(
      'prometheus',
      [
        `--config.file=${path.join(dir, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(dir, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    t.after(async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    });
    for await (const line of readline.createInterface(child.stderr)) {
      const address = /msg="Listening on" address=(\S+)/.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr.resume();
      return { dir, ask: (question: string, values = {}) => askPrometheus(address, question, values) };
    }
    throw new Error('Prometheus ended');
  };
  const ready = isThere ? setUp() : undefined;
  const prometheus = () => ready as ReturnType<typeof setUp>;

  it('promtool finds nothing wrong', async () => {
    const { dir } = await prometheus();
    const said = execFileSync('promtool', ['check', 'config', path.join(dir, 'prometheus.yml')], { encoding: 'utf8' });
    assert.match(said, /\d+ rules found/);
  });

  it('scrapes the daemon with its token, and loads every rule', async () => {
    const { ask } = await prometheus();
    await until('the daemon is scraped', async () => {
      const { activeTargets } = await ask('targets');
      return activeTargets[0]?.health === 'up';
    });
    const { groups } = await ask('rules');
    const text = readFileSync(path.join(FOLDER, 'streamhub-alerts.yml'), 'utf8');
    assert.doesNotMatch(text, /\d\.\d{6,} %/);
    const written = text.match(/- alert: \w+/g) ?? [];
    assert.ok(written.length > 10);
    assert.deepEqual(
      groups[0].rules.map(({ name }: { name: string }) => `- alert: ${name}`),
      written,
    );
  });

  it('notices that LiveKit is away', async () => {
    const { ask } = await prometheus();
    const alert = await until('the alert is there', async () =>
      (await ask('alerts')).alerts.find(
        ({ labels }: { labels: { alertname: string } }) => labels.alertname === 'StreamHubLiveKitAway',
      ),
    );
    assert.equal(alert.labels.severity, 'critical');
    assert.match(alert.annotations.summary, /LiveKit/);
    const { groups } = await ask('rules');
    for (const { name, health, lastError } of groups[0].rules) assert.equal(health, 'ok', `${name}: ${lastError}`);
  });

  it('understands the question of every panel, and finds figures for those that every daemon has', async () => {
    const { ask } = await prometheus();
    const empty: string[] = [];
    for (const { panels, templating } of dashboards) {
      for (const { title, targets = [] } of panels) {
        for (const { expr } of targets) {
          const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll(/=~"\$\w+"/g, '=~".*"');
          assert.doesNotMatch(asked, /\$/, 'no variable is left');
          const { result } = await ask('query', { query: asked });
          if (result.length === 0) empty.push(title);
        }
      }
      for (const { name, query } of templating.list.filter(({ name }) => name !== 'datasource')) {
        const asks = /^label_values\((\w+), (\w+)\)$/.exec((query as { query: string }).query);
        const [metric, label] = [asks?.[1], asks?.[2]];
        assert.equal(label, name);
        const { result } = await ask('query', { query: `count by (${label}) (${metric})` });
        assert.ok(result.length > 0, name);
      }
    }
    for (const title of [
      'Live streams',
      'Free bytes of the disk with DATA_DIR',
      'Apps',
      '1 while LiveKit answers, else 0',
    ])
      assert.ok(!empty.includes(title), title);
  });
});

async function askPrometheus(address: string, question: string, values: Record<string, string>): Promise<any> {
  const answer = await fetch(`http://${address}/api/v1/${question}?${new URLSearchParams(values)}`);
  const body = (await answer.json()) as { status: string; data: unknown; error?: string };
  assert.equal(body.status, 'success', `${JSON.stringify(values)}: ${body.error}`);
  return body.data;
}
