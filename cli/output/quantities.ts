/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Thousandths of a percent → "5 %", "0.125 %". */
export function percentOfThousandths(thousandths: number): string {
  return `${Number((thousandths / 1000).toFixed(3))} %`;
}

/** A share in [0, 1] → "0.52 %". */
export function share(ratio: number): string {
  return `${(ratio * 100).toFixed(2)} %`;
}

/** 95_000 → "1m 35s"; below a second "640 ms". */
export function duration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${String(minutes % 60).padStart(2, '0')}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
