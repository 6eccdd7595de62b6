import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './pages.ts';

/** The console's named colours and fonts as a style sheet for VitePress, whose dark scheme is a class. */
export function tokens(): string {
  const css = readFileSync(path.join(ROOT, 'desktop/renderer/theme/tokens.css'), 'utf8');
  const block = (selector: string): string => {
    const start = css.indexOf(`${selector} {`);
    const end = css.indexOf('\n}', start);
    if (start < 0 || end < 0) throw new Error(`tokens.css has no ${selector}`);
    return css.slice(start + selector.length, end + 2);
  };
  return `:root ${block(':root')}\n.dark:root ${block(':root[data-mantine-color-scheme="dark"]')}\n`;
}
