import type { Panel, Unit } from './panel.ts';
import { SECTIONS } from './panels.ts';
import { toLegend, toPromQl } from './prometheus.ts';
import type { Color, Selection } from './series.ts';

const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** Grafana's names of units. */
const UNITS = {
  seconds: 's',
  bytes: 'bytes',
  'bytes a second': 'Bps',
  'a second': 'cps',
  count: 'short',
  share: 'percentunit',
  cores: 'short',
} as const satisfies Record<Unit, string>;

const COLORS = { good: 'green', bad: 'red', limit: 'orange' } as const satisfies Record<Color, string>;

/** The grid of a dashboard is 24 wide. */
const WIDTH = 24;
const GRAPH = { w: 8, h: 8 } as const;
const NUMBER = { w: 4, h: 4 } as const;

interface Position {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** The dashboard as Grafana imports it (Dashboards, New, Import) or provisions it. */
export function toGrafanaDashboard(): object {
  const panels: object[] = [];
  let y = 0;
  const place = (
    type: 'stat' | 'timeseries',
    size: { readonly w: number; readonly h: number },
    row: readonly Panel[],
  ) => {
    const inARow = WIDTH / size.w;
    for (const [index, panel] of row.entries()) {
      const position = { x: (index % inARow) * size.w, y: y + Math.floor(index / inARow) * size.h, ...size };
      panels.push({ id: panels.length + 1, ...toPanel(type, panel, position) });
    }
    y += Math.ceil(row.length / inARow) * size.h;
  };
  for (const { title, numbers = [], panels: graphs } of SECTIONS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    place('stat', NUMBER, numbers);
    place('timeseries', GRAPH, graphs);
  }
  return {
    uid: 'sluice',
    title: 'Sluice',
    description:
      'Made by npm run dashboards from src/telemetry/metrics.ts; changes belong into observability/panels.ts.',
    tags: ['sluice'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: VARIABLES },
    annotations: { list: [] },
    panels,
  };
}

const VARIABLES = [
  { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
  toVariable('job', 'Service', 'label_values(sluice_session_active, job)'),
  toVariable('instance', 'Task', 'label_values(sluice_session_active{job=~"$job"}, instance)'),
];

function toVariable(name: string, label: string, query: string) {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: name },
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.+',
    current: { text: 'All', value: '$__all' },
  };
}

function toPanel(type: 'stat' | 'timeseries', panel: Panel, gridPos: Position) {
  return {
    type,
    title: panel.title,
    description: panel.description,
    datasource: DATASOURCE,
    gridPos,
    targets: panel.series.map((series, index) => ({
      refId: toRefId(index),
      datasource: DATASOURCE,
      expr: toPromQl(series),
      legendFormat: toLegend(series.selection),
    })),
    fieldConfig: {
      defaults: {
        unit: UNITS[panel.unit],
        min: 0,
        ...(panel.unit === 'share' ? { max: 1 } : {}),
        thresholds: toThresholds(panel),
        ...(type === 'timeseries' ? { custom: toLook(panel) } : { noValue: '0' }),
      },
      overrides: panel.series.flatMap(({ selection }, index) => toOverride(selection, index)),
    },
    options:
      type === 'stat'
        ? {
            colorMode: 'background',
            graphMode: 'area',
            reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
          }
        : {
            legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
  };
}

function toRefId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

function toThresholds({ concern }: Panel) {
  const steps = [{ color: 'green', value: null }];
  return {
    mode: 'absolute',
    steps: concern === undefined ? steps : [...steps, { color: 'red', value: concern }],
  };
}

function toLook({ stacked, concern }: Panel) {
  return {
    lineWidth: 1,
    fillOpacity: stacked === true ? 30 : 8,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: stacked === true ? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: concern === undefined ? 'off' : 'line' },
  };
}

/** Colours that mean something; lines that a query parts into several get shades of theirs. */
function toOverride({ by = [], color }: Selection, index: number) {
  if (color === undefined) return [];
  const value = { mode: by.length > 0 ? 'shades' : 'fixed', fixedColor: COLORS[color] };
  return [
    {
      matcher: { id: 'byFrameRefID', options: toRefId(index) },
      properties: [{ id: 'color', value }],
    },
  ];
}
