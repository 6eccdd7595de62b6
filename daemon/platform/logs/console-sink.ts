import { lineWriter } from './line-writer.ts';
import type { LogSink } from './logger.ts';

/** Lines for standard output: coloured text for a person at a terminal, JSON for everything else. */
export function consoleSink(options: { pretty: boolean }): LogSink {
  const out = lineWriter(1);
  if (!options.pretty) return out;

  // loaded beside the start, not in front of it
  let format: ((line: string) => string) | undefined;
  const early: string[] = [];
  void import('pino-pretty').then(({ prettyFactory }) => {
    format = prettyFactory({
      colorize: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'source',
      messageFormat: (line, key) => `${line['source'] ? `${line['source']}: ` : ''}${line[key]}`,
    });
    for (const line of early.splice(0)) out.write(format(line));
  });
  return {
    write(line) {
      if (format) out.write(format(line));
      else early.push(line);
    },
    flushSync() {
      for (const line of early.splice(0)) out.write(line);
      out.flushSync();
    },
  };
}
