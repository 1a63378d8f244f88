// Objects of the scene. Tracks are in camera axes (x right, y down, z forward); the scene is y up, metres,
// floor at 0: a `Stance` turns the one into the other. A thing that is drawn has `group`,
// `update(time, origin)` and `paint()`, which takes the theme's colours.
import * as THREE from 'three';

const theme = getComputedStyle(document.documentElement); // live: follows the light or dark scheme
export const colour = (name) => theme.getPropertyValue(`--${name}`).trim();

export function decode(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = binary.charCodeAt(k);
  return bytes;
}

function unpack(packed) {
  const bytes = decode(packed.data);
  return Float32Array.from(new Int16Array(bytes.buffer), (v) => (v === -32768 ? NaN : v * packed.unit));
}

/** How the camera stands in the scene: with the world known its place, else level, somewhere. */
export class Stance {
  constructor(world) { // rows of camera to world (z up), 3 x 4
    const rows = world ? [world[0], world[2], world[1].map((v) => -v)] : [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0]];
    this.turn = rows.flatMap((row) => row.slice(0, 3));
    this.place = new THREE.Vector3(...rows.map((row) => row[3]));
    this.known = Boolean(world);
  }

  /** Turns a point of three numbers from `values[at]` on into `out`. */
  apply(values, at, out) {
    const [x, y, z] = [values[at], values[at + 1], values[at + 2]], r = this.turn;
    return out.set(r[0] * x + r[1] * y + r[2] * z, r[3] * x + r[4] * y + r[5] * z, r[6] * x + r[7] * y + r[8] * z);
  }
}

/** Values of a track over time; `at` mixes neighbouring frames, which keeps slow motion smooth. */
class Series {
  constructor(packed, frames) {
    this.values = unpack(packed);
    this.width = this.values.length / frames.length;
    this.rows = new Map(frames.map((frame, row) => [frame, row]));
    this.out = new Float32Array(this.width);
  }

  at(time) {
    const frame = Math.floor(time + 1e-6);
    const row = this.rows.get(frame);
    if (row === undefined) return null;
    const next = this.rows.get(frame + 1) ?? row;
    const fraction = Math.max(time - frame, 0);
    for (let k = 0, a = row * this.width, b = next * this.width; k < this.width; k++, a++, b++) {
      this.out[k] = this.values[a] * (1 - fraction) + this.values[b] * fraction;
    }
    return this.out;
  }
}

/** A skeleton of balls and rods. */
export class Figure {
  constructor(series, skeleton, thickness, ghost, stance) {
    this.series = series;
    this.stance = stance;
    this.skeleton = skeleton;
    this.thickness = thickness * (ghost ? 0.8 : 1);
    this.ghost = ghost;
    this.points = skeleton.joints.map(() => new THREE.Vector3());
    const material = new THREE.MeshStandardMaterial({
      roughness: 0.55, transparent: ghost, opacity: ghost ? 0.55 : 1,
    });
    this.balls = new THREE.InstancedMesh(new THREE.SphereGeometry(1, 24, 16), material, skeleton.joints.length);
    this.rods = new THREE.InstancedMesh(new THREE.CylinderGeometry(1, 1, 1, 20, 1, true), material, skeleton.edges.length);
    this.group = new THREE.Group();
    for (const mesh of [this.balls, this.rods]) {
      mesh.frustumCulled = false;
      mesh.castShadow = !ghost;
      this.group.add(mesh);
    }
  }

  paint() {
    const tint = (side) => new THREE.Color(colour(this.ghost ? 'truth' : side));
    this.skeleton.sides.forEach((side, k) => this.balls.setColorAt(k, tint(side)));
    this.skeleton.edgeSides.forEach((side, k) => this.rods.setColorAt(k, tint(side)));
    this.balls.instanceColor.needsUpdate = this.rods.instanceColor.needsUpdate = true;
  }

