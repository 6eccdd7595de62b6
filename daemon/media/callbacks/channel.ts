import type { AppConfig } from '#shared/config/defaults.ts';
import type { Channel } from './delivery.ts';
import { messageOf } from './outbox.ts';
import type { CallbackSender } from './sender.ts';

export interface CallbackChannelDeps {
  config: { get(app: string): Promise<AppConfig> };
  /** The stored signing secret, or empty. */
  secret(app: string): string;
  sender: CallbackSender;
}

/** Posts events to the app's callback URL. */
export function callbackChannel({ config, secret, sender }: CallbackChannelDeps): Channel {
  return {
    receiver: 'callback',
    words: { all: 'callbacks', one: 'a callback', off: 'Callbacks were turned off.' },
    async open(app) {
      const { callbacks } = await config.get(app);
      const { url } = callbacks;
      if (url === '') return null;
      return {
        address: url,
        send: (row, signal) =>
          sender.send(
            {
              url,
              body: JSON.stringify(messageOf(app, row)),
              secret: secret(app) || callbacks.secret,
              event: row.event,
              delivery: row.id,
              timestamp: row.created_at,
            },
            signal,
          ),
      };
    },
    close: () => sender.close(),
  };
}
