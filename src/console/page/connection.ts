import type { StateMessage, UpdateMessage } from '../messages.ts';

export type ConnectionState = 'connecting' | 'live' | 'lost';

export interface Hearer {
  onState(state: StateMessage): void;
  onUpdate(update: UpdateMessage): void;
  onConnection(connection: ConnectionState): void;
}

/** The server says something every ten seconds at least: this long without a word, and the connection is dead. */
const SILENCE_MS = 25_000;

/** Until the next attempt, where the browser makes none of its own: after an answer that was no stream. */
const RETRY_MS = 2000;

/** Listens to the server for as long as the page lives, over and over again. */
export function listen(hearer: Hearer): void {
  const events = new EventSource('/events');
  let watchdog: number | undefined;
  let wasRenewed = false;

  const renew = (afterMs: number) => {
    if (wasRenewed) return;
    wasRenewed = true;
    clearTimeout(watchdog);
    events.close();
    hearer.onConnection('lost');
    setTimeout(() => listen(hearer), afterMs);
  };
  const hear = <T>(name: string, take: (message: T) => void) =>
    events.addEventListener(name, (event) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => renew(0), SILENCE_MS);
      take(JSON.parse((event as MessageEvent<string>).data) as T);
    });

  hear<StateMessage>('state', (state) => {
    hearer.onState(state);
    hearer.onConnection('live');
  });
  hear<UpdateMessage>('update', (update) => hearer.onUpdate(update));
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) renew(RETRY_MS);
    else hearer.onConnection('lost');
  });
}
