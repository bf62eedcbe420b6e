/**
 * Exponential moving average without the pull towards zero at the start (the weights so far are divided out).
 * `weight` in [0, 1): 0 answers the values themselves. A value that is not finite stays a gap and moves nothing.
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let sum = 0;
  let norm = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    if (Number.isFinite(value)) {
      sum = weight * sum + (1 - weight) * value;
      norm = weight * norm + (1 - weight);
      out[i] = sum / norm;
    } else {
      out[i] = NaN;
    }
  }
  return out;
}
