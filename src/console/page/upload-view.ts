import type { RecordedTrace } from '../../contract/activity.ts';
import type { EndedMessage, UploadMessage } from '../messages.ts';
import { Ago, mark } from './cells.ts';
import { element, setText } from './dom.ts';
import { explainResult, formatBytes, formatDuration, formatElapsed, formatRate } from './format.ts';
import { describeType, jobMark } from './jobs.ts';
import type { Model } from './model.ts';
import { describeProgress } from './progress.ts';
import { findCause } from './trace-tree.ts';
import { Waterfall } from './waterfall.ts';

/** How often the trace of an upload in progress is asked for again, in milliseconds. */
const AGAIN_MS = 2000;

type Loaded = RecordedTrace | 'unknown' | 'unreachable';

/** One upload with its trace. Lives as long as somebody looks at it. */
export class UploadView {
  readonly node = element('article', { class: 'upload' });
  readonly heading = element('h1', { tabindex: '-1' });
  readonly #model: Model;
  readonly #id: string;
  readonly #outcome = element('span');
  readonly #progress = element('progress', { 'aria-label': 'Progress' });
  readonly #cause = element('p', { class: 'cause' });
  readonly #facts = element('dl', { class: 'facts' });
  readonly #jobs = element('p', { class: 'jobs' });
  readonly #waterfall = new Waterfall();
  readonly #traceId = element('code');
  readonly #traceHint = element('p', { class: 'empty' });
  #trace: Loaded | undefined;
  #loadedFor = '';
  #loadedAt = 0;
  #agos: readonly Ago[] = [];

