import { setImmediate as nextTurn } from 'node:timers/promises';
import { csvLine } from '#daemon/platform/csv.ts';
import { type SessionExportQuery, SessionRow, SessionStay } from '#shared/schema/sessions.ts';
import type { SessionFilter, sessionReading } from './reading.ts';
import { sessionRow, stayRow } from './rows.ts';

const STEP = 200;

export interface ExportRequest {
  format: NonNullable<SessionExportQuery['format']>;
  of: NonNullable<SessionExportQuery['of']>;
  app: string;
  filter: SessionFilter;
  /** Asked again for each step, so that a long download holds no database open. */
  read(): ReturnType<typeof sessionReading>;
}

type Cells = Record<string, unknown>;

/** The rows of a list as text, newest session first; each piece is some hundred rows. */
export async function* exportText(request: ExportRequest): AsyncGenerator<string> {
  const isCsv = request.format === 'csv';
  const columns = COLUMNS[request.of];
  const lineOf = (row: Cells): string =>
    isCsv ? csvLine(columns.map((column) => row[column])) : `${JSON.stringify(row)}\n`;
  if (isCsv) yield csvLine(columns);
  for await (const rows of request.of === 'sessions' ? sessions(request) : stays(request))
    yield rows.map(lineOf).join('');
}

async function* sessions({ app, filter, read }: ExportRequest): AsyncGenerator<Cells[]> {
  for await (const found of steps(filter, read)) yield found.map((session) => flat(sessionRow(app, session)));
}

async function* stays({ filter, read, ...request }: ExportRequest): AsyncGenerator<Cells[]> {
  for await (const found of steps(filter, read)) {
    for (const session of found) {
      const { id, room, roomSid, startedAt } = sessionRow(request.app, session);
      for (let offset = 0; ; offset += STEP) {
        const { rows } = read().stays(session.id, {}, { limit: STEP, offset });
        const about = { app: request.app, session: id, room, roomSid, sessionStartedAt: startedAt };
        if (rows.length > 0)
          yield rows.map((stay) => {
            const { id: _id, ...told } = stayRow(stay, session);
            return { ...about, ...flat(told) };
          });
        await nextTurn();
        if (rows.length < STEP) break;
      }
    }
  }
}

async function* steps(filter: SessionFilter, read: ExportRequest['read']) {
  let after: { started_at: number; id: number } | undefined;
  for (;;) {
    const { rows } = read().rows(filter, STEP, after);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < STEP) return;
    after = last;
    await nextTurn();
  }
}

/** Of a span, a second column has the beginning, so that CSV has one value in each. */
const flatName = (key: string): string => key.replace(/Between$/, 'NotBefore');

const flat = (row: Record<string, unknown>): Cells =>
  Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      flatName(key),
      flatName(key) === key ? value : ((value as { from: string } | null)?.from ?? null),
    ]),
  );

const ofSession = Object.keys(SessionRow.properties).map(flatName);
const ofStay = Object.keys(SessionStay.properties).filter((key) => key !== 'id' && key !== 'tracks');
const COLUMNS = {
  sessions: ofSession,
  participants: ['app', 'session', 'room', 'roomSid', 'sessionStartedAt', ...ofStay.map(flatName)],
} as const satisfies Record<ExportRequest['of'], readonly string[]>;
