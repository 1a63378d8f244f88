// Keypoints of one person to 3D poses, as poselifter/apis/prediction.py has it for an exported model.
import { fillMissing } from './fill.js';
import { OneEuroFilter, interpolate, smooth } from './signals.js';

/** Rows of joints with `channels` numbers each as weighted sums of others, and the scores of each. */
function convert(values, channels, { parts, mean_scores }, scores = null) {
  const sources = values.length / channels, mixed = new Float64Array(parts.length * channels), sums = new Float64Array(parts.length);
  parts.forEach((part, k) => {
    let lowest = part.length ? Infinity : 0, mean = 0, total = 0;
    for (const [j, weight] of part) {
      if (j >= sources) throw new Error(`keypoints have ${sources} joints, joint ${j + 1} is needed`);
      for (let c = 0; c < channels; c++) mixed[k * channels + c] += weight * values[j * channels + c];
      if (!scores) continue;
      lowest = Math.min(lowest, scores[j]);
      mean += Math.abs(weight) * scores[j];
      total += Math.abs(weight);
    }
    sums[k] = mean_scores[k] && lowest > 0 ? mean / total : lowest;
  });
  return { values: mixed, scores: sums };
}

/** Numbers of joints mirrored: the first channel negated, left and right exchanged. */
function mirror(values, channels, order) {
  const mirrored = new Float32Array(values.length), joints = order.length;
  for (let t = 0; t < values.length / (joints * channels); t++) {
    order.forEach((other, j) => {
      const to = (t * joints + j) * channels, from = (t * joints + other) * channels;
      for (let c = 0; c < channels; c++) mirrored[to + c] = c ? values[from + c] : -values[from];
    });
  }
  return mirrored;
}

/** Windows of a sequence (WindowPolicy.cut): for each the frames that it shows, and frame and weight of its outputs. */
export function cutWindows(frames, { length, stride, outputs, dilation, lead, tail, merge }) {
  const beyond = Math.max(frames - outputs, 0);
  const count = tail === 'centre' ? Math.ceil(frames / stride) : Math.ceil(beyond / stride) + 1;
  const before = tail === 'centre' ? Math.floor((count * stride - frames) / 2) : 0, totals = new Float64Array(frames);
  const windows = Array.from({ length: count }, (_, w) => {
    const start = w * stride - before, first = ['shift', 'drop'].includes(tail) ? Math.min(start, beyond) : start;
    const inputs = Array.from({ length }, (_, slot) => Math.min(Math.max(first + (slot - lead) * dilation, 0), frames - 1));
    const weights = Array.from({ length: outputs }, (_, slot) => (merge === 'blend' ? Math.min(slot + 1, outputs - slot) : 1));
    weights.forEach((weight, slot) => { if (first + slot >= 0 && first + slot < frames) totals[first + slot] += weight; });
    return { first, inputs, weights };
  });
  for (const { first, weights } of windows) weights.forEach((weight, slot) => { weights[slot] = weight / totals[first + slot] || 0; });
  return windows;
}

export class Lifter {
  /** A lifter of the facts of the folder and a network, `run(array, dims)` of which gives an array. */
  constructor(facts, run) {
    this.facts = facts;
    this.run = run;
    this.joints = facts.flip.length;
    this.rate = facts.model.fps;
  }

  /**
   * Poses (N, K, 3) of one person in metres, camera axes, relative to the root.
   *
   * `keypoints` holds N rows of joints [x, y, score] of a joint set `skeleton`, `times` their rising seconds, `fps` the
   * usual rate, `size` the width and height of the picture; `smoothing` in hertz, or null; `mirrored` lifts the mirror
   * image, too; `progress` is called with the part that is done.
   */
  async lift({ skeleton, size, fps, times, keypoints }, options = {}) {
    const { mirrored = this.facts.model.test.flip_test, smoothing = this.facts.smoothing, progress = () => {} } = options;
    const table = this.facts.conversions[skeleton], rate = this.rate || fps;
    if (!table) throw new Error(`keypoints of ${skeleton} cannot be lifted, expected one of ${Object.keys(this.facts.conversions).join(', ')}`);
    const rows = keypoints.map((joints) => convert(joints.flatMap(([x, y]) => [x, y]), 2, table, joints.map((joint) => joint[2])));
    const where = times.map((time) => time * rate), poses = [];
    for (let start = 0, stop; start < where.length; start = stop) {
      for (stop = start + 1; stop < where.length && where[stop] - where[stop - 1] <= this.facts.max_gap * rate;) stop++;
      const places = where.slice(start, stop).map((place) => place - where[start]);
      const clip = this.onGrid(rows.slice(start, stop), places, rate / fps);
      fillMissing(clip.points, clip.scores, rate, this.joints, this.facts.fill);
      const done = (part) => progress((start + part * (stop - start)) / where.length);
      const lifted = await this.overTime(this.encode(clip, size), clip.frames, mirrored, done);
      const width = lifted.length / clip.frames, calm = smooth(lifted, width, rate, smoothing);
      const result = [];
      for (let t = 0; t < clip.frames; t++) result.push(...convert(calm.subarray(t * width, (t + 1) * width), 3, this.facts.result).values);
      poses.push(interpolate(result, result.length / clip.frames, places, Array.from({ length: clip.frames }, (_, t) => t)));
    }
    return poses.flatMap((part) => [...part]);
  }

