import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request as it stands, `Host` and path included: what `fetch` would correct is what is to be tested. */
export function ask(url: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, path, ...options }, async (response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
    });
    sent.once('error', reject);
    sent.end();
  });
}

export interface StreamEvent {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  readonly data: any;
}

/** Server-sent events as they come. */
export class EventStream {
  readonly events: StreamEvent[] = [];
  readonly headers: IncomingHttpHeaders;
  readonly closed: Promise<void>;
  readonly #response: IncomingMessage;
  readonly #waiting = new Set<() => void>();
  #rest = '';

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.headers = response.headers;
    response.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    response.on('error', () => undefined);
    this.closed = new Promise((resolve) => response.once('close', () => resolve()));
  }

  static open(url: string): Promise<EventStream> {
    return new Promise((resolve, reject) => {
      const sent = request(`${url}/events`, { agent: false }, (response) => {
        if (response.statusCode === 200) resolve(new EventStream(response));
        else reject(new Error(`status ${response.statusCode}`));
      });
      sent.once('error', reject);
      sent.end();
    });
  }

  /** The first event, past or to come, that matches. */
  event(matches: (event: StreamEvent) => boolean): Promise<StreamEvent> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.events.find(matches);
        if (found === undefined && !this.#response.destroyed) return;
        this.#waiting.delete(check);
        if (found !== undefined) resolve(found);
        else reject(new Error(`the stream ended without that event: ${JSON.stringify(this.events)}`));
      };
      this.#waiting.add(check);
      void this.closed.then(check);
      check();
    });
  }

  /** The data of the first update, past or to come, that matches. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async update(matches: (data: any) => boolean | undefined): Promise<any> {
    return (await this.event(({ name, data }) => name === 'update' && matches(data) === true)).data;
  }

  close(): void {
    this.#response.destroy();
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split('\n\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      // Not by expressions: theirs are more ends of a line than there are in such a stream, and names have them all.
      const field = (name: string) =>
        part
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      this.events.push({ name: field('event') ?? '', data: JSON.parse(field('data') ?? 'null') });
    }
    for (const check of [...this.#waiting]) check();
  }
}
