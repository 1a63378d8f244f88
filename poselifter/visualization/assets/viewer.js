// The page's program: the scene, time, words over the scene, buttons.
import * as THREE from 'three';
import { OrbitControls } from 'three/controls';
import { Person, colour, makeFloor, placePersons } from 'figures';

const $ = (id) => document.getElementById(id);
const data = JSON.parse($('data').textContent);

// ---- the scene -------------------------------------------------------------------------------------------------

const pressed = (id) => $(id).getAttribute('aria-pressed') === 'true';
const persons = data.tracks.map((track) => new Person(track, data.skeleton_3d, data.thickness));
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
renderer.shadowMap.type = THREE.PCFShadowMap;
$('stage').append(renderer.domElement);

const scene = new THREE.Scene();
const camera = new THREE.PerspectiveCamera(30, 1, ball.radius / 50, ball.radius * 60);
const controls = new OrbitControls(camera, renderer.domElement);
controls.enableDamping = true;
controls.maxPolarAngle = Math.PI * 0.56;
controls.minDistance = ball.radius * 0.4;
controls.maxDistance = ball.radius * 14;

const sun = new THREE.DirectionalLight(0xffffff, 1.7);
sun.position.set(-0.5, 2.2, 0.8).multiplyScalar(ball.radius * 2).add(ball.center);
sun.target.position.copy(ball.center);
sun.castShadow = true;
sun.shadow.mapSize.set(1024, 1024);
sun.shadow.radius = 4;
sun.shadow.bias = -0.0005;
Object.assign(sun.shadow.camera, {
  left: -ball.radius * 1.3, right: ball.radius * 1.3, top: ball.radius * 1.3, bottom: -ball.radius * 1.3,
  near: ball.radius * 0.5, far: ball.radius * 9,
});
const floor = makeFloor(Math.max(ball.radius * 3.2, 2), cell);
const lamp = new THREE.DirectionalLight(0xffffff, 0.9); // at the viewer's shoulder, so that no side is black
lamp.position.set(0.4, 0.5, 1);
camera.add(lamp);
scene.add(new THREE.HemisphereLight(0xffffff, 0xb9c3d4, 1.6), sun, sun.target, camera, floor);
for (const person of persons) scene.add(...person.things.map((thing) => thing.group));

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
  const person = persons.find((p) => p.shown && p.root && p.visible);
  const place = person && pressed('follow') ? person.origin(time).setY(0) : null;
  if (place && anchor) {
    const step = place.clone().sub(anchor);
    camera.position.add(step);
    controls.target.add(step);
  }
  anchor = place;
}

function resetView() {
  controls.enableDamping = false; // or a turn that has not ended yet would go on from the first view
  controls.update();
  controls.enableDamping = true;
  const person = persons.find((p) => p.visible && p.root);
  anchor = person && pressed('follow') ? person.origin(time).setY(0) : null;
  const size = box.getSize(new THREE.Vector3());
  const { side, tall } = anchor ? person.reach() : { side: Math.hypot(size.x, size.z) / 2, tall: size.y };
  const slope = Math.tan(THREE.MathUtils.degToRad(camera.fov / 2));
  const distance = Math.max(tall / 2 / slope / 0.66, side / slope / camera.aspect / 0.9, 0.2) + side;
  const azimuth = persons.length > 1 && !persons[0].root ? -12 : -35;
  controls.target.copy(anchor ?? box.getCenter(new THREE.Vector3())).setY(tall / 2);
  camera.position
    .setFromSphericalCoords(distance, THREE.MathUtils.degToRad(78), THREE.MathUtils.degToRad(azimuth))
    .add(controls.target);
  dirty = true;
}

// ---- words over the scene --------------------------------------------------------------------------------------

function onScreen(point) {
  const seen = point.clone().project(camera);
  return { x: (seen.x + 1) / 2 * innerWidth, y: (1 - seen.y) / 2 * innerHeight, behind: seen.z > 1 };
}

