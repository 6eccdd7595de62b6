import type { BenchCase, Figure } from '../harness.ts';

const bench: BenchCase = {
  name: 'routes',
  async run({ daemon, ratio }) {
    const { url, token, api } = await daemon();
    const headers = { authorization: `Bearer ${token}` };
    const figures: Figure[] = [];
    figures.push({
      what: 'GET /health',
      value: await ratio({ url: `${url}/api/v1/health` }),
      unit: '× bare',
      target: 0.7,
    });
    figures.push({
      what: 'GET /apps, 1 app',
      value: await ratio({ url: `${url}/api/v1/apps`, headers }),
      unit: '× bare',
      target: 0.5,
    });
    figures.push({
      what: 'GET /apps/live/config/raw',
      value: await ratio({ url: `${url}/api/v1/apps/live/config/raw`, headers }),
      unit: '× bare',
      target: 0.4,
    });
    figures.push({
      what: 'GET /stats',
      value: await ratio({ url: `${url}/api/v1/stats`, headers }),
      unit: '× bare',
      target: 0.3,
    });

    const cost: number[] = [];
    for (let block = 0; block < 10; block += 1) {
      const start = performance.now();
      for (let i = 0; i < 100; i += 1) {
        const name = `app-${block * 100 + i}`;
        const { status } = await api.post('/apps', { name });
        if (status !== 201) throw new Error(`creating ${name} answers ${status}`);
      }
      cost.push((performance.now() - start) / 100);
    }
    figures.push({ what: 'create an app, apps 1..100', value: cost[0] as number, unit: 'ms' });
    figures.push({ what: 'create an app, apps 901..1000', value: cost[9] as number, unit: 'ms' });
    figures.push({
      what: 'its cost at 1,000 apps against the first 100',
      value: (cost[9] as number) / (cost[0] as number),
      unit: '×',
      target: 1.5,
    });
    figures.push({
      what: 'GET /apps, 1,001 apps as one page',
      value: await ratio({ url: `${url}/api/v1/apps`, headers }),
      unit: '× bare',
      target: 0.5,
    });
    return figures;
  },
};
export default bench;
