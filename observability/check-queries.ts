import { PANELS } from './panels.ts';
import { toPromQl } from './prometheus.ts';

// Asks a Prometheus for every query of the dashboard, as Grafana would with all services and tasks chosen:
//   node --import tsx observability/check-queries.ts http://localhost:9090

const [server = 'http://localhost:9090', window = '1m'] = process.argv.slice(2);

interface Answer {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

let faults = 0;
for (const { title, series } of PANELS) {
  for (const line of series) {
    const query = toPromQl(line)
      .replaceAll('$__rate_interval', window)
      .replaceAll(/\$(job|instance)/g, '.+');
    const response = await fetch(`${server}/api/v1/query?${new URLSearchParams({ query })}`);
    const { status, error, data } = (await response.json()) as Answer;
    const values = data?.result.map(({ value }) => value[1]) ?? [];
    const isGood = status === 'success' && values.some((value) => value !== 'NaN');
    if (!isGood) faults += 1;
    const outcome = error ?? (values.length === 0 ? 'no data' : values.join(' '));
    process.stdout.write(
      `${isGood ? 'ok  ' : 'FAIL'} ${title}: ${outcome}\n${isGood ? '' : `     ${query}\n`}`,
    );
  }
}
process.exitCode = faults > 0 ? 1 : 0;
