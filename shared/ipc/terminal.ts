import { type Static, Type } from 'typebox';
import { nullable, object } from '../schema/common.ts';
import { call, push } from './channel.ts';

const TerminalId = Type.String({ minLength: 1, maxLength: 64 });
const Columns = Type.Integer({ minimum: 1, maximum: 1000 });
const Rows = Type.Integer({ minimum: 1, maximum: 1000 });

/** What runs in the terminal: the person's own shell, or ssh to a host. */
export const TerminalCommand = Type.Union([
  object({ kind: Type.Literal('shell') }),
  object({
    kind: Type.Literal('ssh'),
    host: Type.String({ minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9_.:\\[\\]%][A-Za-z0-9_.:\\[\\]%-]*$' }),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@-]*$' })),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
  }),
]);
export type TerminalCommand = Static<typeof TerminalCommand>;

export const terminal = {
  calls: {
    available: call(
      'Whether terminals can be opened here, and if not, why.',
      object({}),
      object({ available: Type.Boolean(), reason: nullable(Type.String()) }),
    ),
    open: call(
      'Opens a terminal. Its output is sent as `data`. Acknowledge all characters with `ack`, or the terminal pauses after 512 Ki of them.',
      object({ columns: Columns, rows: Rows, command: TerminalCommand }),
      object({ terminalId: TerminalId, pid: Type.Integer(), title: Type.String() }),
    ),
    write: call(
      'Sends input to the terminal.',
      object({ terminalId: TerminalId, data: Type.String({ maxLength: 1_048_576 }) }),
      Type.Null(),
    ),
    resize: call(
      'Sets the size of the terminal.',
      object({ terminalId: TerminalId, columns: Columns, rows: Rows }),
      Type.Null(),
    ),
    ack: call(
      'Acknowledges received characters of output.',
      object({ terminalId: TerminalId, characters: Type.Integer({ minimum: 1 }) }),
      Type.Null(),
    ),
    close: call(
      'Closes the terminal. Closing a closed terminal is not an error.',
      object({ terminalId: TerminalId }),
      Type.Null(),
    ),
  },
  pushes: {
    data: push('Output.', object({ terminalId: TerminalId, data: Type.String() })),
    exit: push(
      'The program ended.',
      object({ terminalId: TerminalId, exitCode: Type.Integer(), signal: nullable(Type.Integer()) }),
    ),
  },
};
