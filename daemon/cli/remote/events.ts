import { styleText } from 'node:util';
import type { Command } from 'commander';
import { streamEvents } from '#shared/contract/events.ts';
import { type CommonOptions, remoteCommand } from './command.ts';
import { withDaemon } from './daemon.ts';
import { addField, type FieldSchema, parseField } from './fields.ts';
import { followEvents } from './follow.ts';
import { formatOf, note, printText } from './output.ts';
import { plainText } from './table.ts';

interface EventsOptions extends CommonOptions {
  topics?: string;
  app?: string;
  after?: number;
}

/** `streamhub events` */
export function command(): Command {
  const made = remoteCommand('events', 'Print events as they come, until you press Ctrl-C. JSON is one event a line')
    .option('-f, --follow', 'The usual behavior; accepted for symmetry with logs.')
    .option('--after <id>', 'Begin after this event. Events before now are printed first.', (text: string) =>
      parseField({ type: 'integer', minimum: 0 }, text),
    );
  const fields = streamEvents.query.properties as unknown as Record<string, FieldSchema>;
  for (const name of ['topics', 'app']) addField(made, name, fields[name] ?? {}, false, false);
  return made.action(events);
}

async function events({ topics, app, after, ...options }: EventsOptions): Promise<void> {
  const query = { ...(topics === undefined ? {} : { topics }), ...(app === undefined ? {} : { app }) };
  await withDaemon(options, (daemon) =>
    followEvents(daemon, query, {
      ...(after === undefined ? {} : { lastEventId: after }),
      onEvent: ({ id, type, message }) => {
        if (message === undefined)
          return note(
            'streamhub: the daemon doesn’t know that event, or no longer keeps older ones: some are missing here.',
          );
        if (formatOf(options) !== 'table') return printText(JSON.stringify(message));
        const who = message.app === undefined ? '' : ` ${message.app}`;
        printText(
          `${styleText('dim', message.ts)} ${(id ?? '-').padStart(6)} ${styleText('bold', type)}${plainText(who)} ${plainText(JSON.stringify(message.data))}`,
        );
      },
    }),
  );
}
