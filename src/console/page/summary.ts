import { element, setAttribute, setText } from './dom.ts';
import { formatBytes, formatRate } from './format.ts';
import type { Model } from './model.ts';

/** Seconds of throughput that the curve shows. */
const CURVE_SECONDS = 60;
const CURVE = { width: 120, height: 28 };

/** The numbers above everything else. */
export function summary(model: Model): { readonly node: HTMLElement; show(): void; tick(): void } {
  const list = element('dl', { class: 'summary' });
  const add = (name: string, ...beside: readonly Node[]) => {
    const value = element('dd', { class: 'value' });
    const remark = element('dd', { class: 'remark' });
    list.append(element('div', {}, element('dt', {}, name), value, remark, ...beside));
    return { value, remark };
  };
  const { svg, line } = makeCurve();
  const used = element('span');
  const meter = element(
    'div',
    { role: 'meter', 'aria-label': 'Memory budget in use', 'aria-valuemin': '0' },
    used,
  );
  const sessions = add('Sessions');
  const uploads = add('Uploading');
  const rate = add('Throughput', svg);
  const memory = add('Memory budget', element('dd', { class: 'beside' }, meter));
  const ended = add('Stored');
  const failed = add('Failed');
  const rates: number[] = [];

  const show = (): void => {
    const { usedBytes, limitBytes } = model.buffer;
    const finishing = [...model.uploads.values()].filter(({ isFinishing }) => isFinishing).length;
    const bad = model.ended.filter(({ result }) => result !== 'ok').length;
    const recent = model.ended.length === 0 ? '' : `of the last ${model.ended.length}`;
    setText(sessions.value, String(model.sessions.size));
    setText(uploads.value, String(model.uploads.size));
    setText(uploads.remark, finishing === 0 ? '' : `${finishing} being stored`);
    setText(rate.value, formatRate(model.totalRate()));
    setText(memory.value, formatBytes(usedBytes));
    setText(memory.remark, `of ${formatBytes(limitBytes)}`);
    setAttribute(meter, 'aria-valuemax', String(limitBytes));
    setAttribute(meter, 'aria-valuenow', String(usedBytes));
    setAttribute(meter, 'aria-valuetext', `${formatBytes(usedBytes)} of ${formatBytes(limitBytes)}`);
    used.style.width = `${(usedBytes / Math.max(limitBytes, 1)) * 100}%`;
    setText(ended.value, String(model.ended.length - bad));
    setText(ended.remark, recent);
    setText(failed.value, String(bad));
    setText(failed.remark, recent);
    setAttribute(failed.value, 'class', bad === 0 ? 'value' : 'value bad');
  };
  const tick = (): void => {
    rates.push(model.totalRate());
    if (rates.length > CURVE_SECONDS) rates.shift();
    setAttribute(line, 'points', toPoints(rates));
  };
  const heading = element('h1', { class: 'unseen' }, 'Sluice console');
  return { node: element('section', { 'aria-label': 'Summary' }, heading, list), show, tick };
}

function makeCurve() {
  const make = (name: string) => document.createElementNS('http://www.w3.org/2000/svg', name);
  const svg = make('svg');
  const line = make('polyline');
  setAttribute(svg, 'class', 'curve');
  setAttribute(svg, 'viewBox', `0 0 ${CURVE.width} ${CURVE.height}`);
  setAttribute(svg, 'preserveAspectRatio', 'none');
  setAttribute(svg, 'aria-hidden', 'true');
  svg.append(line);
  return { svg: element('dd', { class: 'beside' }, svg), line };
}

/** Newest at the right. */
function toPoints(rates: readonly number[]): string {
  const top = Math.max(...rates, 1);
  return rates
    .map((rate, index) => {
      const x = CURVE.width - ((rates.length - 1 - index) / (CURVE_SECONDS - 1)) * CURVE.width;
      const y = CURVE.height - 1 - (rate / top) * (CURVE.height - 3);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}
