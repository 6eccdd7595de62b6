import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { validateConfig } from '#shared/contract/config.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';

export type Validation = ResultOf<typeof validateConfig>['data'];
export type Diagnostic = Validation['diagnostics'][number];

const AFTER_TYPING = 350;
const AGAIN = 4000;

/** The daemon's own judgement of a text, asked when one pauses in typing. `of` is the text that it is about. */
export function useValidation(
  app: string,
  text: string | undefined,
): { result: Validation | undefined; of: string | undefined; error: Error | null; isChecking: boolean } {
  const { id, client } = useDaemon();
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    if (text === paused) return;
    const timer = setTimeout(() => setPaused(text), paused === undefined ? 0 : AFTER_TYPING);
    return () => clearTimeout(timer);
  }, [text, paused]);
  const query = useQuery({
    queryKey: [id, validateConfig.id, app, paused],
    queryFn: async ({ signal }) => ({
      text: paused,
      result: await client.call(validateConfig, { params: { name: app }, body: { yaml: paused ?? '' } }, { signal }),
    }),
    enabled: paused !== undefined,
    placeholderData: (previous) => previous,
    gcTime: 0,
    staleTime: 5000,
    // a daemon that is busy or starting is asked again; nothing else would before the next key is pressed
    refetchInterval: ({ state }) => (state.status === 'error' ? AGAIN : false),
  });
  return {
    result: query.data?.result,
    of: query.data?.text,
    error: query.error,
    isChecking: query.isFetching || text !== paused,
  };
}
