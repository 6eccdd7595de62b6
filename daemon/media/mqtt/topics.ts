/**
 * Names of topics below an app's prefix. Ids are percent-encoded, because `/`, `+` and `#` mean something in a topic.
 * https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html#_Toc3901241
 */
export const topics = {
  event: (prefix: string, event: string): string => `${prefix}/events/${event}`,
  app: (prefix: string): string => `${prefix}/state/app`,
  stream: (prefix: string, id: string): string => `${prefix}/state/streams/${encodeURIComponent(id)}`,
  recording: (prefix: string, id: number): string => `${prefix}/state/recordings/${id}`,
  logs: (prefix: string): string => `${prefix}/logs`,
  test: (prefix: string): string => `${prefix}/test`,
};
