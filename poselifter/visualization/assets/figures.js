// Objects of the scene. Tracks are in camera axes (x right, y down, z forward); the scene is
// y up: (x, -y, -z), metres, floor at 0. A thing that is drawn has `group`, `update(time, origin)`
// and `paint()`, which takes the theme's colours.
import * as THREE from 'three';

const theme = getComputedStyle(document.documentElement); // live: follows the light or dark scheme
export const colour = (name) => theme.getPropertyValue(`--${name}`).trim();

function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), (v) => (v === -32768 ? NaN : v * packed.unit));
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
class Figure {
  constructor(series, skeleton, thickness, ghost) {
    this.series = series;
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
      point.set(values[3 * k], -values[3 * k + 1], -values[3 * k + 2]).add(origin);
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
  constructor(packed, frames) {
    this.series = new Series(packed.bones, frames);
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
    const { array } = this.surface.attributes.position, { rest, near } = this, at = origin.toArray();
    for (let v = 0; v < rest.length; v += 3) {
      for (let axis = 0; axis < 3; axis++) {
        let sum = 0;
        for (let n = (v / 3) * near, end = n + near; n < end; n++) {
          const b = this.owners[n] * 12 + axis * 4;
          sum += this.weights[n] * (bones[b] * rest[v] + bones[b + 1] * rest[v + 1] + bones[b + 2] * rest[v + 2] + bones[b + 3]);
        }
        array[v + axis] = (axis ? -sum : sum) + at[axis];
      }
    }
    this.surface.attributes.position.needsUpdate = true;
    this.surface.computeVertexNormals();
  }
}

/** One track: the figure, its ground truth, where they stand. */
export class Person {
  constructor(track, skeleton, thickness) {
    this.id = track.id;
    this.shown = true;
    this.pose = new Series(track.keypoints_3d, track.frames);
    this.root = track.root_3d && new Series(track.root_3d, track.frames);
    this.flat = track.keypoints_2d && new Series(track.keypoints_2d, track.frames);
    const truth = track.truth_3d && new Series(track.truth_3d, track.frames);
    this.figure = new Figure(this.pose, skeleton, thickness, false);
    this.ghost = truth && new Figure(truth, skeleton, thickness, true);
    this.body = track.mesh && new Body(track.mesh, track.frames);
    this.figures = [this.figure, this.ghost].filter(Boolean);
    this.things = [...this.figures, this.body].filter(Boolean);
    this.shift = new THREE.Vector3(); // from (x, -y, -z) to the scene: puts the lowest point on the floor
  }

  origin(time) {
    if (!this.root) return this.shift.clone();
    const root = this.root.at(time);
    return root && new THREE.Vector3(root[0], -root[1], -root[2]).add(this.shift);
  }

  /** Box around all frames, in the scene. */
  bounds() {
    const box = new THREE.Box3(), point = new THREE.Vector3();
    for (const [frame, row] of this.pose.rows) {
      const origin = this.origin(frame);
      for (const { series: { values, width } } of this.figures) {
        for (let k = row * width; k < (row + 1) * width; k += 3) {
          box.expandByPoint(point.set(values[k], -values[k + 1], -values[k + 2]).add(origin));
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
    const { values } = this.pose;
    let side = 0, low = Infinity, high = -Infinity;
    for (let k = 0; k < values.length; k += 3) {
      side = Math.max(side, Math.hypot(values[k], values[k + 2]));
      low = Math.min(low, -values[k + 1]);
      high = Math.max(high, -values[k + 1]);
    }
    return { side, tall: high - low };
  }

  update(time, withTruth, withBody = true) {
    const origin = this.shown ? this.origin(time) : null;
    this.figure.update(time, origin);
    this.ghost?.update(time, withTruth ? origin : null);
    this.body?.update(time, withBody ? origin : null);
  }
}

/** Stands the persons on one floor: by their root, or side by side where no root is known. Returns the box of all. */
export function placePersons(persons) {
  const boxes = persons.map((person) => person.bounds());
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
  group.paint = (dark) => {
    lines.uniforms.tint.value.set(colour('line'));
    shade.opacity = dark ? 0.5 : 0.2;
  };
  return group;
}
