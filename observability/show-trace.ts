// Prints the newest traces that a Jaeger has of uploads, each as a tree, by its HTTP API:
//   node --import tsx observability/show-trace.ts http://localhost:16686 1

const [jaeger = 'http://localhost:16686', limit = '1'] = process.argv.slice(2);

/** As Jaeger's API gives it; times are microseconds. */
interface Span {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly startTime: number;
  readonly duration: number;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

interface Trace {
  readonly traceID: string;
  readonly spans: readonly Span[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

function print({ traceID, spans, processes }: Trace): void {
  const parents = new Map(
    spans.map((span) => [span.spanID, span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID]),
  );
  const start = Math.min(...spans.map(({ startTime }) => startTime));
  const ordered = spans.toSorted((a, b) => a.startTime - b.startTime);
  const write = (span: Span, depth: number) => {
    const tag = (name: string) => span.tags.find(({ key }) => key === name)?.value ?? '';
    const name = `${'  '.repeat(depth)}${span.operationName}`.padEnd(42);
    const from = ((span.startTime - start) / 1000).toFixed(1).padStart(8);
    const took = (span.duration / 1000).toFixed(1).padStart(8);
    const service = processes[span.processID]?.serviceName ?? '';
    process.stdout.write(
      `${name}${from} ms ${took} ms  ${service.padEnd(14)}${String(tag('span.kind')).padEnd(10)}${tag('sluice.result')}\n`,
    );
    for (const child of ordered) if (parents.get(child.spanID) === span.spanID) write(child, depth + 1);
  };
  process.stdout.write(`trace ${traceID}: ${spans.length} spans\n`);
  for (const span of ordered) if (!parents.has(parents.get(span.spanID) ?? '')) write(span, 0);
}

const query = new URLSearchParams({ service: 'sluice', operation: 'sluice.upload', limit });
const response = await fetch(`${jaeger}/api/traces?${query}`);
const { data } = (await response.json()) as { readonly data: readonly Trace[] };
for (const trace of data) print(trace);
if (data.length === 0) throw new Error(`${jaeger} has no trace of an upload`);
