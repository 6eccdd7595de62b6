import { UnreachableError } from '#shared/client/errors.ts';

/** What a command exits with: the only table, for all commands. docs/cli.md and the man page print it. */
export const EXIT = {
  ok: { code: 0, meaning: 'The command did what you asked.' },
  failed: { code: 1, meaning: 'Something failed. Standard error says what, and what you can do.' },
  usage: {
    code: 2,
    meaning:
      'The command line or the settings are wrong. `plan` exits with 2 if there are changes, and with 1 for wrong usage.',
  },
  unreachable: { code: 3, meaning: 'The daemon can’t be reached, or the address isn’t one of a StreamHub daemon.' },
  refused: { code: 4, meaning: 'The credential is missing, was refused, or lacks the permission (401, 403).' },
  notFound: { code: 5, meaning: 'What you named doesn’t exist (404).' },
  conflict: { code: 6, meaning: 'It was changed in the meantime, or another change is running (409, 412).' },
  interrupted: { code: 130, meaning: 'You pressed Ctrl-C.' },
} as const;

/** Ends a command with a code, after it said everything itself. */
export class ExitWith extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** The command line is wrong in a way that only its action sees. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A person interrupted the command. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

const BY_STATUS: Readonly<Record<number, number>> = {
  401: EXIT.refused.code,
  403: EXIT.refused.code,
  404: EXIT.notFound.code,
  409: EXIT.conflict.code,
  412: EXIT.conflict.code,
};

/** The code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitWith) return error.code;
  if (error instanceof UsageError) return EXIT.usage.code;
  if (error instanceof Interrupted) return EXIT.interrupted.code;
  if (error instanceof UnreachableError) return EXIT.unreachable.code;
  const { status } = error as { status?: unknown };
  return (typeof status === 'number' ? BY_STATUS[status] : undefined) ?? EXIT.failed.code;
}
