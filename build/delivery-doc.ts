import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { completeConfig } from '#shared/config/defaults.ts';
import { deliveryPlan } from '#shared/delivery/plan.ts';
import { deliveryWords } from '#shared/delivery/words.ts';
import type { Preset } from '#shared/plugin-sdk/preset.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const PRESETS = path.join(ROOT, 'plugins/presets/presets');
const BEGIN = '<!-- presets: made by `npm run docs` -->\n';
const END = '<!-- /presets -->';

/** docs/delivery.md is written by hand; what each preset does comes from its plan. */
export function deliveryDoc(): string {
  const text = readFileSync(path.join(ROOT, 'docs/delivery.md'), 'utf8');
  const [before = '', rest = ''] = text.split(BEGIN);
  const after = rest.slice(rest.indexOf(END));
  return `${before}${BEGIN}\n${presetWords()}\n\n${after}`;
}

/** Each preset over the defaults, for an app with a bucket of LiveKit's kind and ffmpeg on the machine. */
function presetWords(): string {
  return readdirSync(PRESETS)
    .sort()
    .map((file) => {
      const { id, title, patch } = parse(readFileSync(path.join(PRESETS, file), 'utf8')) as Preset;
      const plan = deliveryPlan(completeConfig({ name: 'live', room_prefix: 'live', ...patch }, 'live'), {
        storage: 'bucket',
        hasFfmpeg: true,
        hwaccel: { requested: 'auto', effective: 'cpu', type: 'none', reason: '' },
        daemonUrl: 'https://hub.example.com',
        refusesPages: false,
      });
      const notices = plan.notices.map(({ message }) => `Note: ${message}`);
      return [`### ${title} (\`${id}\`)`, '', ...[...deliveryWords(plan), ...notices].map((line) => `- ${line}`)].join(
        '\n',
      );
    })
    .join('\n\n');
}
