/** npm passes on the Ctrl-C that a terminal has sent to this process already: within this time the two are one. */
const SAME_SIGNAL_MS = 500;

/** Aborted by the first SIGTERM or SIGINT; the second ends the process at once. */
export function stopSignal(onStop: (signal: NodeJS.Signals) => void = () => undefined): AbortSignal {
  const controller = new AbortController();
  let stoppedAt = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) {
        if (performance.now() - stoppedAt > SAME_SIGNAL_MS) process.exit(130);
        return;
      }
      stoppedAt = performance.now();
      onStop(signal);
      controller.abort();
    });
  }
  return controller.signal;
}

/** Resolves once it is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
