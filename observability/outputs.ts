import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toCloudWatchDashboard, toDimensionSets } from './cloudwatch.ts';
import { toGrafanaDashboard } from './grafana.ts';

/** A file of this folder that is made, wholly or in part. */
export interface Output {
  readonly path: string;
  readonly text: string;
}

const FOLDER = new URL('./', import.meta.url);

/** What `npm run dashboards` writes. */
export function outputs(): Output[] {
  const collector = 'collector-aws.yaml';
  return [
    { path: toPath('grafana-dashboard.json'), text: toJson(toGrafanaDashboard()) },
    { path: toPath('cloudwatch-dashboard.json'), text: toJson(toCloudWatchDashboard()) },
    { path: toPath(collector), text: withDeclarations(readFileSync(toPath(collector), 'utf8')) },
  ];
}

function toPath(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const BEGIN = '    # From here: npm run dashboards.\n';
const END = '    # To here.\n';

/** The collector is told by which dimensions CloudWatch keeps each metric: by those that the dashboard asks for. */
function withDeclarations(yaml: string): string {
  const [before, rest] = yaml.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error('collector-aws.yaml has lost its marks');
  const declarations = [...toDimensionSets()].map(([name, sets]) => {
    const dimensions = sets.map((set) => `[${set.join(', ')}]`).join(', ');
    return `      - metric_name_selectors: ['^${name.replaceAll('.', '\\.')}$']\n        dimensions: [${dimensions}]\n`;
  });
  return `${before}${BEGIN}    metric_declarations:\n${declarations.join('')}${END}${after}`;
}
