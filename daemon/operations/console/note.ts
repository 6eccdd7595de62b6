import type { FastifyReply } from 'fastify';
import { fillTemplate } from '#daemon/platform/files/template.ts';
import type { BuildState, CloneBuilder, Part } from './clone-builder.ts';

const NOTE_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

function noteOf({ name, command, otherwise }: Part, state: BuildState): [title: string, text: string] {
  if (state === 'installing')
    return [
      `The ${name} is being prepared`,
      'StreamHub installs the packages that build it, once. This page shows it as soon as it is there.',
    ];
  if (state === 'failed')
    return [`The ${name} could not be built`, `See the daemon’s log for the reason, or run <code>${command}</code>.`];
  if (state === 'absent') return [`This package has no ${name}`, otherwise];
  return [`The ${name} is being built`, 'This page shows it as soon as it is there, in less than a minute.'];
}

/** Says why there are no pages yet, and looks again by itself while they are being made. */
export function sendNote(
  reply: FastifyReply,
  part: Part,
  { state, progress }: Pick<CloneBuilder, 'state' | 'progress'>,
  base: string,
): FastifyReply {
  const [title, text] = noteOf(part, state);
  const isComing = state !== 'failed' && state !== 'absent';
  return reply
    .code(isComing ? 503 : 404)
    .header('content-security-policy', NOTE_CSP)
    .header('cache-control', 'no-store')
    .headers(isComing ? { 'retry-after': '3' } : {})
    .type('text/html; charset=utf-8')
    .send(
      fillTemplate('operations/console/assets/note.html.tmpl', {
        title,
        text: state === 'installing' && progress !== undefined ? `${text} ${progress}.` : text,
        base,
        refresh: isComing ? '<meta http-equiv="refresh" content="3">' : '',
      }),
    );
}
