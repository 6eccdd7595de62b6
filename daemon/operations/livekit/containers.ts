import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { programOnPath } from '#daemon/edge/livekit-binary.ts';

const run = promisify(execFile);
const LIMIT_MS = 5000;
/** An engine that is started later is found after this time. */
const FRESH_MS = 60_000;

/** Images of LiveKit's services, for machines without their programs (https://hub.docker.com/u/livekit). */
export const IMAGES = { egress: 'livekit/egress:v1.9', ingress: 'livekit/ingress:v1.4' } as const;

/** Finds a container engine that answers: podman or docker. */
export class ContainerEngine {
  #asked = Number.NEGATIVE_INFINITY;
  #found: Promise<string | undefined> = Promise.resolve(undefined);

  /** Path of the program of an engine that answered within the last minute. */
  find(): Promise<string | undefined> {
    if (performance.now() - this.#asked > FRESH_MS) {
      this.#asked = performance.now();
      this.#found = firstThatAnswers();
    }
    return this.#found;
  }
}

async function firstThatAnswers(): Promise<string | undefined> {
  for (const name of ['docker', 'podman']) {
    const program = programOnPath(name, process.env['PATH'] ?? '');
    if (program === undefined) continue;
    // the client alone is not enough: its service must answer
    const answers = await run(program, ['info', '--format', '{{json .}}'], { timeout: LIMIT_MS }).then(
      ({ stdout }) => stdout.includes('{'),
      () => false,
    );
    if (
      answers &&
      (await run(program, ['ps', '-q'], { timeout: LIMIT_MS }).then(
        () => true,
        () => false,
      ))
    )
      return program;
  }
  return undefined;
}

/** Removes a container that a killed client left behind. */
export async function removeContainer(engine: string, name: string): Promise<void> {
  await run(engine, ['rm', '-f', name], { timeout: 30_000 }).catch(() => undefined);
}
