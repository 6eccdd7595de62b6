import { Shape } from '../../ui/feedback/state.tsx';
import classes from './config.module.css';
import type { Diagnostic } from './use-validation.ts';

const TONES = { error: 'danger', warning: 'warn', info: 'info' } as const;

/** What the daemon finds wrong, each with the way to its line. */
export function ProblemsPanel({
  diagnostics,
  error,
  onGo,
}: {
  diagnostics: readonly Diagnostic[];
  error: Error | null;
  onGo: (line: number, column: number) => void;
}) {
  if (error) {
    return (
      <div className={classes.problems} role="status">
        <div className={classes.finding}>
          <Shape tone="warn" /> The text could not be checked: {error.message}
        </div>
      </div>
    );
  }
  if (diagnostics.length === 0) return null;
  return (
    <section className={classes.problems} aria-label="Problems">
      <ul>
        {diagnostics.map(({ severity, message, line, column, path, code }) => (
          <li key={`${line}:${column}:${code}:${message}`}>
            <button type="button" className={classes.finding} onClick={() => onGo(line, column)}>
              <Shape tone={TONES[severity]} label={severity} />
              <span className="grow">{message}</span>
              {path ? <code className="dim">{path}</code> : null}
              <span className="dim num">
                {line}:{column}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
