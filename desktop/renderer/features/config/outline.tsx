import { useMemo } from 'react';
import classes from './config.module.css';

/** The sections of the text; each moves to its line. */
export function Outline({ text, onGo }: { text: string; onGo: (line: number) => void }) {
  const sections = useMemo(
    () =>
      text.split('\n').flatMap((line, index) => {
        const name = /^([A-Za-z][\w.-]*)\s*:/.exec(line)?.[1];
        return name === undefined ? [] : [{ name, line: index + 1 }];
      }),
    [text],
  );
  return (
    <nav className={classes.outline} aria-label="Sections of the config">
      <ul>
        {sections.map(({ name, line }) => (
          <li key={`${name}:${line}`}>
            <button type="button" onClick={() => onGo(line)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
