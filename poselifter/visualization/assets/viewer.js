// The page's program. Tracks are in camera axes (x right, y down, z forward);
// the scene is y up: (x, -y, -z), metres, floor at 0.
import * as THREE from 'three';
import { OrbitControls } from 'three/controls';

const $ = (id) => document.getElementById(id);
const data = JSON.parse($('data').textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// ---- data ------------------------------------------------------------------------------------------------------

function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), (v) => v * packed.unit);
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
    const share = Math.max(time - frame, 0);
    for (let k = 0, a = row * this.width, b = next * this.width; k < this.width; k++, a++, b++) {
      this.out[k] = this.values[a] * (1 - share) + this.values[b] * share;
    }
    return this.out;
  }

  /** Calls visit(x, y, z) for every point. */
  each(visit) {
    for (let k = 0; k < this.values.length; k += 3) visit(this.values[k], this.values[k + 1], this.values[k + 2]);
  }
}

// ---- what stands in the scene: anything with `group`, `update(time)`, `paint()` ----------------------------------

/** A skeleton of balls and rods. `place(time)` gives the scene position of its root. */
class Figure {
  constructor(series, skeleton, thickness, ghost) {
    this.series = series;
    this.skeleton = skeleton;
    this.thickness = thickness * (ghost ? 0.8 : 1);
    this.ghost = ghost;
    this.points = skeleton.joints.map(() => new THREE.Vector3());
    const material = new THREE.MeshStandardMaterial({
      roughness: 0.5, transparent: ghost, opacity: ghost ? 0.55 : 1,
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

/** One track: the figure, its ground truth, where they stand. */
class Person {
  constructor(track, thickness) {
    this.id = track.id;
    this.shown = true;
    this.pose = new Series(track.keypoints_3d, track.frames);
    this.root = track.root_3d && new Series(track.root_3d, track.frames);
    this.flat = track.keypoints_2d && new Series(track.keypoints_2d, track.frames);
    const truth = track.truth_3d && new Series(track.truth_3d, track.frames);
    this.figure = new Figure(this.pose, data.skeleton_3d, thickness, false);
    this.ghost = truth && new Figure(truth, data.skeleton_3d, thickness, true);
    this.figures = this.ghost ? [this.figure, this.ghost] : [this.figure];
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

  update(time) {
    const origin = this.shown ? this.origin(time) : null;
    for (const figure of this.figures) figure.update(time, origin);
    if (this.ghost && !pressed('truth')) this.ghost.group.visible = false;
  }
}

/** Stands the persons on one floor: by their root, or side by side where no root is known. Returns the box of all. */
function placePersons(persons) {
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

function makeFloor(reach, cell) {
  const lines = new THREE.ShaderMaterial({
    transparent: true,
    depthWrite: false,
    uniforms: { tint: { value: new THREE.Color() }, reach: { value: reach }, cell: { value: cell }, middle: { value: new THREE.Vector2() } },
    vertexShader: `varying vec2 at; void main() {
      vec4 world = modelMatrix * vec4(position, 1.0); at = world.xz; gl_Position = projectionMatrix * viewMatrix * world; }`,
    fragmentShader: `varying vec2 at; uniform vec3 tint; uniform float reach; uniform float cell; uniform vec2 middle;
      void main() {
        vec2 grid = at / cell, wide = fwidth(grid) * 1.1, off = abs(fract(grid - 0.5) - 0.5);
        vec2 hit = (1.0 - smoothstep(wide * 0.4, wide * 1.4, off)) * clamp(1.6 - wide * 3.0, 0.0, 1.0);
        float fade = smoothstep(reach, reach * 0.15, distance(at, middle));
        gl_FragColor = vec4(tint, max(hit.x, hit.y) * fade);
        #include <colorspace_fragment>
      }`,
  });
  const shade = new THREE.ShadowMaterial({ opacity: 0.22, depthWrite: false });
  const group = new THREE.Group();
  for (const material of [shade, lines]) {
    const plane = new THREE.Mesh(new THREE.PlaneGeometry(reach * 2, reach * 2).rotateX(-Math.PI / 2), material);
    plane.receiveShadow = material === shade;
    group.add(plane);
  }
  group.paint = () => lines.uniforms.tint.value.set(colour('line'));
  return group;
}

// ---- the scene -------------------------------------------------------------------------------------------------

const pressed = (id) => $(id).getAttribute('aria-pressed') === 'true';
const persons = data.tracks.map((track) => new Person(track, data.thickness));
const box = placePersons(persons);
const ball = box.getBoundingSphere(new THREE.Sphere());
ball.radius = Math.max(ball.radius, 0.1);
const cell = 0.5 * 2 ** Math.max(Math.ceil(Math.log2(ball.radius / 4)), 0);

let renderer;
try {
  renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
} catch (error) {
  document.body.insertAdjacentHTML('beforeend', '<p class="notice">This browser has no WebGL, which the 3D view needs.</p>');
  throw error;
}
renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
renderer.shadowMap.enabled = true;
renderer.shadowMap.type = THREE.VSMShadowMap;
$('stage').append(renderer.domElement);

const scene = new THREE.Scene();
const camera = new THREE.PerspectiveCamera(30, 1, ball.radius / 50, ball.radius * 60);
const controls = new OrbitControls(camera, renderer.domElement);
controls.enableDamping = true;
controls.maxPolarAngle = Math.PI * 0.56;
controls.minDistance = ball.radius * 0.4;
controls.maxDistance = ball.radius * 14;

const sun = new THREE.DirectionalLight(0xffffff, 2.4);
sun.position.set(-0.6, 2.2, 1.1).multiplyScalar(ball.radius * 2).add(ball.center);
sun.target.position.copy(ball.center);
sun.castShadow = true;
sun.shadow.mapSize.set(1024, 1024);
sun.shadow.radius = 5;
sun.shadow.bias = -0.0005;
Object.assign(sun.shadow.camera, {
  left: -ball.radius * 1.3, right: ball.radius * 1.3, top: ball.radius * 1.3, bottom: -ball.radius * 1.3,
  near: ball.radius * 0.5, far: ball.radius * 9,
});
const floor = makeFloor(Math.max(ball.radius * 3.2, 2), cell);
scene.add(new THREE.HemisphereLight(0xffffff, 0x8794ab, 1.9), sun, sun.target, floor);
for (const person of persons) scene.add(...person.figures.map((figure) => figure.group));

// ---- time ------------------------------------------------------------------------------------------------------

const first = Math.min(...data.tracks.map((track) => track.frames[0]));
const last = Math.max(...data.tracks.map((track) => track.frames.at(-1)));
let time = first, playing = false, dirty = true, before = null, anchor = null;

function seek(to) {
  time = Math.min(Math.max(to, first), last);
  dirty = true;
}

function play(on) {
  playing = on && last > first;
  if (!playing) seek(Math.round(time));
  else if (time >= last) seek(first);
  before = null;
  $('play').classList.toggle('playing', playing);
  $('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
}

function advance(now) {
  const passed = before === null ? 0 : Math.min((now - before) / 1000, 0.25);
  before = now;
  const to = time + passed * data.fps * Number($('speed').value);
  if (to < last) seek(to);
  else if (pressed('loop')) seek(first);
  else { seek(last); play(false); }
}

function follow() {
  const person = persons.find((p) => p.shown && p.root && p.figure.group.visible);
  const place = person && pressed('follow') ? person.origin(time).setY(0) : null;
  if (place && anchor) {
    const step = place.clone().sub(anchor);
    camera.position.add(step);
    controls.target.add(step);
  }
  anchor = place;
}

function resetView() {
  const aspect = camera.aspect, half = THREE.MathUtils.degToRad(camera.fov / 2);
  // what a followed person needs, not the whole way
  const radius = persons.some((p) => p.root) && pressed('follow') ? Math.min(ball.radius, data.thickness * 60) : ball.radius;
  const room = Math.min(1, aspect * 1.1) * 0.86; // the bars above and below take some
  const distance = radius / Math.sin(half) / room;
  const person = persons.find((p) => p.figure.group.visible);
  controls.target.copy(ball.center);
  anchor = person?.root && pressed('follow') ? person.origin(time).setY(0) : null;
  if (anchor) controls.target.set(anchor.x, Math.min(ball.center.y, radius * 0.9), anchor.z);
  controls.target.y *= 0.88;
  camera.position.setFromSphericalCoords(distance, THREE.MathUtils.degToRad(78), THREE.MathUtils.degToRad(35)).add(controls.target);
  dirty = true;
}

// ---- words over the scene --------------------------------------------------------------------------------------

function onScreen(point) {
  const seen = point.clone().project(camera);
  return { x: (seen.x + 1) / 2 * innerWidth, y: (1 - seen.y) / 2 * innerHeight, behind: seen.z > 1 };
}

function drawLabels() {
  const words = [];
  for (const person of persons.filter((p) => p.figure.group.visible)) {
    const { points } = person.figure;
    if (pressed('names')) points.forEach((point, k) => words.push([point, data.skeleton_3d.joints[k], '']));
    if (persons.length > 1) {
      const top = points.reduce((a, b) => (b.y > a.y ? b : a)).clone();
      top.y += data.thickness * 7;
      words.push([top, `person ${person.id}`, 'person']);
    }
  }
  while ($('labels').children.length < words.length) $('labels').append(document.createElement('span'));
  [...$('labels').children].forEach((span, k) => {
    span.hidden = k >= words.length;
    if (span.hidden) return;
    const { x, y, behind } = onScreen(words[k][0]);
    span.hidden = behind;
    span.textContent = words[k][1];
    span.className = words[k][2];
    span.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(${words[k][2] ? '-50%' : '8px'}, -50%)`;
  });
}

function pointAt(event) {
  let best = { far: event.pointerType === 'touch' ? 26 : 15 };
  for (const person of event.buttons && event.pointerType !== 'touch' ? [] : persons.filter((p) => p.figure.group.visible)) {
    person.figure.points.forEach((point, k) => {
      const { x, y } = onScreen(point), far = Math.hypot(x - event.clientX, y - event.clientY);
      if (far < best.far) best = { far, x, y, k, person };
    });
  }
  $('tip').hidden = !best.person;
  if (!best.person) return;
  const values = best.person.pose.at(time).subarray(3 * best.k, 3 * best.k + 3);
  const name = document.createElement('b');
  name.textContent = data.skeleton_3d.joints[best.k];
  $('tip').replaceChildren(name, '\n' + ['x', 'y', 'z'].map((axis, i) => `${axis} ${values[i].toFixed(3)}`).join('  ') + ' m');
  $('tip').style.transform = `translate(${Math.min(best.x + 16, innerWidth - 190)}px, ${best.y + 14}px)`;
}
