/** Why a participant left, as LiveKit's protocol numbers it (DisconnectReason). */
interface LeaveReason {
  id: string;
  /** A sentence for people. */
  words: string;
  /** Something went wrong; it counts among the errors of a session. */
  isFault: boolean;
}

/** The connection ended before the participant had joined (`participant_connection_aborted`); not one of LiveKit's numbers. */
export const ABORTED = 100;

const reason = (id: string, words: string, isFault = false): LeaveReason => ({ id, words, isFault });

const REASONS: Readonly<Record<number, LeaveReason>> = {
  1: reason('client_initiated', 'Left.'),
  2: reason('duplicate_identity', 'Another connection with the same identity took over.'),
  3: reason('server_shutdown', 'The LiveKit server shut down.', true),
  4: reason('participant_removed', 'Removed over the API.'),
  5: reason('room_deleted', 'The room was ended over the API.'),
  6: reason('state_mismatch', 'The client tried to resume a connection that LiveKit no longer knew.', true),
  7: reason('join_failure', 'The client couldn’t connect completely.', true),
  8: reason('migration', 'Moved to another server.'),
  9: reason('signal_close', 'The signal connection closed unexpectedly.', true),
  10: reason('room_closed', 'The room closed.'),
  11: reason('user_unavailable', 'The person called didn’t answer.'),
  12: reason('user_rejected', 'The person called declined.'),
  13: reason('sip_trunk_failure', 'The SIP trunk failed.', true),
  14: reason('connection_timeout', 'The connection was lost.', true),
  15: reason('media_failure', 'The media connection failed.', true),
  16: reason('agent_error', 'The agent failed.', true),
  [ABORTED]: reason('connection_aborted', 'The connection ended before the participant had joined.', true),
};

const UNKNOWN = reason('unknown', 'LiveKit didn’t say why.');

/** What a number of LiveKit's means; newer ones are `unknown`. */
export const leaveReason = (code: number): LeaveReason => REASONS[code] ?? UNKNOWN;

/** Ids of all reasons. */
export const LEAVE_REASONS: readonly string[] = [...new Set(Object.values(REASONS).map(({ id }) => id)), UNKNOWN.id];

/** Numbers of the reasons that are faults. */
export const faultReasons = (): number[] =>
  Object.entries(REASONS).flatMap(([code, { isFault }]) => (isFault ? [Number(code)] : []));
