import { type Readable, Transform } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { StorageError } from '../storage-error.ts';
import { limitTime } from '../time-limit.ts';

/** A listing of 1000 keys of 1 kB, each byte written as an entity, with their details. */
const MAX_ANSWER_BYTES = 16_000_000;

/**
 * Ends answers that the SDK would otherwise gather without a limit of memory and time: all but objects. Its own time limit
 * ends with the head of an answer.
 * @param ms milliseconds for the body of an answer
 */
export function limitAnswers(client: S3Client, ms?: number): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const { response } = result as { response?: { body?: Readable } };
        if (commandName !== 'GetObjectCommand' && typeof response?.body?.pipe === 'function')
          response.body = limited(response.body, ms);
        return result;
      },
    // before the SDK reads the answer
    { name: 'answerLimit', step: 'deserialize', priority: 'low' },
  );
}

function limited(body: Readable, ms: number | undefined): Readable {
  let bytes = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= MAX_ANSWER_BYTES) done(null, chunk);
      else done(new StorageError('NOT_A_STORAGE'));
    },
  });
  limitTime(limit, ms);
  limit.on('close', () => body.destroy());
  body.on('error', (error) => limit.destroy(error));
  return body.pipe(limit);
}