  update(time, origin) {
    const values = this.series.at(time);
    this.group.visible = values !== null && origin !== null;
    if (!this.group.visible) return;
    const matrix = new THREE.Matrix4(), turn = new THREE.Quaternion(), size = new THREE.Vector3();
    const along = new THREE.Vector3(), middle = new THREE.Vector3(), up = new THREE.Vector3(0, 1, 0);
    this.points.forEach((point, k) => {
      this.stance.apply(values, 3 * k, point).add(origin);
      size.setScalar(this.thickness * 1.32);
      this.balls.setMatrixAt(k, matrix.compose(point, turn, size));
    });
    this.skeleton.edges.forEach(([a, b], k) => {
      along.subVectors(this.points[b], this.points[a]);
      const length = along.length();
      turn.setFromUnitVectors(up, length > 1e-9 ? along.divideScalar(length) : up);
      middle.addVectors(this.points[a], this.points[b]).multiplyScalar(0.5);
      this.rods.setMatrixAt(k, matrix.compose(middle, turn, size.set(this.thickness, length, this.thickness)));
    });
    this.balls.instanceMatrix.needsUpdate = this.rods.instanceMatrix.needsUpdate = true;
  }
}

/** A skinned body: the same surface at rest, and where its bones take it. */
class Body {
  constructor(packed, frames, stance) {
    this.series = new Series(packed.bones, frames);
    this.stance = stance;
    [this.rest, this.owners, this.weights] = ['vertices', 'owners', 'weights'].map((key) => unpack(packed[key]));
    this.near = this.owners.length / (this.rest.length / 3);
    this.surface = new THREE.BufferGeometry();
    this.surface.setAttribute('position', new THREE.BufferAttribute(new Float32Array(this.rest.length), 3));
    this.surface.setIndex(new THREE.BufferAttribute(Uint16Array.from(unpack(packed.faces)), 1));
    this.group = new THREE.Mesh(this.surface, new THREE.MeshStandardMaterial({ roughness: 0.6, transparent: true, opacity: 0.9 }));
    this.group.frustumCulled = false;
    this.group.castShadow = true;
  }

  paint() {
    this.group.material.color.set(colour('body'));
  }

  update(time, origin) {
    const bones = this.series.at(time);
    this.group.visible = bones !== null && origin !== null;
    if (!this.group.visible) return;
    const { array } = this.surface.attributes.position, { rest, near } = this;
    const seen = [0, 0, 0], point = new THREE.Vector3();
    for (let v = 0; v < rest.length; v += 3) {
      for (let axis = 0; axis < 3; axis++) {
        let sum = 0;
        for (let n = (v / 3) * near, end = n + near; n < end; n++) {
          const b = this.owners[n] * 12 + axis * 4;
          sum += this.weights[n] * (bones[b] * rest[v] + bones[b + 1] * rest[v + 1] + bones[b + 2] * rest[v + 2] + bones[b + 3]);
        }
        seen[axis] = sum;
      }
      this.stance.apply(seen, 0, point).add(origin).toArray(array, v);
    }
    this.surface.attributes.position.needsUpdate = true;
    this.surface.computeVertexNormals();
  }
}

/** Spheres around joints, as large as the standard deviation of their places. */
class Doubt {
  constructor(packed, frames, figure) {
    this.series = new Series(packed, frames);
    this.figure = figure;
    const material = new THREE.MeshBasicMaterial({ transparent: true, opacity: 0.16, depthWrite: false });
    this.group = new THREE.InstancedMesh(new THREE.SphereGeometry(1, 16, 12), material, figure.points.length);
    this.group.frustumCulled = false;
  }

  paint() {
    this.group.material.color.set(colour('muted'));
  }

  update(time, origin) {
    const values = this.series.at(time), matrix = new THREE.Matrix4();
    this.group.visible = values !== null && origin !== null;
    if (!this.group.visible) return;
    this.figure.points.forEach((point, k) => {
      this.group.setMatrixAt(k, matrix.makeScale(values[k], values[k], values[k]).setPosition(point));
    });
    this.group.instanceMatrix.needsUpdate = true;
  }
}

const ANKLE = 0.09; // metres over the sole, and a little more

/** Discs under feet that stand, left and right. */
class Steps {
  constructor(packed, frames, figure, joints) {
    this.series = new Series(packed, frames);
    this.figure = figure;
    this.ankles = ['left_ankle', 'right_ankle'].map((name) => joints.indexOf(name));
    this.group = new THREE.Group();
    for (const side of ['left', 'right']) {
      const disc = new THREE.Mesh(new THREE.RingGeometry(0.06, 0.1, 32).rotateX(-Math.PI / 2), new THREE.MeshBasicMaterial({ transparent: true, opacity: 0.8 }));
      disc.name = side;
      this.group.add(disc);
    }
  }

  paint() {
    for (const disc of this.group.children) disc.material.color.set(colour(disc.name));
  }