  /** Rows at places on a time axis as its frames 0, 1, ...; a frame between two rows without a gap is interpolated. */
  onGrid(rows, places, spacing) {
    const last = places.length - 1, frames = Math.ceil(places[last] - 1e-6) + 1, { joints } = this;
    const points = new Float64Array(frames * joints * 2), scores = new Float64Array(frames * joints), between = [];
    for (let t = 0, lower = 0; t < frames; t++) {
      while (lower < last && places[lower + 1] <= t + 1e-6) lower++;
      const upper = Math.min(lower + 1, last), apart = places[upper] - places[lower];
      if (Math.abs(t - places[lower]) < 1e-3 || t > places[last]) {
        points.set(rows[lower].values, t * joints * 2);
        scores.set(rows[lower].scores, t * joints);
      } else if (apart < 1.5 * spacing) {
        const part = (t - places[lower]) / apart;
        between.push(t);
        for (let j = 0; j < joints; j++) {
          const [a, b] = [rows[lower].scores[j], rows[upper].scores[j]];
          scores[t * joints + j] = a > 0 && b > 0 ? (1 - part) * a + part * b : 0;
        }
      }
    }
    for (let j = 0; between.length && j < joints; j++) {
      const seen = rows.map((_, row) => row).filter((row) => rows[row].scores[j] > 0);
      if (!seen.length) continue;
      const known = seen.flatMap((row) => [...rows[row].values.subarray(2 * j, 2 * j + 2)]);
      const filled = interpolate(known, 2, between, seen.map((row) => places[row]));
      between.forEach((t, k) => points.set(filled.subarray(2 * k, 2 * k + 2), (t * joints + j) * 2));
    }
    return { points, scores, frames };
  }

  /** What the network sees: x from -1 to 1 across the picture, y in the same unit, and perhaps the scores. */
  encode({ points, scores }, [width, height]) {
    const { confidence, keep_missing: kept } = this.facts, channels = confidence ? 3 : 2, inputs = new Float32Array(scores.length * channels);
    scores.forEach((score, k) => {
      if (score > 0 || kept) inputs.set([(points[2 * k] * 2) / width - 1, (points[2 * k + 1] * 2) / width - height / width], k * channels);
      if (confidence) inputs[k * channels + 2] = score;
    });
    return inputs;
  }

  /** Poses of all frames, those of overlapping windows and of the mirror image averaged. */
  async overTime(inputs, frames, mirrored, progress) {
    const { model, flip, flip_3d: flip3d, scale, root } = this.facts, windows = cutWindows(frames, model.window);
    const size = inputs.length / frames, channels = size / this.joints, width = flip3d.length * 3, { batch_size: batch } = model.test;
    const merged = new Float64Array(frames * width);
    const sources = mirrored ? [inputs, mirror(inputs, channels, flip)] : [inputs];
    for (let start = 0; start < windows.length; start += batch) {
      const part = windows.slice(start, start + batch), { length, outputs } = model.window;
      for (const source of sources) {
        const clips = new Float32Array(part.length * length * size);
        part.forEach((window, w) => window.inputs.forEach((frame, slot) => {
          clips.set(source.subarray(frame * size, (frame + 1) * size), (w * length + slot) * size);
        }));
        let poses = await this.run(clips, [part.length, length, this.joints, channels]);
        if (source !== inputs) poses = mirror(poses, 3, flip3d);
        part.forEach(({ first, weights }, w) => weights.forEach((weight, slot) => {
          const from = (w * outputs + slot) * width, to = (first + slot) * width, gain = weight / sources.length / scale;
          for (let k = 0; weight && k < width; k++) merged[to + k] += gain * poses[from + k];
        }));
      }
      progress(Math.min(start + batch, windows.length) / windows.length);
    }
    for (let t = 0; root !== null && t < frames; t++) merged.fill(0, t * width + 3 * root, t * width + 3 * root + 3);
    return merged;
  }
}

/** Frames a second of rising times, by the median step; undefined for one. */
export function usualRate(times) {
  const steps = times.slice(1).map((t, k) => t - times[k]).sort((a, b) => a - b), half = steps.length >> 1;
  return steps.length ? 2 / (steps[half] + steps[(steps.length - 1) >> 1]) : undefined;
}

/** Lifts the newest frame in the window that ends with it, as poselifter/apis/streaming.py does. */
export class Stream {
  constructor(lifter, skeleton, size) {
    Object.assign(this, { lifter, skeleton, size, rows: [], times: [], filter: new OneEuroFilter(lifter.facts.stream) });
  }

  /** Takes a frame; false where less than half of the joints are in the picture, or nobody is seen. */
  add(time, joints) {
    const [width, height] = this.size, { window, fps } = this.lifter.facts.model, rate = fps || 30;
    const inside = joints?.filter(([x, y]) => x >= 0 && y >= 0 && x <= width && y <= height).length;
    this.times = [...this.times.slice(-30), time];
    this.rows = this.rows.filter((row) => row.time > time - (window.length - 1) / rate - 0.5e-6 / rate);
    if (!(inside >= joints?.length / 2)) return false;
    this.rows.push({ time, joints });
    return true;
  }

  /** The pose (K, 3) of the frame that was taken last. */
  async pose() {
    const { time } = this.rows.at(-1), { facts } = this.lifter;
    const times = this.rows.map((row) => row.time - this.rows[0].time), keypoints = this.rows.map((row) => row.joints);
    const fps = Math.min(Math.max(usualRate(this.times) ?? (facts.model.fps || 30), 1), 1000);
    const poses = await this.lifter.lift({ skeleton: this.skeleton, size: this.size, fps, times, keypoints }, { mirrored: false, smoothing: null });
    if (time - (this.filter.time ?? time) > facts.max_gap) this.filter = new OneEuroFilter(facts.stream);
    return [...this.filter.call(poses.slice(-poses.length / keypoints.length), time)];
  }
}
