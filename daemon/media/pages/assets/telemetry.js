/**
 * Tells StreamHub what a livekit-client room measures, every 10 s. For any page:
 *
 *   <script src="https://hub.example.com/telemetry.js"></script>
 *   const stop = StreamHubTelemetry.watch(room, { app: 'live', token });
 *
 * `token` is the join token of the room. `url` is StreamHub's address, by default where this script comes from.
 */
(() => {
  /** @typedef {{ bps: number, lossPercent?: number, jitterMs?: number, width?: number, height?: number, fps?: number, codec?: string, freezes?: number, freezeSeconds?: number }} Direction */
  /** @typedef {{ at: number, rttMs?: number, ice?: string, up?: Direction, down?: Direction }} Sample */
  /** @typedef {{ bytes: number, lost: number, packets: number, freezes: number, frozen: number }} Counters */
  /** What is read of a track, of whatever version livekit-client is. @typedef {{ track?: { getRTCStatsReport?: () => Promise<RTCStatsReport | undefined> } | undefined }} Publication */
  /** @typedef {{ trackPublications: Map<string, Publication> }} Member */
  /** @typedef {{ localParticipant: Member & { sid: string }, remoteParticipants: Map<string, Member>, state: string }} RoomLike */

  const EVERY_MS = 10_000;
  /** Samples kept while the daemon is away. */
  const KEPT = 6;
  /** The daemon takes no older ones. */
  const MAX_AGE_S = 120;
  const script = typeof document === 'undefined' ? null : document.currentScript;
  const HOME = script instanceof HTMLScriptElement ? new URL('.', script.src).href : undefined;

  /**
   * @param {RoomLike} room a livekit-client room, connected or not yet
   * @param {{ app: string, token: string | (() => string), url?: string }} options
   * @returns {() => void} ends it
   */
  function watch(room, { app, token, url = HOME }) {
    if (url === undefined) throw new Error('StreamHubTelemetry.watch: url is missing');
    const address = new URL(`api/v1/apps/${encodeURIComponent(app)}/telemetry`, url.endsWith('/') ? url : `${url}/`);
    /** @type {Sample[]} */
    let kept = [];
    /** @type {{ up: Counters, down: Counters, at: number } | undefined} */
    let before;
    let isOver = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    const look = async () => {
      if (room.state !== 'connected') {
        before = undefined;
        return;
      }
      const { sample, counters } = await measure(room, before);
      if (before !== undefined) kept = [...kept, sample].slice(-KEPT);
      before = counters;
      if (kept.length === 0) return;
      const sent = kept;
      const now = performance.now();
      const samples = sent
        .map(({ at, ...figures }) => ({ secondsAgo: Math.round((now - at) / 100) / 10, ...figures }))
        .filter(({ secondsAgo }) => secondsAgo < MAX_AGE_S);
      const answer = await fetch(address, {
        method: 'POST',
        credentials: 'omit',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${typeof token === 'function' ? token() : token}`,
        },
        body: JSON.stringify({ participantSid: room.localParticipant.sid, samples }),
      });
      if (answer.ok) {
        kept = kept.filter((one) => !sent.includes(one));
        const { data } = await answer.json();
        if (data.nextSeconds === null) isOver = true;
      } else if (answer.status === 400 || answer.status === 401 || answer.status === 403) isOver = true;
    };
    const next = () => {
      if (isOver) return;
      // not all clients at the same moment
      timer = setTimeout(
        () =>
          void look()
            .catch(() => {})
            .then(next),
        EVERY_MS * (0.95 + Math.random() * 0.1),
      );
    };
    void look()
      .catch(() => {})
      .then(next);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  /** @returns {Counters} */
  const nothing = () => ({ bytes: 0, lost: 0, packets: 0, freezes: 0, frozen: 0 });

  /**
   * @param {RoomLike} room
   * @param {{ up: Counters, down: Counters, at: number } | undefined} before
   */
  async function measure(room, before) {
    const at = performance.now();
    const counters = { up: nothing(), down: nothing(), at };
    /** @type {{ up: Partial<Direction>, down: Partial<Direction>, rttMs?: number, ice?: string }} */
    const seen = { up: {}, down: {} };
    const reports = await Promise.all(
      [room.localParticipant, ...room.remoteParticipants.values()]
        .flatMap(({ trackPublications }) => [...trackPublications.values()])
        .map(({ track }) => track?.getRTCStatsReport?.()),
    );
    for (const report of reports) if (report !== undefined) read(report, counters, seen);
    /** @type {Sample} */
    const sample = { at };
    if (seen.rttMs !== undefined) sample.rttMs = seen.rttMs;
    if (seen.ice !== undefined) sample.ice = seen.ice;
    if (before !== undefined) {
      const seconds = Math.max(0.1, (at - before.at) / 1000);
      for (const way of /** @type {const} */ (['up', 'down'])) {
        const [now, then] = [counters[way], before[way]];
        if (now.bytes === 0 && then.bytes === 0) continue;
        const lost = Math.max(0, now.lost - then.lost);
        const packets = Math.max(0, now.packets - then.packets);
        // a receiver counts what arrived, a sender what it sent
        const all = way === 'down' ? packets + lost : packets;
        sample[way] = {
          ...seen[way],
          bps: Math.round((Math.max(0, now.bytes - then.bytes) * 8) / seconds),
          lossPercent: all === 0 ? 0 : Math.min(100, Math.round((lost / all) * 1000) / 10),
          ...(way === 'down'
            ? {
                freezes: Math.min(1000, Math.max(0, now.freezes - then.freezes)),
                freezeSeconds: Math.min(60, Math.max(0, Math.round((now.frozen - then.frozen) * 10) / 10)),
              }
            : {}),
        };
      }
    }
    return { sample, counters };
  }

  /**
   * Adds what a report of one track says.
   * @param {RTCStatsReport} report
   * @param {{ up: Counters, down: Counters }} counters
   * @param {{ up: Partial<Direction>, down: Partial<Direction>, rttMs?: number, ice?: string }} seen
   */
  function read(report, counters, seen) {
    for (const stat of report.values()) {
      if (stat.type === 'inbound-rtp') {
        counters.down.bytes += stat.bytesReceived ?? 0;
        counters.down.packets += stat.packetsReceived ?? 0;
        counters.down.lost += stat.packetsLost ?? 0;
        counters.down.freezes += stat.freezeCount ?? 0;
        counters.down.frozen += stat.totalFreezesDuration ?? 0;
        picture(seen.down, stat, report);
        larger(seen.down, 'jitterMs', (stat.jitter ?? 0) * 1000);
      } else if (stat.type === 'outbound-rtp') {
        counters.up.bytes += stat.bytesSent ?? 0;
        counters.up.packets += stat.packetsSent ?? 0;
        picture(seen.up, stat, report);
      } else if (stat.type === 'remote-inbound-rtp') {
        counters.up.lost += stat.packetsLost ?? 0;
        larger(seen.up, 'jitterMs', (stat.jitter ?? 0) * 1000);
      } else if (stat.type === 'transport' && stat.selectedCandidatePairId) {
        const pair = report.get(stat.selectedCandidatePairId);
        const local = report.get(pair?.localCandidateId);
        if (typeof pair?.currentRoundTripTime === 'number') seen.rttMs = Math.round(pair.currentRoundTripTime * 1000);
        if (local !== undefined)
          seen.ice = local.candidateType === 'relay' ? `turn-${local.relayProtocol ?? 'udp'}` : local.protocol;
      }
    }
  }

  /** @param {Partial<Direction>} direction @param {any} stat @param {RTCStatsReport} report */
  function picture(direction, stat, report) {
    if (stat.kind !== 'video') return;
    const { frameWidth: width = 0, frameHeight: height = 0, framesPerSecond: fps } = stat;
    if (width * height < (direction.width ?? 0) * (direction.height ?? 0)) return;
    const mime = report.get(stat.codecId)?.mimeType;
    Object.assign(direction, { width, height });
    if (typeof fps === 'number') direction.fps = Math.min(1000, Math.round(fps));
    if (typeof mime === 'string') direction.codec = mime.split('/').pop()?.slice(0, 20) ?? '';
  }

  /** @param {Partial<Direction>} direction @param {'jitterMs'} key @param {number} value */
  function larger(direction, key, value) {
    direction[key] = Math.max(direction[key] ?? 0, Math.min(60_000, Math.round(value * 10) / 10));
  }

  /** @type {any} */ (globalThis).StreamHubTelemetry = { watch };
})();