  update(time, origin) {
    const values = this.series.at(Math.round(time));
    this.group.visible = values !== null && origin !== null;
    if (!this.group.visible) return;
    this.group.children.forEach((disc, k) => {
      disc.visible = Math.max(values[2 * k], values[2 * k + 1]) > 0.5;
      const { x, y, z } = this.figure.points[this.ankles[k]];
      disc.position.set(x, Math.max(y - ANKLE, 0.004), z); // a foot may stand on a roof
    });
  }
}

const TRAILS = ['left_wrist', 'right_wrist', 'left_ankle', 'right_ankle'];
const LASTS = 1.2; // seconds
const PATH_LASTS = 10;

/** The way of the root along the ground, and the last moments of hands and feet. */
class Trails {
  constructor(person, skeleton, fps) {
    this.rows = person.pose.rows;
    this.group = new THREE.Group();
    const names = TRAILS.filter((name) => skeleton.joints.includes(name)), point = new THREE.Vector3();
    this.lengths = [PATH_LASTS, ...names.map(() => LASTS)].map((seconds) => Math.round(seconds * fps));
    const path = this.add('centre', 0.45);
    const others = names.map((name) => [skeleton.joints.indexOf(name), this.add(name.split('_')[0], 0.9)]);
    for (const [frame, row] of this.rows) {
      const origin = person.origin(frame);
      point.copy(origin).setY(0.003).toArray(path, 3 * row);
      for (const [joint, array] of others) {
        person.stance.apply(person.pose.values, row * person.pose.width + 3 * joint, point).add(origin).toArray(array, 3 * row);
      }
    }
  }

  add(side, opacity) {
    const geometry = new THREE.BufferGeometry(), array = new Float32Array(3 * this.rows.size);
    geometry.setAttribute('position', new THREE.BufferAttribute(array, 3));
    const line = new THREE.Line(geometry, new THREE.LineBasicMaterial({ transparent: true, opacity }));
    line.name = side;
    line.frustumCulled = false;
    this.group.add(line);
    return array;
  }

  paint() {
    for (const line of this.group.children) line.material.color.set(colour(line.name));
  }

  update(time, origin) {
    const row = this.rows.get(Math.round(time));
    this.group.visible = row !== undefined && origin !== null;
    this.group.children.forEach((line, k) => {
      const start = Math.max(row - this.lengths[k], 0);
      line.geometry.setDrawRange(start, row - start + 1);
    });
  }
}

/** One track: the figure, its ground truth, where they stand; extras are made by `dress` when it has its place. */
export class Person {
  constructor(track, data, stance) {
    const { skeleton_3d: skeleton } = track, { thickness } = data;
    this.id = track.id;
    this.skeleton = skeleton;
    this.aside = new THREE.Vector3(); // of a second result, beside the first
    this.track = track;
    this.shown = true;
    this.stance = stance;
    this.pose = new Series(track.keypoints_3d, track.frames);
    this.root = track.root_3d && new Series(track.root_3d, track.frames);
    this.flat = track.keypoints_2d && new Series(track.keypoints_2d, track.frames);
    const truth = track.truth_3d && new Series(track.truth_3d, track.frames);
    this.figure = new Figure(this.pose, skeleton, thickness, false, stance);
    this.ghost = truth && new Figure(truth, skeleton, thickness, true, stance);
    this.body = track.mesh && new Body(track.mesh, track.frames, stance);
    this.figures = [this.figure, this.ghost].filter(Boolean);
    this.shift = stance.place.clone(); // from the turned camera axes to the scene
    this.extras = {};
  }

  dress(data) {
    const { track, figure } = this, { frames } = track;
    if (this.root) this.extras.trails = new Trails(this, this.skeleton, data.fps);
    if (track.contacts) this.extras.steps = new Steps(track.contacts, frames, figure, this.skeleton.joints);
    if (track.uncertainty) this.extras.doubt = new Doubt(track.uncertainty, frames, figure);
    this.things = [...this.figures, this.body, ...Object.values(this.extras)].filter(Boolean);
  }

  origin(time) {
    if (!this.root) return this.shift.clone();
    const root = this.root.at(time);
    return root && this.stance.apply(root, 0, new THREE.Vector3()).add(this.shift);
  }

