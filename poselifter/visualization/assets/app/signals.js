// Linear systems, and signals over time, as poselifter/geometry/banded.py and poselifter/tracking/signals.py have them.

/** Solves A x = values for a dense A (n x n, rows) and values of n rows; returns new rows. */
export function solve(matrix, values) {
  const a = matrix.map((row, i) => [...row, ...values[i]]), n = a.length;
  for (let i = 0; i < n; i++) {
    let best = i;
    for (let k = i + 1; k < n; k++) if (Math.abs(a[k][i]) > Math.abs(a[best][i])) best = k;
    [a[i], a[best]] = [a[best], a[i]];
    for (let k = i + 1; k < n; k++) {
      const factor = a[k][i] / a[i][i];
      for (let c = i; c < a[i].length; c++) a[k][c] -= factor * a[i][c];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = n; c < a[i].length; c++) {
      for (let k = i + 1; k < n; k++) a[i][c] -= a[i][k] * a[k][c];
      a[i][c] /= a[i][i];
    }
  }
  return a.map((row) => row.slice(n));
}

/** Solves a symmetric, positive definite, banded system; bands[k][i] is the entry k below the diagonal of column i. */
function solveBanded(bands, values, width) {
  const n = bands[0].length, a = bands.map((band) => Float64Array.from(band)), x = Float64Array.from(values);
  for (let i = 0; i < n; i++) {
    for (let k = 1; k < a.length && i + k < n; k++) {
      const factor = a[k][i] / a[0][i];
      for (let j = k; j < a.length && i + j < n; j++) a[j - k][i + k] -= factor * a[j][i];
      for (let c = 0; c < width; c++) x[(i + k) * width + c] -= factor * x[i * width + c];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = 0; c < width; c++) {
      for (let k = 1; k < a.length && i + k < n; k++) x[i * width + c] -= a[k][i] * x[(i + k) * width + c];
      x[i * width + c] /= a[0][i];
    }
  }
  return x;
}

/** Second derivatives of the natural cubic spline at its knots. */
function bends(values, steps, width) {
  const n = steps.length + 1, right = new Float64Array((n - 2) * width), result = new Float64Array(n * width);
  const slope = (i, c) => (values[(i + 1) * width + c] - values[i * width + c]) / steps[i];
  for (let i = 0; i < n - 2; i++) for (let c = 0; c < width; c++) right[i * width + c] = 6 * (slope(i + 1, c) - slope(i, c));
  const inner = Array.from({ length: n - 2 }, (_, i) => i);
  result.set(solveBanded([inner.map((i) => 2 * (steps[i] + steps[i + 1])), inner.map((i) => steps[i + 1])], right, width), width);
  return result;
}

/** Rows of `width` values, known at rising `times`, at other times `where`: the natural cubic spline; outside the edge repeats. */
export function interpolate(values, width, where, times) {
  const last = times.length - 1, result = new Float64Array(where.length * width);
  const steps = times.slice(1).map((t, i) => t - times[i]), bend = last > 1 ? bends(values, steps, width) : null;
  let left = 0;
  where.forEach((wanted, row) => {
    const t = Math.min(Math.max(wanted, times[0]), times[last]);
    if (left && t < times[left]) left = 0;
    while (left < last - 1 && times[left + 1] <= t) left++;
    const b = last ? (t - times[left]) / steps[left] : 0, a = 1 - b, at = left * width;
    const next = last ? at + width : at, square = last ? steps[left] ** 2 / 6 : 0;
    for (let c = 0; c < width; c++) {
      let value = a * values[at + c] + b * values[next + c];
      if (bend) value += ((a ** 3 - a) * bend[at + c] + (b ** 3 - b) * bend[next + c]) * square;
      result[row * width + c] = value;
    }
  });
  return result;
}

/** Low-pass without delay of rows at a constant rate, which halves a frequency of `cutoff` hertz. */
export function smooth(values, width, rate, cutoff) {
  const n = values.length / width;
  if (cutoff === null || n < 3 || cutoff >= rate / 2) return values;
  const penalty = (2 * Math.sin((Math.PI * cutoff) / rate)) ** -4, second = [1, -2, 1];
  const bands = [new Float64Array(n).fill(1), new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < 3; i++) for (let j = 0; j <= i; j++) for (let t = 0; t < n - 2; t++) bands[i - j][t + j] += penalty * second[i] * second[j];
  return solveBanded(bands, values, width);
}

/** Smooths values as they come, calm ones strongly (Casiez, Roussel, Vogel, 1€ Filter, CHI 2012). */
export class OneEuroFilter {
  constructor({ min_cutoff, beta, speed_cutoff }) {
    Object.assign(this, { min_cutoff, beta, speed_cutoff });
  }

  call(values, time) {
    if (!this.last) {
      this.speed = new Float64Array(values.length);
      this.last = Float64Array.from(values);
    } else {
      const step = time - this.time;
      const gain = (cutoff) => (2 * Math.PI * cutoff * step) / (2 * Math.PI * cutoff * step + 1);
      values.forEach((value, k) => {
        this.speed[k] += gain(this.speed_cutoff) * ((value - this.last[k]) / step - this.speed[k]);
        this.last[k] += gain(this.min_cutoff + this.beta * Math.abs(this.speed[k])) * (value - this.last[k]);
      });
    }
    this.time = time;
    return Float64Array.from(this.last);
  }
}
