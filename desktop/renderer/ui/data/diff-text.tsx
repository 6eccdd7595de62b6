import { useMemo, useState } from 'react';
import classes from './diff-text.module.css';

interface Line {
  mark: ' ' | '-' | '+';
  text: string;
}
type Part = { kind: 'lines'; lines: Line[] } | { kind: 'fold'; lines: Line[] };

const AROUND = 3;

/** The daemon's diff (each line marked with two spaces, `- ` or `+ `) as text, what is unchanged folded away. */
export function DiffText({ diff, label }: { diff: string; label: string }) {
  const parts = useMemo(() => fold(linesOf(diff)), [diff]);
  return (
    <section className={classes.diff} aria-label={label}>
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts are known by their place
        <Shown key={index} part={part} />
      ))}
    </section>
  );
}

function Shown({ part }: { part: Part }) {
  const [isOpen, setOpen] = useState(false);
  if (part.kind === 'fold' && !isOpen) {
    return (
      <button type="button" className={classes.fold} onClick={() => setOpen(true)}>
        {part.lines.length} unchanged lines
      </button>
    );
  }
  return part.lines.map(({ mark, text }, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines are known by their place
    <div key={index} className={classes.line} data-mark={mark}>
      <span aria-hidden>{mark === '-' ? '−' : mark}</span>
      <code>
        {mark === ' ' ? null : <span className="visually-hidden">{mark === '+' ? 'added: ' : 'removed: '}</span>}
        {text}
      </code>
    </div>
  ));
}

function linesOf(diff: string): Line[] {
  const lines = diff.split('\n').map((line): Line => {
    const mark = line.startsWith('- ') || line === '-' ? '-' : line.startsWith('+ ') || line === '+' ? '+' : ' ';
    return { mark, text: line.slice(2) };
  });
  // the empty last line of a text is nothing to look at
  return lines.at(-1)?.mark === ' ' && lines.at(-1)?.text === '' ? lines.slice(0, -1) : lines;
}

function fold(lines: readonly Line[]): Part[] {
  const isNear = lines.map(() => false);
  lines.forEach(({ mark }, index) => {
    if (mark === ' ') return;
    for (let at = Math.max(0, index - AROUND); at <= Math.min(lines.length - 1, index + AROUND); at += 1)
      isNear[at] = true;
  });
  const parts: Part[] = [];
  lines.forEach((line, index) => {
    const kind = isNear[index] ? 'lines' : 'fold';
    const last = parts.at(-1);
    if (last?.kind === kind) last.lines.push(line);
    else parts.push({ kind, lines: [line] });
  });
  return parts.map((part) =>
    part.kind === 'fold' && part.lines.length < 3 ? { kind: 'lines', lines: part.lines } : part,
  );
}
