import type { BenchCase } from '../harness.ts';

const bench: BenchCase = {
  name: 'process',
  async run({ daemon, ratio }) {
    const first = await daemon();
    const { dataDir } = first;
    await first.stop();
    const starts: number[] = [];
    let running = first;
    for (let i = 0; i < 5; i += 1) {
      running = await daemon({ DATA_DIR: dataDir });
      starts.push(running.startMs);
      if (i < 4) await running.stop();
    }
    starts.sort((a, b) => a - b);
    const idle = running.rss();
    const headers = { authorization: `Bearer ${running.token}` };
    await ratio({ url: `${running.url}/api/v1/apps`, headers });
    return [
      {
        what: 'process start to the first /health answer, median of 5',
        value: starts[2] as number,
        unit: 'ms',
        target: 500,
      },
      { what: 'resident memory, idle', value: idle, unit: 'MB', target: 120 },
      { what: 'resident memory, under load', value: running.rss(), unit: 'MB', target: 220 },
    ];
  },
};
export default bench;