  constructor(model: Model, id: string) {
    this.#model = model;
    this.#id = id;
    this.node.append(
      element('p', {}, element('a', { href: '#/', class: 'back' }, '← All uploads')),
      element('header', {}, this.heading, this.#outcome, this.#progress),
      this.#cause,
      this.#facts,
      this.#jobs,
      element(
        'section',
        { class: 'panel', 'aria-labelledby': 'trace-title' },
        element('header', {}, element('h2', { id: 'trace-title' }, 'Trace'), this.#traceId),
        this.#traceHint,
        this.#waterfall.node,
      ),
    );
  }

  show(): void {
    const live = this.#model.uploads.get(this.#id);
    const ended = this.#model.ended.find(({ id }) => id === this.#id);
    const upload = live ?? ended;
    this.#facts.hidden = upload === undefined;
    this.#progress.hidden = live === undefined;
    if (upload === undefined) {
      setText(this.heading, 'This upload is not kept any more');
      setText(this.#traceHint, 'The console remembers the last 200 uploads.');
      this.#outcome.hidden = this.#cause.hidden = this.#waterfall.node.hidden = true;
      return;
    }
    setText(this.heading, upload.path);
    this.#showFacts(upload, live, ended);
    this.#showJobs();
    this.#showTrace(upload.traceId, live === undefined);
    if (live === undefined && ended !== undefined) this.#showEnd(ended);
    else if (live !== undefined) this.#showProgress(live);
  }

  #showProgress(live: UploadMessage): void {
    const { share, text } = describeProgress(live, this.#model.rateOf(live.id));
    this.#outcome.hidden = false;
    mark(this.#outcome, 'busy', text);
    if (share === undefined) this.#progress.removeAttribute('value');
    else this.#progress.value = share;
    this.#cause.hidden = true;
  }

  #showEnd({ result }: EndedMessage): void {
    this.#outcome.hidden = false;
    mark(this.#outcome, result === 'ok' ? 'good' : 'bad', result === 'ok' ? 'Stored' : 'Failed');
    this.#cause.hidden = result === 'ok';
    if (result === 'ok') return;
    const cause = findCause(this.#waterfall.tree);
    const where =
      cause === undefined ? '' : ` In ${cause.span.name}: ${cause.span.error?.replace(/\.$/, '')}.`;
    const reason = explainResult(result);
    setText(this.#cause, `${reason === result ? result : `${result}: ${reason}`}.${where}`);
  }

  #showFacts(upload: UploadMessage | EndedMessage, live?: UploadMessage, ended?: EndedMessage): void {
    const lastedMs = (live === undefined ? ended?.endedAt : undefined) ?? this.#model.now;
    const duration = lastedMs - upload.startedAt;
    const rate =
      live === undefined ? (upload.bytes * 1000) / Math.max(duration, 1) : this.#model.rateOf(live.id);
    const facts: Record<string, string | undefined> = {
      User: upload.username,
      From: upload.clientAddress,
      Size: formatBytes(upload.bytes),
      'Expected size': live?.expectedBytes ? formatBytes(live.expectedBytes) : undefined,
      Took: live === undefined ? formatDuration(duration) : formatElapsed(duration),
      Rate: formatRate(rate),
      Started: new Date(upload.startedAt).toLocaleString(),
      Key: ended?.key ?? undefined,
      'Upload id': upload.id,
    };
    const pairs = Object.entries(facts).filter(([, value]) => value !== undefined) as [string, string][];
    if (this.#facts.childElementCount !== pairs.length) {
      this.#facts.replaceChildren(
        ...pairs.map(([name]) => element('div', {}, element('dt', {}, name), element('dd'))),
      );
    }
    for (const [index, [, value]] of pairs.entries()) {
      setText(this.#facts.children[index]?.lastChild as Node, value);
    }
  }

  #showJobs(): void {
    const jobs = this.#model.jobsOf(this.#id);
    this.#jobs.hidden = jobs.length === 0;
    if (this.#agos.length !== jobs.length) {
      this.#agos = jobs.map(({ sentAt }) => new Ago(sentAt));
      const lines = jobs.map((job, index) =>
        element('span', {}, `${describeType(job)}: `, jobMark(job), ' ', (this.#agos[index] as Ago).node),
      );
      this.#jobs.replaceChildren(...lines);
    }
    for (const ago of this.#agos) ago.update(this.#model.now);
  }

  #showTrace(traceId: string | null, isOver: boolean): void {
    setText(this.#traceId, traceId ?? '');
    const trace = this.#trace;
    this.#waterfall.node.hidden = typeof trace !== 'object';
    this.#traceHint.hidden = typeof trace === 'object';
    if (traceId === null)
      setText(this.#traceHint, 'No trace was recorded: traces are switched off, or sampled.');
    else if (trace === 'unknown')
      setText(this.#traceHint, 'The trace was not recorded, or is not kept any more.');
    else if (trace === 'unreachable')
      setText(this.#traceHint, 'The trace could not be fetched; trying again.');
    else if (trace === undefined) setText(this.#traceHint, 'Fetching the trace …');
    else this.#waterfall.show(trace, this.#model.now);
    if (traceId !== null) this.#load(traceId, isOver);
  }

  /** Again whenever something has ended, and now and then while it goes on. */
  #load(traceId: string, isOver: boolean): void {
    const now = performance.now();
    const loadedFor = `${isOver} ${this.#model.jobsOf(this.#id).length}`;
    const isStale = !isOver || this.#trace === 'unreachable' || isRunning(this.#trace);
    if (loadedFor === this.#loadedFor && !(isStale && now - this.#loadedAt > AGAIN_MS)) return;
    this.#loadedFor = loadedFor;
    this.#loadedAt = now;
    fetchTrace(traceId).then((trace) => {
      // A trace that was seen once stays, even when the server is away or has forgotten it.
      if (typeof trace === 'object' || typeof this.#trace !== 'object') this.#trace = trace;
      this.show();
    });
  }
}

/** The end of an upload may be told a moment before that of its trace. */
function isRunning(trace: Loaded | undefined): boolean {
  return typeof trace === 'object' && trace.spans.some(({ endMs }) => endMs === undefined);
}

async function fetchTrace(traceId: string): Promise<Loaded> {
  try {
    const response = await fetch(`/api/traces/${traceId}`);
    if (response.ok) return (await response.json()) as RecordedTrace;
    return response.status === 404 ? 'unknown' : 'unreachable';
  } catch {
    return 'unreachable';
  }
}