function drawLabels() {
  const words = [];
  for (const person of persons.filter((p) => p.visible)) {
    const { points } = person.figure;
    if (pressed('names')) points.forEach((point, k) => words.push([point, data.skeleton_3d.joints[k].replaceAll('_', ' '), '']));
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
  for (const person of event.buttons && event.pointerType !== 'touch' ? [] : persons.filter((p) => p.visible)) {
    person.figure.points.forEach((point, k) => {
      const { x, y } = onScreen(point), far = Math.hypot(x - event.clientX, y - event.clientY);
      if (far < best.far) best = { far, x, y, k, person };
    });
  }
  $('tip').hidden = !best.person;
  if (!best.person) return;
  const values = best.person.pose.at(time).subarray(3 * best.k, 3 * best.k + 3);
  const name = document.createElement('b');
  name.textContent = data.skeleton_3d.joints[best.k].replaceAll('_', ' ');
  $('tip').replaceChildren(name, '\n' + ['x', 'y', 'z'].map((axis, i) => `${axis} ${values[i].toFixed(3)}`).join('  ') + ' m');
  $('tip').style.transform = `translate(${Math.min(best.x + 16, innerWidth - 190)}px, ${best.y + 14}px)`;
}

function drawFlat() {
  const shown = persons.filter((p) => p.visible && p.flat);
  $('flat').hidden = !shown.length || !pressed('inset');
  if ($('flat').hidden) return;
  const canvas = $('flat').querySelector('canvas'), brush = canvas.getContext('2d');
  const [low, high] = data.window, size = [0, 1].map((i) => Math.max(high[i] - low[i], 1));
  const board = [480, Math.round(480 * Math.min(Math.max(size[1] / size[0], 0.6), 1.4))];
  [canvas.width, canvas.height] = board; // also wipes it
  const zoom = Math.min(board[0] / size[0], board[1] / size[1]) * 0.84;
  brush.lineCap = 'round';
  brush.lineWidth = 7;
  for (const person of shown) {
    const values = person.flat.at(Math.round(time)) ?? [];
    const spot = (k) => [0, 1].map((i) => (values[2 * k + i] - (low[i] + high[i]) / 2) * zoom + board[i] / 2);
    data.skeleton_2d.edges.forEach(([a, b], k) => { // a missing keypoint is NaN, and NaN draws nothing
      brush.strokeStyle = colour(data.skeleton_2d.edgeSides[k]);
      brush.beginPath();
      brush.moveTo(...spot(a));
      brush.lineTo(...spot(b));
      brush.stroke();
    });
  }
}

// ---- buttons, keys, theme --------------------------------------------------------------------------------------

const dark = matchMedia('(prefers-color-scheme: dark)');
const has = (name) => data.tracks.some((track) => track[name]);
$('truth').hidden = !has('truth_3d');
$('inset').hidden = !has('keypoints_2d');
$('body').hidden = !has('mesh');
$('follow').hidden = !has('root_3d');
$('scrub').min = first;
$('scrub').max = last;
$('metadata').textContent = `${data.metadata} · floor grid ${cell} m`;
$('follow').setAttribute('aria-pressed', persons.length === 1);
for (const [name, text] of [['left', 'left'], ['right', 'right'], ['centre', 'centre'], ['truth', 'ground truth']]) {
  if (name === 'truth' && !has('truth_3d')) continue;
  const item = document.createElement('li');
  item.textContent = text;
  item.style.setProperty('--colour', `var(--${name})`);
  $('legend').append(item);
}

function toggle(button, then = () => {}) {
  button.addEventListener('click', () => {
    button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') !== 'true');
    then(button.getAttribute('aria-pressed') === 'true');
    dirty = true;
  });
}
for (const id of ['loop', 'names', 'truth', 'body', 'inset', 'follow']) toggle($(id));
for (const person of persons.length > 1 ? persons : []) {
  const button = document.createElement('button');
  button.className = 'toggle';
  button.textContent = `person ${person.id}`;
  button.setAttribute('aria-pressed', 'true');
  toggle(button, (on) => { person.shown = on; });
  $('persons').append(button);
}
$('play').addEventListener('click', () => play(!playing));
$('reset').addEventListener('click', resetView);
$('scrub').addEventListener('input', () => { play(false); seek(Number($('scrub').value)); });
renderer.domElement.addEventListener('pointermove', pointAt);
renderer.domElement.addEventListener('pointerdown', pointAt);
renderer.domElement.addEventListener('pointerleave', () => { $('tip').hidden = true; });
controls.addEventListener('change', () => { dirty = true; });

addEventListener('pointerup', () => document.activeElement.blur?.()); // after a click, space plays again

const step = (by) => { play(false); seek(Math.round(time) + by); };
const keys = {
  ' ': () => play(!playing),
  arrowleft: (event) => step(event.shiftKey ? -10 : -1),
  arrowright: (event) => step(event.shiftKey ? 10 : 1),
  home: () => seek(first),
  end: () => seek(last),
  l: () => $('loop').click(),
  n: () => $('names').click(),
  g: () => $('truth').click(),
  b: () => $('body').click(),
  k: () => $('inset').click(),
  f: () => $('follow').click(),
  r: resetView,
};
addEventListener('keydown', (event) => {
  const act = keys[event.key.toLowerCase()];
  if (!act || event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === 'SELECT') return;
  if (event.key === ' ' && event.target.tagName === 'BUTTON') return; // the button that has the focus acts
  event.preventDefault();
  act(event);
});

function paint() {
  floor.paint(dark.matches);
  for (const person of persons) for (const thing of person.things) thing.paint();
  dirty = true;
}

function resize() {
  renderer.setSize(innerWidth, innerHeight);
  camera.aspect = innerWidth / innerHeight;
  // the middle of the picture lies between the words above and the bar below
  camera.setViewOffset(innerWidth, innerHeight, 0, document.querySelector('footer').offsetHeight * 0.45, innerWidth, innerHeight);
  dirty = true;
}

function frame(now) {
  requestAnimationFrame(frame);
  if (playing) advance(now);
  controls.update();
  if (!dirty) return;
  dirty = false;
  for (const person of persons) person.update(time, pressed('truth'), pressed('body'));
  follow();
  renderer.render(scene, camera); // before the words: it brings the camera's matrices up to date
  drawLabels();
  drawFlat();
  $('scrub').value = Math.round(time);
  $('time').textContent = `${((time - first) / data.fps).toFixed(2)} s · frame ${Math.round(time)} / ${last}`;
}

dark.addEventListener('change', paint);
addEventListener('resize', resize);
paint();
resize();
for (const person of persons) person.update(time, true);
resetView();
requestAnimationFrame(frame);
