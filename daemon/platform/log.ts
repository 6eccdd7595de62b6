type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a service needs of a logger: only the levels that it writes. Every pino logger is one. */
export type Log<Level extends LogLevel = Exclude<LogLevel, 'debug'>> = Readonly<
  Record<Level, (data: object, message: string) => void>
>;