  /** Box around all frames, in the scene. */
  bounds() {
    const box = new THREE.Box3(), point = new THREE.Vector3();
    for (const [frame, row] of this.pose.rows) {
      const origin = this.origin(frame);
      for (const { series: { values, width } } of this.figures) {
        for (let k = row * width; k < (row + 1) * width; k += 3) {
          box.expandByPoint(this.stance.apply(values, k, point).add(origin));
        }
      }
    }
    return box;
  }

  get visible() {
    return this.figure.group.visible;
  }

  /** Extent of the pose from its root: sideways, and from lowest to highest. */
  reach() {
    const { values } = this.pose, point = new THREE.Vector3();
    let side = 0, low = Infinity, high = -Infinity;
    for (let k = 0; k < values.length; k += 3) {
      this.stance.apply(values, k, point);
      side = Math.max(side, Math.hypot(point.x, point.z));
      low = Math.min(low, point.y);
      high = Math.max(high, point.y);
    }
    return { side, tall: high - low };
  }

  /** Draws a moment; `on` tells which of truth, body and extras are wanted. */
  update(time, on) {
    const aside = on.aside ? this.aside : new THREE.Vector3();
    const origin = this.shown ? this.origin(time)?.add(aside) ?? null : null;
    this.extras.trails?.group.position.copy(aside);
    this.figure.update(time, origin);
    this.ghost?.update(time, on.truth ? origin : null);
    this.body?.update(time, on.body ? origin : null);
    for (const [name, extra] of Object.entries(this.extras)) extra.update(time, on[name] ? origin : null);
  }
}

/** Moves the persons of each further result to the right of those before. */
export function setAside(persons, box) {
  const width = (box.max.x - box.min.x) * 1.1 + 0.3;
  for (const person of persons) person.aside.set(person.track.result * width, 0, 0);
}

/** Stands the persons on one floor: by their root, or side by side where no root is known. Returns the box of all. */
export function placePersons(persons) {
  const boxes = persons.map((person) => person.bounds());
  if (persons[0].stance.known && persons[0].root) return boxes.reduce((sum, box) => sum.union(box), new THREE.Box3());
  const all = boxes.reduce((sum, box) => sum.union(box), new THREE.Box3());
  const centre = all.getCenter(new THREE.Vector3());
  let left = 0;
  persons.forEach((person, k) => {
    const width = boxes[k].max.x - boxes[k].min.x;
    if (person.root) person.shift.set(-centre.x, -all.min.y, -centre.z);
    else person.shift.set(persons.length > 1 ? left - boxes[k].min.x : 0, -boxes[k].min.y, 0);
    left += width * 1.2;
  });
  return persons.reduce((sum, person) => sum.union(person.bounds()), new THREE.Box3());
}

export function makeFloor(reach, cell) {
  const lines = new THREE.ShaderMaterial({
    transparent: true,
    depthWrite: false,
    uniforms: { tint: { value: new THREE.Color() }, reach: { value: reach }, cell: { value: cell }, middle: { value: new THREE.Vector2() } },
    vertexShader: `varying vec2 at; void main() {
      vec4 world = modelMatrix * vec4(position, 1.0); at = world.xz; gl_Position = projectionMatrix * viewMatrix * world; }`,
    fragmentShader: `varying vec2 at; uniform vec3 tint; uniform float reach; uniform float cell; uniform vec2 middle;
      void main() {
        vec2 grid = at / cell, wide = fwidth(grid), off = abs(fract(grid - 0.5) - 0.5);
        vec2 hit = (1.0 - smoothstep(wide * 0.2, wide * 1.1, off)) * clamp(1.6 - wide * 3.0, 0.0, 1.0);
        float fade = smoothstep(reach, reach * 0.15, distance(at, middle));
        gl_FragColor = vec4(tint, max(hit.x, hit.y) * fade);
        #include <colorspace_fragment>
      }`,
  });
  const shade = new THREE.ShadowMaterial({ depthWrite: false });
  const group = new THREE.Group();
  for (const material of [shade, lines]) {
    const plane = new THREE.Mesh(new THREE.PlaneGeometry(reach * 2, reach * 2).rotateX(-Math.PI / 2), material);
    plane.receiveShadow = material === shade;
    group.add(plane);
  }
  group.place = ({ x, z }) => {
    group.position.set(x, 0, z);
    lines.uniforms.middle.value.set(x, z);
  };
  group.paint = (dark) => {
    lines.uniforms.tint.value.set(colour('line'));
    shade.opacity = dark ? 0.5 : 0.2;
  };
  return group;
}
