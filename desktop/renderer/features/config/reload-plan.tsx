import { IconBolt, IconPlayerTrackNext, IconPlugConnected, IconQuestionMark } from '@tabler/icons-react';
import { plural } from '../../ui/words/format.ts';
import classes from './config.module.css';
import { nodeAt, RELOAD_WORDS, type SchemaNode } from './schema-nodes.ts';

const ICONS = { hot: IconBolt, reopen: IconPlugConnected, next: IconPlayerTrackNext, unknown: IconQuestionMark };
type Mark = keyof typeof ICONS;

/** When a key's value takes effect: its own mark, or that of the nearest key above it. */
function markOf(schema: SchemaNode | undefined, key: string): Mark {
  const path = key.split('.');
  for (let length = path.length; length > 0; length -= 1) {
    const mark = nodeAt(schema, path.slice(0, length))?.['x-reload'];
    if (mark) return mark;
  }
  return 'unknown';
}

/** How each changed key affects what is running. */
export function ReloadPlan({ keys, schema }: { keys: readonly string[]; schema: SchemaNode | undefined }) {
  const groups = Object.groupBy(keys, (key) => markOf(schema, key));
  if (keys.length === 0) {
    return <p className="dim">No value changes: only comments, order or layout do. Nothing is reloaded.</p>;
  }
  return (
    <ul className={classes.plan} aria-label={`${plural(keys.length, 'changed key')}`}>
      {(['hot', 'reopen', 'next', 'unknown'] as const).flatMap((mark) => {
        const list = groups[mark];
        if (list === undefined) return [];
        const Icon = ICONS[mark];
        return [
          <li key={mark}>
            <Icon size={15} aria-hidden />
            <span>
              {list.map((key, index) => (
                <span key={key}>
                  {index > 0 ? ', ' : ''}
                  <code>{key}</code>
                </span>
              ))}{' '}
              <span className="dim">
                {mark === 'unknown' ? `${list.length === 1 ? 'is' : 'are'} not read by StreamHub` : RELOAD_WORDS[mark]}
              </span>
            </span>
          </li>,
        ];
      })}
    </ul>
  );
}
