import type { RecordedAttributes, RecordedSpan } from '../../contract/activity.ts';
import { element } from './dom.ts';
import { formatDuration } from './format.ts';

/** All that is known of a span. */
export function spanDetails(span: RecordedSpan): HTMLElement {
  const { kind, spanId, error, attributes, events, links, startMs } = span;
  return element(
    'div',
    { class: 'span-details' },
    ...(error === undefined ? [] : [element('p', { class: 'cause' }, error)]),
    toList({ kind, 'span id': spanId, ...attributes }),
    ...events.flatMap((event) => [
      element('h3', {}, `${event.name}, after ${formatDuration(event.atMs - startMs)}`),
      toList(event.attributes),
    ]),
    ...(links.length === 0 ? [] : [element('h3', {}, 'Links')]),
    ...links.map(({ traceId, spanId: linked }) =>
      element('p', { class: 'mono' }, `trace ${traceId}, span ${linked}`),
    ),
  );
}

function toList(values: RecordedAttributes): HTMLElement {
  const pairs = Object.entries(values).map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, String(value))),
  );
  return element('dl', { class: 'attributes' }, ...pairs);
}
