// One person in pictures, as poselifter/detection/blazepose.py and regions.py have it (Bazarevsky et al., BlazePose, 2020).
// A region is [x, y, side, angle]: centre and side in pixels, and the angle by which its upward direction is turned.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** The region around a person of the middle of the hips and the top of the circle around it. */
function regionOf([x, y], [topX, topY], enlarged) {
  return [x, y, 2 * enlarged * Math.hypot(topX - x, topY - y), Math.atan2(topX - x, y - topY)];
}

/** A point of a region, in [0, 1], as a pixel of the picture. */
function toPicture([u, v], [x, y, side, angle]) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)], [a, b] = [(u - 0.5) * side, (v - 0.5) * side];
  return [c * a - s * b + x, s * a + c * b + y];
}

/** Squares in which persons are looked for: the whole picture, then smaller ones. */
function tilesOf([width, height], { tile }) {
  const side = tile * Math.min(width, height);
  const places = (n) => {
    const count = Math.ceil((n - side) / (0.6 * side)) + 1;
    return Array.from({ length: count }, (_, k) => side / 2 + (count > 1 ? (k * (n - side)) / (count - 1) : 0));
  };
  const small = places(height).flatMap((y) => places(width).map((x) => [x, y, side, 0]));
  return [[width / 2, height / 2, Math.max(width, height), 0], ...small];
}

/** A region of a picture as (size, size, 3) numbers value / scale - shift, sampled bilinearly; 0 is outside. */
function cut({ data, width, height }, region, size, scale, shift) {
  const [right, below] = [[1.5, 0.5], [0.5, 1.5]], corner = toPicture([0.5 / size, 0.5 / size], region);
  const [across, down] = [right, below].map((p) => toPicture([p[0] / size, p[1] / size], region).map((v, k) => v - corner[k]));
  const numbers = new Float32Array(3 * size * size);
  for (let row = 0, k = 0; row < size; row++) {
    for (let column = 0; column < size; column++, k += 3) {
      const x = corner[0] + column * across[0] + row * down[0] - 0.5, y = corner[1] + column * across[1] + row * down[1] - 0.5;
      const left = Math.floor(x), top = Math.floor(y);
      let [r, g, b] = [0, 0, 0];
      for (let v = Math.max(top, 0); v <= Math.min(top + 1, height - 1); v++) {
        for (let u = Math.max(left, 0); u <= Math.min(left + 1, width - 1); u++) {
          const weight = (1 - Math.abs(x - u)) * (1 - Math.abs(y - v)), from = 4 * (v * width + u);
          r += weight * data[from];
          g += weight * data[from + 1];
          b += weight * data[from + 2];
        }
      }
      numbers[k] = r / scale - shift;
      numbers[k + 1] = g / scale - shift;
      numbers[k + 2] = b / scale - shift;
    }
  }
  return numbers;
}

export class Detector {
  /**
   * A detector of the facts of the folder and two networks, `find` and `place`, that take an array and its dimensions
   * and give arrays by name.
   */
  constructor(facts, { find, place }) {
    this.facts = facts;
    this.networks = { find, place };
    this.forget();
  }

  /** Begins anew: nobody is followed. */
  forget() {
    Object.assign(this, { region: null, lost: null, seen: -Infinity, searched: -Infinity });
  }

  /** Joints [x, y, visibility] of the person who is followed, or null; `image` has data (RGBA), width and height. */
  async step(image, time) {
    const size = [image.width, image.height], { present, search, memory, wider } = this.facts;
    if (this.region) {
      const person = await this.place(image, this.region);
      if (person.presence >= present) return this.keep(person, time);
      [this.lost, this.region] = [this.region, null];
    }
    const parts = this.lost && time - this.seen <= memory ? [[[this.lost[0], this.lost[1], wider * this.lost[2], 0]]] : [];
    if (time - this.searched >= search - 1e-6) {
      this.searched = time;
      const [whole, ...small] = tilesOf(size, this.facts);
      parts.push([whole], small); // who is large is found at once
    }
    for (const tiles of parts) {
      const candidates = [];
      for (const tile of tiles) candidates.push(...await this.find(image, tile));
      const largest = this.pickBest(candidates).sort((a, b) => b[2] - a[2]);
      for (const region of largest) {
        const person = await this.place(image, region);
        if (person.presence >= present) return this.keep(person, time);
      }
    }
    return null;
  }

  keep(person, time) {
    [this.region, this.seen] = [person.region, time];
    return person.joints;
  }

  /** Candidates in a square: [score, region], several on one person. */
  async find(image, tile) {
    const { side, likely, anchors, enlarged } = this.facts;
    const { scores, boxes } = await this.networks.find(cut(image, tile, side, 127.5, 1), [1, side, side, 3]);
    const found = [];
    anchors.forEach(([ax, ay], k) => {
      const score = sigmoid(scores[k]), at = 12 * k;
      if (!(score > likely)) return;
      const point = (from) => toPicture([boxes[from] / side + ax, boxes[from + 1] / side + ay], tile);
      found.push([score, regionOf(point(at + 4), point(at + 6), enlarged)]);
    });
    return found;
  }

  /** Landmarks of the person in a region. */
  async place(image, region) {
    const { crop, hips, top, enlarged } = this.facts;
    const { landmarks, presence } = await this.networks.place(cut(image, region, crop, 255, 0), [1, crop, crop, 3]);
    const point = (k) => toPicture([landmarks[5 * k] / crop, landmarks[5 * k + 1] / crop], region);
    const joints = Array.from({ length: hips }, (_, k) => [...point(k), sigmoid(landmarks[5 * k + 3])]);
    return { joints, presence: presence[0], region: regionOf(point(hips), point(top), enlarged) };
  }

  /** Candidates on one person joined: non-maximum suppression, weighted by the scores. */
  pickBest(candidates) {
    let left = [...candidates].sort((a, b) => b[0] - a[0]);
    const picked = [];
    while (left.length) {
      const best = left[0][1], near = ([, region]) => Math.hypot(region[0] - best[0], region[1] - best[1]) < this.facts.near * best[2];
      const group = left.filter(near), total = group.reduce((sum, [score]) => sum + score, 0), turn = 2 * Math.PI;
      const mean = (values) => group.reduce((sum, [score, region]) => sum + score * values(region), 0) / total;
      const angle = (region) => best[3] + ((((region[3] - best[3] + Math.PI) % turn) + turn) % turn) - Math.PI;
      picked.push([...[0, 1, 2].map((axis) => mean((region) => region[axis])), mean(angle)]);
      left = left.filter((candidate) => !near(candidate));
    }
    return picked;
  }
}
