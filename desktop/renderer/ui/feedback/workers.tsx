import type { DaemonError } from '#shared/client/errors.ts';
import { plural } from '../words/format.ts';
import { Ago } from '../words/time.tsx';

/** Shows the LiveKit services that did not accept an order, as the daemon reports them. */
interface NotTaken {
  asked: { service: string; room: string; identity: string | null; cpus: number };
  workers: {
    connected: number | null;
    running: number;
    last: { room: string; status: string; error: string | null; at: string | null }[];
  };
}

/** What was asked of LiveKit's services, and what each was last heard to say; nothing for other failures. */
export function Workers({ body }: { body: DaemonError['body'] }) {
  const { asked, workers } = body as Partial<NotTaken>;
  if (asked === undefined || workers === undefined) return null;
  const { service, room, identity, cpus } = asked;
  const { connected, running, last } = workers;
  return (
    <ul>
      <li>
        Requested: {service} of {identity === null ? `room ${room}` : `${identity} in room ${room}`},{' '}
        {plural(cpus, 'CPU')}
      </li>
      <li>
        {connected === null
          ? `Number of ${service} services unknown`
          : `${plural(connected, `${service} service`)} connected`}
        {service === 'egress' ? `, ${plural(running, 'order')} running` : ''}
      </li>
      {last.map(({ room: where, status, error, at }) => (
        <li key={`${where} ${status} ${at}`}>
          {where}: {status.replace(/^EGRESS_/, '').toLowerCase()}
          {error === null ? '' : `, ${error}`}
          {at === null ? null : (
            <>
              {' · '}
              <Ago at={at} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
