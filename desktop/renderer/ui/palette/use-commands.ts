import { useEffect, useRef } from 'react';
import { type Command, setPageCommands } from './palette-store.ts';

/** Offers commands in the palette for as long as the page is shown. */
export function useCommands(page: string, commands: readonly Command[]): void {
  const latest = useRef(commands);
  latest.current = commands;
  const shape = commands.map((command) => command.id + command.label).join('\n');
  // biome-ignore lint/correctness/useExhaustiveDependencies: announced again when the offered commands change, run through the ref
  useEffect(() => {
    setPageCommands(
      page,
      latest.current.map((command, index) => ({ ...command, run: () => latest.current[index]?.run() })),
    );
    return () => setPageCommands(page, []);
  }, [page, shape]);
}
