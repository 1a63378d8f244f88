// Places for joints that a detector missed, as poselifter/tracking/fill.py has them.
import { solve } from './signals.js';

/** Rows (T) of points and scores of one person with joints of score 0 filled in; `facts` are those of the fill. */
export function fillMissing(points, scores, rate, joints, facts) {
  const frames = scores.length / joints, holes = [];
  for (let j = 0; j < joints; j++) for (let t = 0; t < frames; t++) if (!(scores[t * joints + j] > 0)) { holes.push(j); break; }
  if (!holes.length || !scores.some((score) => score > 0)) return;
  const expected = facts.mean ? expectedJoints(points, scores, joints, facts) : new Float64Array(points.length).fill(NaN);
  const seen = Array.from(scores, (score) => score > 0);
  for (const j of holes) {
    const rows = Array.from({ length: frames }, (_, t) => t);
    const known = rows.filter((t) => seen[t * joints + j]), likely = rows.filter((t) => !Number.isNaN(expected[2 * (t * joints + j)]));
    const guesses = new Line(expected, likely, joints, j), held = new Line(points, known, joints, j);
    const places = [];
    for (const t of rows.filter((each) => !seen[each * joints + j])) {
      const guess = guesses.at(t), place = held.at(t);
      const weight = place ? Math.exp(-((held.away(t) / rate / facts.held) ** 2)) : 0;
      places.push([t, guess && place ? guess.map((g, axis) => weight * place[axis] + (1 - weight) * g) : place ?? guess, weight]);
    }
    for (const [t, place, weight] of places) {
      if (place) points.set(place, 2 * (t * joints + j));
      scores[t * joints + j] = place ? facts.guess + (facts.score - facts.guess) * weight : 0;
    }
  }
}

/** Lines between the known frames of a joint. */
class Line {
  constructor(points, known, joints, joint) {
    Object.assign(this, { points, known, joints, joint, next: 0 });
  }

  /** Known frames around frame t, one twice at the edges; t rises from call to call. */
  around(t) {
    const { known } = this, last = known.length - 1;
    while (this.next <= last && known[this.next] < t) this.next++;
    return [known[Math.max(this.next - 1, 0)], known[Math.min(this.next, last)]];
  }

  at(t) {
    if (!this.known.length) return null;
    const [a, b] = this.around(t), part = a === b ? 0 : (t - a) / (b - a);
    return [0, 1].map((axis) => {
      const value = (frame) => this.points[2 * (frame * this.joints + this.joint) + axis];
      return value(a) * (1 - part) + value(b) * part;
    });
  }

  away(t) {
    return Math.min(...this.around(t).map((frame) => Math.abs(t - frame)));
  }
}

/** Expected places of joints, given those of the frame that were seen, by generalised least squares; NaN where too few are. */
function expectedJoints(points, scores, joints, { mean, covariance, noise, fewest }) {
  const filled = Float64Array.from(points);
  for (let t = 0; t < scores.length / joints; t++) {
    const known = [], missing = [];
    for (let k = 0; k < 2 * joints; k++) (scores[t * joints + (k >> 1)] > 0 ? known : missing).push(k);
    for (const k of missing) filled[2 * t * joints + k] = NaN;
    if (!missing.length || known.length < 2 * fewest) continue;
    const trend = (k) => [1 - (k % 2), k % 2, mean[k]], value = known.map((k) => [points[2 * t * joints + k]]);
    const spread = known.map((a) => known.map((b) => covariance[a][b] + (a === b ? noise : 0)));
    const weighted = solve(spread, known.map((k, i) => [...trend(k), ...value[i]])); // of the trend, and of the values
    const gram = [0, 1, 2].map((r) => [0, 1, 2, 3].map((c) => known.reduce((sum, k, i) => sum + trend(k)[r] * weighted[i][c], 0)));
    const fit = solve(gram.map((row) => row.slice(0, 3)), gram.map((row) => row.slice(3))).flat();
    const rest = weighted.map((row) => row[3] - row[0] * fit[0] - row[1] * fit[1] - row[2] * fit[2]);
    for (const k of missing) {
      const base = trend(k).reduce((sum, v, i) => sum + v * fit[i], 0);
      filled[2 * t * joints + k] = known.reduce((sum, other, i) => sum + covariance[k][other] * rest[i], base);
    }
  }
  return filled;
}
